"""The card for people: Markdown for a terminal or a review, and one HTML file that needs nothing else.

The file's Content-Security-Policy names the hash of its style and allows nothing else; everything printed is escaped.
"""

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tip_serving.bench.page import words
from tip_serving.bench.page.render import part
from tip_serving.training.candidate import PROMPT_POLICY, REWARD_MODEL, TIP_POLICY
from tip_serving.training.cards.card import TITLES, Card, is_complete
from tip_serving.training.cards.views import calibration_view, group_views, input_view, metric_views, part_views

_PACKAGE = "tip_serving.training.cards"
_MARKDOWN_SIGNS = re.compile(r"([\\`*_{}\[\]<>|#!])")

_UNTOUCHED = "Measured on decisions that nothing of it rests on."
_MEASURED = {
    REWARD_MODEL: _UNTOUCHED,
    TIP_POLICY: _UNTOUCHED,
    PROMPT_POLICY: "What it expects by now, what the judge's word was worth, and what people did.",
}


def html(card: Card) -> str:
    """The card as one self-contained page."""
    own = files(_PACKAGE).joinpath("parts", "card.css").read_text(encoding="utf-8")
    style = Markup(part("palette.css") + own)  # noqa: S704  our own files
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _rendered("card.html", card, escapes=True, style=style, digest=digest)


def markdown(card: Card) -> str:
    """The card as Markdown, without its drawings."""
    return _rendered("card.md", card, escapes=False, style="", digest="")


def _rendered(template: str, card: Card, *, escapes: bool, style: str, digest: str) -> str:
    rendered = (
        _environment(escapes)
        .get_template(template)
        .render(
            card=card,
            title=TITLES[card.name],
            measured=_MEASURED[card.name],
            missing=is_complete(card),
            metrics=metric_views(card),
            groups=group_views(card.fairness),
            inputs=input_view(card),
            parts=part_views(card.parts),
            calibration=calibration_view(card),
            words=words,
            style=style,
            digest=digest,
        )
    )
    return rendered.encode("utf-8", "replace").decode("utf-8")


@cache
def _environment(escapes: bool) -> Environment:
    """Strict about names; HTML escapes everything that a template prints, Markdown what is passed to `plain`."""
    made = Environment(
        loader=PackageLoader(_PACKAGE, "parts"),
        autoescape=escapes,  # noqa: S701  off for Markdown alone, which is no HTML
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["plain"] = _plain
    made.filters["figure"] = figure
    made.filters["setting"] = lambda value: f"{value:g}" if isinstance(value, float) else str(value)
    return made


def _plain(text: object) -> str:
    """On one line, with every sign that Markdown reads as more than itself behind a backslash."""
    return _MARKDOWN_SIGNS.sub(r"\\\1", " ".join(str(text).split()))


def figure(value: object) -> str:
    """A number with as many digits as say something; a text as it is; a dash for what is not known."""
    if value is None:
        return words.NONE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if float(value).is_integer() and abs(value) < 1e12:  # noqa: PLR2004  beyond, digits are noise
        return words.number(float(value), 0)
    size = abs(value)
    digits = 1 if size >= 100 else 2 if size >= 10 else 3 if size >= 0.1 else 4  # noqa: PLR2004  three that count
    return words.number(float(value), digits)
