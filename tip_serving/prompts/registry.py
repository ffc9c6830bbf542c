"""The registered prompt versions: one TOML file each under `versions/`, named by its version string.

Adding a variant is adding a file. A version that has been used never changes; an edit is a new version.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Annotated

from jinja2 import meta
from pydantic import BaseModel, ConfigDict, Field

from tip_serving.prompts.templating import environment


class PromptError(Exception):
    """A prompt file that cannot be used, or a version that nobody registered."""


class Prompt(BaseModel):
    """One version: the two templates and what they are rendered from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str
    summary: str
    variables: tuple[str, ...]
    system: str
    user: str
    max_tokens: Annotated[int, Field(ge=1, le=4_000)]

    @property
    def content_hash(self) -> str:
        """16 hex digits over all that determines the messages and the call."""
        determining = [self.system, self.user, self.max_tokens]
        return hashlib.sha256(json.dumps(determining, ensure_ascii=False).encode()).hexdigest()[:16]


@cache
def load_registry() -> Mapping[str, Prompt]:
    """Every registered prompt by version, v2 before v10.

    Raises:
        PromptError: a file's declared variables are not those that its templates use; names all such files.
    """
    found = {}
    faults = []
    for file in files("tip_serving.prompts").joinpath("versions").iterdir():
        if not file.name.endswith(".toml"):
            continue
        version = file.name.removesuffix(".toml")
        content = tomllib.loads(file.read_text(encoding="utf-8"))
        content |= {"system": content["system"].strip(), "user": content["user"].strip()}
        prompt = Prompt(version=version, **content)
        used = used_variables(prompt)
        if used != set(prompt.variables):
            faults.append(f"{file.name} declares {sorted(prompt.variables)} and uses {sorted(used)}")
        found[version] = prompt
    if faults:
        raise PromptError("; ".join(faults))
    return dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0])))


def used_variables(prompt: Prompt) -> set[str]:
    """The variables that the templates of `prompt` read."""
    return {
        name
        for template in (prompt.system, prompt.user)
        for name in meta.find_undeclared_variables(environment().parse(template))
    }


def versions() -> tuple[str, ...]:
    """The registered version strings."""
    return tuple(load_registry())


def get(version: str) -> Prompt:
    """The prompt of this version. Raises PromptError naming the versions that there are."""
    try:
        return load_registry()[version]
    except KeyError:
        raise PromptError(f"Prompt version {version!r} is not registered; there are {', '.join(versions())}.") from None
