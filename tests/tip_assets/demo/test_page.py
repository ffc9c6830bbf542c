"""What the page of a demo tells and where things stand in its drawings."""

import datetime as dt
import re
from dataclasses import replace
from html import unescape

import pytest

from tip_assets.demo.page import views
from tip_assets.demo.page.content import ArmRate, Belief, Interval, JudgedCell, Lane, Moment, Page, Span
from tip_assets.demo.page.render import lead, render

BEGIN = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)


def moment(day: float, kind: str, *reasons: str, share: float | None = None) -> Moment:
    findings = (("gain", "passed", "gain: it gains <more>"), ("errors", "not measured", "errors: nobody says"))
    return Moment(day, BEGIN + dt.timedelta(days=day), kind, reasons or ("so",), share, findings)


def interval(mean: float) -> Interval:
    return Interval(mean, mean - 0.02, mean + 0.02)


@pytest.fixture
def page() -> Page:
    spans = tuple(
        Span(day, 100, interval(0.2 - 0.01 * day), interval(0.25 + 0.01 * day), 0.45) for day in range(10)
    )  # fmt: skip
    finished = (
        moment(2, "gate passed"),
        moment(3, "stage", share=0.01),
        moment(4, "stage", share=0.5),
        moment(6, "finished"),
    )
    lanes = (
        Lane("Trained on <b>people</b>", "model 1", "finished", 2.0, finished),
        Lane("Broken", "model 2", "refused", 7.0, (moment(7, "refused", "evidence: keep", "gain: it loses"),)),
        Lane("Waits", "model 3", "queued", 8.0, ()),
    )
    return Page(
        seed=7, n_people=40, n_days=10, first_day=BEGIN.date(), n_events=9_000, n_decisions=1_000, n_restarts=2,
        broker="through JetStream", released="abc-9", milestones=((2, "bench proposes"), (20, "never")),
        n_days_before_learning=3, spans=spans, lanes=lanes,
        arms=(
            ArmRate("default", "the rule", 500, 40, interval(0.25)),
            ArmRate("abc", "model 1", 9, 3, Interval(0.3, None, None)),
        ),
        cells=(
            JudgedCell("embedded/a@v1", interval(3.0), interval(0.2), 90),
            JudgedCell("embedded/c@v1", interval(3.02), interval(0.201), 90),
            JudgedCell("embedded/b@v1", interval(4.0), interval(0.3), 90),
            JudgedCell("embedded/d@v1", interval(4.5), None, 0),
        ),
        judge="rules", verdict_on_judge=("It predicts people.",),
        beliefs=(Belief("a@v1", interval(0.3), interval(0.2), 50),),
        refused=(("Broken", "refused", ("evidence: keep", "gain: it loses")),), home="/somewhere",
    )  # fmt: skip


def test_the_page_needs_nothing_beside_it_and_runs_no_program(page: Page) -> None:
    html = render(page)
    assert "<script" not in html
    assert not re.search(r"(?:src|href|url)\s*[=(]", html)
    assert "default-src 'none'; style-src 'sha256-" in unescape(html)


def test_texts_are_escaped(page: Page) -> None:
    html = render(page)
    assert "Trained on &lt;b&gt;people&lt;/b&gt;" in html
    assert "it gains &lt;more&gt;" in html


def test_the_lead_says_how_the_regret_went_and_what_became_of_the_proposals(page: Page) -> None:
    assert lead(page) == (
        "What it costs that the best tip is not always shown fell from 19.0 to 12.0 takes in 100 tips: from the 3 days "
        "before anything was learnt to the last 3. Of 3 proposals: 1 went to everybody step by step, and nobody "
        "touched anything; 1 refused before anybody saw it; 1 still queued."
    )
    worse = replace(page, spans=tuple(replace(span, regret=interval(0.1 + 0.01 * span.day)) for span in page.spans))
    assert "did not fall from 11.0 to 18.0" in lead(worse)


def test_a_demo_that_ended_before_anything_was_learnt_claims_nothing(page: Page) -> None:
    assert "takes in 100 tips" not in lead(replace(page, n_days=4))


def test_every_reason_is_told_and_every_outcome_has_its_word(page: Page) -> None:
    html = render(page)
    for told in ("evidence: keep", "gain: it loses", "stage 50%", "finished", "refused", "queued"):
        assert told in html


def test_stages_lie_end_to_end_on_the_days(page: Page) -> None:
    bands = views.lane(page, page.lanes[0]).bands
    assert [(band.x, band.x + band.width) for band in bands] == [(20, 30), (30, 40), (40, 60), (60, 100)]
    assert [band.step for band in bands] == sorted({band.step for band in bands})
    assert views.lane(page, page.lanes[2]).bands == ()


def test_an_arm_is_drawn_with_everybody_until_the_next_one_is(page: Page) -> None:
    later = Lane("Later", "model 4", "finished", 7.0, (moment(7, "stage", share=0.5), moment(8, "finished")))
    replaced = replace(page, lanes=(page.lanes[0], later))
    assert views.lane(replaced, page.lanes[0]).bands[-1].width == 20
    assert views.lane(replaced, later).bands[-1].width == 20


def test_a_higher_regret_stands_higher(page: Page) -> None:
    heights = [point.y for point in views.regret(page).points]
    assert heights == sorted(heights)  # y grows downwards, and the regret falls
    assert all(point.high < point.y < point.low for point in views.regret(page).points if point.low and point.high)


def test_names_of_dots_that_are_close_stand_on_both_sides(page: Page) -> None:
    found = views.scatter(page.cells)
    assert found is not None
    assert [point.is_mirrored for point in found.points] == [False, True, False]
    assert views.scatter(page.cells[2:]) is None


def test_milestones_beyond_the_end_are_left_out(page: Page) -> None:
    assert [what for _, what, _ in views.milestones(page)] == ["bench proposes"]
