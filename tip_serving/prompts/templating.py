"""The one Jinja environment of all prompts: sandboxed, strict about names, no HTML escaping."""

import json
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, Template
from jinja2.sandbox import ImmutableSandboxedEnvironment


def _as_json(value: object) -> str:
    """`value` on one line of JSON in which no angle bracket appears, so that data cannot close its fence."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


@cache
def environment() -> ImmutableSandboxedEnvironment:
    """The environment; templates are plain text for a model, so nothing is escaped for HTML."""
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
    made.filters["json"] = _as_json
    return made


@cache
def compiled(source: str) -> Template:
    """The template of this text, compiled once."""
    return environment().from_string(source)


def fill(source: str, variables: dict[str, Any]) -> str:
    """The text of the template with these variables."""
    return compiled(source).render(variables)
