"""What experiments can be made of: registered prompts with their texts, and models with what is known of them."""

import difflib
from typing import Literal, NamedTuple

from tip_serving import settings as environment
from tip_serving.admin.service.bench import Bench
from tip_serving.admin.service.errors import NotFoundError
from tip_serving.admin.service.rows import Plain
from tip_serving.admin.service.users import ADMINS, READERS, User, require
from tip_serving.generation.catalog import EMBEDDED, Catalog, embedded_models, key_variables
from tip_serving.prompts import registry
from tip_serving.prompts.registry import Prompt, PromptError
from tip_serving.scenarios import sets

_PER_MILLION = 1e6
_MARKS: dict[str, Literal["same", "removed", "added"]] = {"  ": "same", "- ": "removed", "+ ": "added"}


class PromptRow(Plain):
    """One registered version."""

    version: str
    summary: str
    system: str
    user: str
    variables: tuple[str, ...]
    max_tokens: int
    content_hash: str
    experiments: tuple[str, ...]
    """Those whose spec asks for it."""


class DiffLine(Plain):
    """One line of two texts laid side by side."""

    part: Literal["system", "user"]
    mark: Literal["same", "removed", "added"]
    text: str


class PromptDiff(Plain):
    """How to get from one version to another."""

    old: str
    new: str
    lines: tuple[DiffLine, ...]


class ModelRow(Plain):
    """One model and what is known of it."""

    model: str
    is_embedded: bool
    size_b: float | None
    """Billions of parameters; null where nothing tells."""
    input_usd_per_mtok: float | None
    output_usd_per_mtok: float | None
    missing_keys: tuple[str, ...]
    """Variables that its provider needs and this process does not have."""
    experiments: tuple[str, ...]
    """Those whose spec asks for it."""


class Choices(NamedTuple):
    """What a new experiment can be made of."""

    models: list[ModelRow]
    prompts: list[PromptRow]
    scenario_sets: list[str]
    """Names of imported ones."""


class Reading(NamedTuple):
    """One version among all, and how it differs from another where one was named."""

    rows: list[PromptRow]
    chosen: PromptRow
    changes: PromptDiff | None


def prompts(user: User, bench: Bench) -> list[PromptRow]:
    """Every registered version, v2 before v10, with where it is used."""
    require(user, READERS, "see prompts")
    used = _users(bench, "prompts")
    return [_prompt_row(prompt, used.get(version, ())) for version, prompt in registry.load_registry().items()]


def read_prompt(user: User, bench: Bench, version: str | None, against: str | None) -> Reading:
    """One version, the first unless one is named. Raises NotFoundError."""
    rows = prompts(user, bench)
    found = [row for row in rows if version in (None, row.version)]
    if not found:
        raise NotFoundError(f"There is no prompt version {version!r:.60}.")
    return Reading(rows, found[0], prompt_diff(user, against, found[0].version) if against else None)


def prompt_diff(user: User, old: str, new: str) -> PromptDiff:
    """What changed from `old` to `new`, line by line. Raises NotFoundError."""
    require(user, READERS, "see prompts")
    try:
        before, after = registry.get(old), registry.get(new)
    except PromptError as error:
        raise NotFoundError(str(error)) from None
    lines = [
        DiffLine(part=part, mark=_MARKS[line[:2]], text=line[2:])
        for part, one, other in (("system", before.system, after.system), ("user", before.user, after.user))
        for line in difflib.ndiff(one.splitlines(), other.splitlines())
        if line[:2] in _MARKS
    ]
    return PromptDiff(old=old, new=new, lines=tuple(lines))


def models(user: User, bench: Bench) -> list[ModelRow]:
    """Every model that is embedded, declared or was ever asked for."""
    require(user, READERS, "see models")
    catalog, used = bench.workshop.catalog, _users(bench, "models")
    names = dict.fromkeys([*embedded_models(), *sorted({*catalog.declared, *used})])
    return [_model_row(name, catalog, used.get(name, ())) for name in names]


def choices(user: User, bench: Bench) -> Choices:
    """What whoever starts an experiment can choose from."""
    require(user, ADMINS, "start experiments")
    return Choices(models(user, bench), prompts(user, bench), sets.list_sets(bench.workshop.lake))


def _users(bench: Bench, field: Literal["models", "prompts"]) -> dict[str, tuple[str, ...]]:
    """By model or prompt, the experiments that ask for it."""
    found: dict[str, list[str]] = {}
    for standing in bench.overview.standings():
        if standing.state is not None and standing.state.spec is not None:
            for name in getattr(standing.state.spec, field):
                found.setdefault(name, []).append(standing.experiment)
    return {name: tuple(experiments) for name, experiments in found.items()}


def _prompt_row(prompt: Prompt, experiments: tuple[str, ...]) -> PromptRow:
    return PromptRow(
        version=prompt.version,
        summary=prompt.summary,
        system=prompt.system,
        user=prompt.user,
        variables=prompt.variables,
        max_tokens=prompt.max_tokens,
        content_hash=prompt.content_hash,
        experiments=experiments,
    )


def _model_row(model: str, catalog: Catalog, experiments: tuple[str, ...]) -> ModelRow:
    price = catalog.price(model)
    return ModelRow(
        model=model,
        is_embedded=model.startswith(EMBEDDED),
        size_b=catalog.size_b(model),
        input_usd_per_mtok=None if price is None else price.input_usd * _PER_MILLION,
        output_usd_per_mtok=None if price is None else price.output_usd * _PER_MILLION,
        missing_keys=tuple(name for name in key_variables(model) if not environment.is_set(name)),
        experiments=experiments,
    )
