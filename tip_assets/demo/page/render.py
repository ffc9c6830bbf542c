"""The page as one HTML file: styles inside, no program, and nothing that leaves it."""

import base64
import hashlib
from collections import Counter

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tip_assets.demo.page import views
from tip_assets.demo.page.content import Page
from tip_serving.bench.page.render import part

_PACKAGE = "tip_assets.demo.page"
_COMPARED_DAYS = 3


def render(page: Page) -> str:
    """The whole file."""
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "parts"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    loader = environment.loader
    assert loader is not None  # noqa: S101  given above
    style = part("palette.css") + loader.get_source(environment, "page.css")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return environment.get_template("page.html").render(
        page=page,
        lead=lead(page),
        facts=_facts(page),
        days=views.days(page),
        milestones=views.milestones(page),
        regret=views.regret(page),
        taken=views.taken(page),
        lanes=[views.lane(page, lane) for lane in page.lanes],
        arms=views.arms(page.arms),
        beliefs=views.beliefs(page.beliefs),
        scatter=views.scatter(page.cells),
        style=Markup(style),  # noqa: S704  our own files
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'",
    )


def lead(page: Page) -> str:
    """The whole story in two or three sentences."""
    n_before = page.n_days_before_learning
    before = views.spans_of_days(page.spans, 0, n_before)
    after = views.spans_of_days(page.spans, page.n_days - _COMPARED_DAYS, page.n_days)
    said = []
    if before is not None and after is not None and n_before + _COMPARED_DAYS <= page.n_days:
        verb = "fell" if after.mean < before.mean else "did not fall"
        said.append(
            f"What it costs that the best tip is not always shown {verb} from {100 * before.mean:.1f} to "
            f"{100 * after.mean:.1f} takes in 100 tips: from the {n_before} days before anything was learnt to the "
            f"last {_COMPARED_DAYS}."
        )
    if page.lanes:
        said.append(_became(Counter(lane.outcome for lane in page.lanes)))
    return " ".join(said)


def _became(by_outcome: Counter[str]) -> str:
    """What became of all proposals."""
    words = {
        "finished": "went to everybody step by step, and nobody touched anything",
        "refused": "refused before anybody saw it",
        "rolled back": "taken back by guardrails from those who had it",
    }
    n = by_outcome.total()
    told = [f"{by_outcome[outcome]} {words.get(outcome, f'still {outcome}')}" for outcome in by_outcome]
    return f"Of {n} proposal{'s' if n > 1 else ''}: {'; '.join(told)}."


def _facts(page: Page) -> list[tuple[str, str, str]]:
    last = page.spans[-1] if page.spans else None
    return [
        ("Decisions", f"{page.n_decisions:,}", "each drawn with a logged probability"),
        ("Events", f"{page.n_events:,}", f"each once in the store, {page.broker}"),
        ("Released", page.released or "nothing", "the manifest that is served now"),
        ("Taken on the last day", "-" if last is None else f"{100 * last.taken.mean:.0f} of 100",
         "" if last is None else f"{100 * last.possible:.0f} were possible"),
    ]  # fmt: skip
