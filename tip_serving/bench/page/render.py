"""The page as one HTML file that needs nothing beside it: styles, programs and tips inside, no request ever leaves.

Its Content-Security-Policy names the hash of each style and program in it and allows nothing else.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tip_serving.bench.page import sample, words
from tip_serving.bench.page.content import Page
from tip_serving.bench.page.figures import FREE_AT, HEAT_STEPS
from tip_serving.bench.page.views import judges_view, view

_PACKAGE = "tip_serving.bench.page"


def render(page: Page) -> str:
    """The whole file; encodes as UTF-8 whatever the texts hold."""
    tips = sample.encode(page.sample, page.boards)
    inlined = {name: Markup(part(name)) for name in ("early.js", "boards.js", "tips.js")}  # noqa: S704 - our own files
    inlined["page.css"] = Markup(part("palette.css") + part("page.css"))  # noqa: S704 - our own files
    html = (
        _environment()
        .get_template("page.html")
        .render(
            page=page,
            views=[view(board) for board in page.boards],
            judges=judges_view(page.judges),
            n_sampled=sum(len(scenario["tips"]) for scenario in tips["scenarios"]),
            n_sampled_scenarios=len(tips["scenarios"]),
            tips_json=Markup(sample.as_json(tips)),  # noqa: S704 - as_json leaves no markup in it
            inlined=inlined,
            policy=_policy(inlined),
            words=words,
            heat_steps=HEAT_STEPS,
            free_at=FREE_AT,
        )
    )
    # Half of a surrogate pair, as a broken model may send, is no character; nothing could write it to disk.
    return html.encode("utf-8", "replace").decode("utf-8")


def _policy(inlined: dict[str, Markup]) -> str:
    styles = " ".join(_hash(text) for name, text in inlined.items() if name.endswith(".css"))
    programs = " ".join(_hash(text) for name, text in inlined.items() if name.endswith(".js"))
    return (
        f"default-src 'none'; style-src {styles}; script-src {programs}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def part(name: str) -> str:
    """A style or program of ours, as it stands beside this module."""
    return files(_PACKAGE).joinpath("parts", name).read_text(encoding="utf-8")


@cache
def _environment() -> Environment:
    """Strict about names; everything that a template prints is escaped."""
    return Environment(
        loader=PackageLoader(_PACKAGE, "parts"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
