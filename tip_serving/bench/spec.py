"""What an experiment asks for, and the one place that accepts or refuses it.

Whoever wants a bench run writes a spec; nothing else starts one. A spec never changes once it lies in the lake.

    SpecError            refused; lists every fault at once
    SpecConflictError    the experiment exists with another spec
"""

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tip_serving.generation.catalog import EMBEDDED, Catalog, embedded_models, validate_model_name
from tip_serving.lake import layout
from tip_serving.lake.storage import ConflictError, Lake, MissingError
from tip_serving.prompts import registry
from tip_serving.scenarios import sets

NAME_PATTERN = r"tip-bench-[a-z0-9][a-z0-9-]*"
MAX_NAME = 80
GENERATED = "generated"
MAX_CALLS = 5_000_000


class Fault(NamedTuple):
    """One thing wrong with a spec."""

    field: str
    message: str


class SpecError(ValueError):
    """The spec is refused; nothing was written."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = tuple(faults)


class SpecConflictError(SpecError):
    """The experiment exists already and asks for something else."""


def default_models() -> tuple[str, ...]:
    """Every embedded writer."""
    return tuple(embedded_models())


def default_prompts() -> tuple[str, ...]:
    """Every registered version."""
    return tuple(registry.versions())


def name_fault(experiment: str) -> str | None:
    """What is wrong with `experiment` as the name of one, or None."""
    if len(experiment) > MAX_NAME or not re.fullmatch(NAME_PATTERN, experiment):
        return f"{experiment!r:.90} must be tip-bench- and lower-case letters, digits and hyphens, up to {MAX_NAME}"
    return None


class Spec(BaseModel):
    """What to compare: which cells, over which scenarios, how many tips each, under which limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    experiment: str
    models: Annotated[tuple[str, ...], Field(min_length=1, max_length=500, default_factory=default_models)]
    prompts: Annotated[tuple[str, ...], Field(min_length=1, max_length=500, default_factory=default_prompts)]
    n_tips: Annotated[int, Field(ge=1, le=100, description="Candidates per scenario and cell.")] = 1
    n_scenarios: Annotated[int, Field(ge=1, le=10_000)] = 40
    scenarios: Annotated[str, Field(description="`generated`, or the name of an imported set.")] = GENERATED
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = 0.7
    max_model_b: Annotated[
        float | None, Field(gt=0, allow_inf_nan=False, description="Skip models with more billion parameters.")
    ] = None
    sampling_seed: Annotated[int, Field(ge=0, lt=2**31, description="Seeds scenarios and every sample.")] = 0
    max_cost_usd: Annotated[
        float | None, Field(gt=0, allow_inf_nan=False, description="A hard stop over the whole experiment.")
    ] = None

    @field_validator("experiment")
    @classmethod
    def _refuse_other_names(cls, name: str) -> str:
        fault = name_fault(name)
        if fault is not None:
            raise ValueError(fault)
        return name

    @field_validator("models", "prompts")
    @classmethod
    def _refuse_repeats(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"named more than once: {', '.join(repeated)}")
        return names

    def differences(self, other: "Spec") -> list[Fault]:
        """Each field in which `other` asks for something else."""
        mine, theirs = self.model_dump(), other.model_dump()
        return [
            Fault(name, f"is {_shown(theirs[name])} in the lake, {_shown(mine[name])} was asked for")
            for name in mine
            if mine[name] != theirs[name]
        ]


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


class Skip(NamedTuple):
    """A model that the experiment leaves out."""

    model: str
    reason: str


def skips(spec: Spec, catalog: Catalog) -> list[Skip]:
    """The models that `max_model_b` leaves out, each with its reason."""
    if spec.max_model_b is None:
        return []
    found = []
    for model in spec.models:
        size = catalog.size_b(model)
        if size is None:
            found.append(Skip(model, f"its size is unknown and max_model_b is {spec.max_model_b:g}"))
        elif size > spec.max_model_b:
            found.append(Skip(model, f"{size:g} billion parameters, max_model_b is {spec.max_model_b:g}"))
    return found


def parse(raw: dict[str, Any], lake: Lake, catalog: Catalog) -> Spec:
    """The spec that `raw` asks for.

    Raises:
        SpecError: with every fault at once, those of shape and those against what is known here.
    """
    faults: list[Fault] = []
    spec: Spec | None = None
    try:
        spec = Spec.model_validate(raw)
    except ValidationError as error:
        for entry in error.errors():
            place = ".".join(str(part) for part in entry["loc"]) or "spec"
            found = "" if entry["type"] == "value_error" else f"; found {entry['input']!r:.80}"
            faults.append(Fault(place, entry["msg"].removeprefix("Value error, ") + found))
    faults += _faults_in_context(raw if spec is None else spec.model_dump(), lake, catalog)
    if spec is not None and not faults:
        left_out = skips(spec, catalog)
        if len(left_out) == len(spec.models):
            faults += [Fault("max_model_b", f"leaves no model: {skip.model}: {skip.reason}") for skip in left_out]
        n_calls = len(spec.models) * len(spec.prompts) * spec.n_scenarios * spec.n_tips
        if n_calls > MAX_CALLS:
            faults.append(Fault("n_scenarios", f"{n_calls:,} calls in all; at most {MAX_CALLS:,} fit one experiment"))
    if spec is None or faults:
        raise SpecError(faults)
    return spec


def _faults_in_context(raw: dict[str, Any], lake: Lake, catalog: Catalog) -> list[Fault]:
    """What only this installation and this lake can tell; passes over values of the wrong shape."""
    is_limited = raw.get("max_cost_usd") is not None
    faults = [fault for model in _strings(raw.get("models")) for fault in _model_faults(model, catalog, is_limited)]
    known = registry.versions()
    faults += [
        Fault("prompts", f"{prompt!r:.80} is not registered; there are {', '.join(known)}")
        for prompt in _strings(raw.get("prompts"))
        if prompt not in known
    ]
    name, wanted = raw.get("scenarios", GENERATED), raw.get("n_scenarios")
    if isinstance(name, str) and name != GENERATED:
        try:
            capacity = len(sets.load_set(lake, name))
        except sets.SetError as error:
            faults.append(Fault("scenarios", str(error)))
        else:
            if isinstance(wanted, int) and wanted > capacity:
                faults.append(Fault("n_scenarios", f"{wanted} asked for, the set {name!r} holds {capacity}"))
    return faults


def _model_faults(model: str, catalog: Catalog, is_limited: bool) -> list[Fault]:
    problem = validate_model_name(model)
    if problem is None and model.startswith(EMBEDDED) and model not in embedded_models():
        problem = f"no such writer; there are {', '.join(embedded_models())}"
    if problem is not None:
        return [Fault("models", f"{model!r:.120}: {problem}")]
    if is_limited and catalog.price(model) is None:
        return [Fault("max_cost_usd", f"cannot be held for {model}: its price is unknown; declare it in models.toml")]
    return []


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list | tuple) else []


def create(lake: Lake, spec: Spec) -> bool:
    """Write `spec` into the lake; False where the very same spec lies there already.

    Raises:
        SpecConflictError: the experiment exists with another spec; says in what they differ.
    """
    data = json.dumps(spec.model_dump(mode="json"), indent=2, ensure_ascii=False).encode() + b"\n"
    refuse_conflict(lake, spec)
    try:
        lake.swap(layout.spec(spec.experiment), data, None)
    except ConflictError:
        refuse_conflict(lake, spec)
        return False
    return True


def refuse_conflict(lake: Lake, spec: Spec) -> None:
    """Raise SpecConflictError where the experiment exists and is another one."""
    if lake.exists(layout.brought(spec.experiment)):
        reason = f"{spec.experiment} holds results that were measured elsewhere; name another one"
        raise SpecConflictError([Fault("experiment", reason)])
    try:
        there = Spec.model_validate_json(lake.read(layout.spec(spec.experiment)))
    except MissingError:
        return
    differences = spec.differences(there)
    if differences:
        reason = f"{spec.experiment} exists and never changes; name another one"
        raise SpecConflictError([Fault("experiment", reason), *differences])


def load(lake: Lake, experiment: str, catalog: Catalog) -> Spec:
    """The experiment's spec.

    Raises:
        MissingError: there is no such experiment.
        SpecError: the file in the lake is not a valid spec, or names another experiment than its folder.
    """
    data = lake.read(layout.spec(experiment))
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SpecError([Fault("spec.json", f"is not JSON: {error}")]) from None
    if not isinstance(raw, dict):
        raise SpecError([Fault("spec.json", "must hold one JSON object")])
    spec = parse(raw, lake, catalog)
    if spec.experiment != experiment:
        raise SpecError([Fault("experiment", f"says {spec.experiment}, but the folder is {experiment}")])
    return spec
