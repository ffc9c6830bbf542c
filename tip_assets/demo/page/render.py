"""The page as one HTML file: styles inside, no program, and nothing that leaves it."""

import base64
import hashlib

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
    n_finished = sum(lane.outcome == "finished" for lane in page.lanes)
    if page.lanes:
        said.append(f"Of {len(page.lanes)} proposals {n_finished} went to everybody, step by step and unattended.")
    if page.refused:
        kept = {"refused": "by the gate before anybody saw it", "rolled back": "by its guardrails"}
        told = [f"one was stopped {kept[outcome]}" for _, outcome, _ in page.refused]
        said.append(f"{', '.join(told).capitalize()}.")
    return " ".join(said)


def _facts(page: Page) -> list[tuple[str, str, str]]:
    last = page.spans[-1] if page.spans else None
    return [
        ("Decisions", f"{page.n_decisions:,}", "each drawn with a logged probability"),
        ("Events", f"{page.n_events:,}", f"each once in the store, {page.broker}"),
        ("Released", page.released or "nothing", "the manifest that is served now"),
        ("Taken on the last day", "-" if last is None else f"{100 * last.taken.mean:.0f} of 100",
         "" if last is None else f"{100 * last.possible:.0f} were possible"),
    ]  # fmt: skip
