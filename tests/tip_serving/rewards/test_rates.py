"""How often tips were rewarded: counted by hand, what counts as shown, what is open, and whether intervals cover."""

import datetime as dt
from typing import Any

import numpy as np
import polars as pl
import pytest
from support.rewards import FIRST, LATER, frame, living, tip, write_days

from tip_serving.lake.storage import Lake
from tip_serving.rewards.rates import rates
from tip_serving.rewards.tables import Certainty, Dimension, Window
from tip_serving.rewards.tally import TALLY, joined, summed, tally


@pytest.fixture
def lake(tmp_path: Any) -> Lake:
    return Lake(str(tmp_path))


def _rates(lake: Lake, rows: list[dict[str, Any]], now: dt.datetime = LATER) -> pl.DataFrame:
    return rates(tally(lake, write_days(lake, rows), now), now)


def _row(found: pl.DataFrame, dimension: Dimension, key: str, window: Window = Window.ALL, **more: Any) -> Any:
    wanted = {"dimension": dimension.value, "key": key, "window": window.value, **more}
    [row] = found.filter(*(pl.col(name) == value for name, value in wanted.items())).iter_rows(named=True)
    return row


def _noon(day: int) -> dt.datetime:
    return dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(12), dt.UTC)


def test_reactions_are_counted_and_people_are_the_draws(lake: Lake) -> None:
    soon = _noon(0) + dt.timedelta(hours=1)
    rows = [
        tip(1, "ana", is_rewarded=True, shown_at=soon),
        tip(2, "ana", done_at=soon, rated_at=soon, rating=0.9),
        tip(3, "ben", dismissed_at=soon),
        tip(4, "cyn", snoozed_at=soon, rated_at=soon, rating=0.2),
        tip(5, "ana", day=8),
    ]
    row = _row(_rates(lake, rows), Dimension.PROMPT, "embedded/first|v1")
    counted = {name: row[name] for name in row if name.startswith("n_")}
    assert counted == {
        "n_users": 3, "n_shown": 5, "n_due": 5, "n_open": 0, "n_displayed": 1, "n_accepted": 1, "n_dismissed": 1,
        "n_done": 1, "n_snoozed": 1, "n_rated": 2,
    }  # fmt: skip
    assert row["rating_mean"] == pytest.approx(0.55)
    assert row["reward_rate"] == pytest.approx(0.4)
    # residual sums: ana 2 - 3 * 0.4, ben and cyn -0.4 each
    assert row["reward_se"] == pytest.approx(float(np.sqrt(3 / 2 * (0.8**2 + 2 * 0.4**2)) / 5))
    assert row["certainty"] == Certainty.TOO_FEW
    assert (row["model"], row["prompt_version"]) == ("embedded/first", "v1")
    assert (row["since"], row["until"]) == (FIRST, FIRST + dt.timedelta(days=8))


def test_days_and_weeks_hold_what_was_shown_in_them(lake: Lake) -> None:
    found = _rates(lake, [tip(1, is_rewarded=True), tip(2, day=6), tip(3, day=7), tip(4, day=7, is_rewarded=True)])
    weeks = found.filter(window="week", dimension="arm").select("since", "until", "n_shown", "reward_rate").rows()
    assert weeks == [
        (FIRST, FIRST + dt.timedelta(days=6), 2, 0.5),
        (FIRST + dt.timedelta(days=7), FIRST + dt.timedelta(days=7), 2, 0.5),
    ]
    days = found.filter(window="day", dimension="arm").select("since", "reward_rate").rows()
    assert days == [(FIRST, 1.0), (FIRST + dt.timedelta(days=6), 0.0), (FIRST + dt.timedelta(days=7), 0.5)]


def test_a_tip_whose_window_is_open_is_in_no_rate_rewarded_or_not(lake: Lake) -> None:
    rows = [tip(1, is_rewarded=True), tip(2), tip(3, day=1, is_rewarded=True), tip(4, day=1)]
    found = _rates(lake, rows, now=_noon(1) + dt.timedelta(hours=2))
    row = _row(found, Dimension.ARM, "champion")
    assert (row["n_shown"], row["n_due"], row["n_open"], row["reward_rate"]) == (4, 2, 2, 0.5)
    young = _row(found, Dimension.ARM, "champion", Window.DAY, since=FIRST + dt.timedelta(days=1))
    assert (young["n_due"], young["n_open"], young["n_accepted"]) == (0, 2, 1)
    assert (young["reward_rate"], young["reward_low"], young["certainty"]) == (None, None, Certainty.OPEN)


def test_a_tip_that_was_written_to_be_scored_beside_others_was_seen_by_nobody(lake: Lake) -> None:
    soon = _noon(0) + dt.timedelta(hours=1)
    rows = [
        tip(1, is_rewarded=True),
        tip(2, kind="generate"),
        tip(3, kind="generate", shown_at=soon),
        tip(4, rank=3, accepted_at=soon),
        tip(5, model=None, prompt_version=None),
    ]
    found = _rates(lake, rows)
    assert _row(found, Dimension.PROMPT, "embedded/first|v1")["n_shown"] == 2
    assert _row(found, Dimension.PROMPT, "embedded/first|v1")["reward_rate"] == 0.5
    assert _row(found, Dimension.POLICY, "p1")["n_shown"] == 3, "who wrote it is not asked there"


def test_what_comes_twice_counts_once(lake: Lake) -> None:
    rows = living(np.random.default_rng(1), {"a|v1": 0.3, "a|v2": 0.5}, n_users=30, n_days=9)
    once = _rates(lake, rows)
    assert _rates(lake, [*rows, *reversed(rows)]).equals(once)
    days = write_days(lake, rows)
    assert rates(tally(lake, [*days, *reversed(days)], LATER), LATER).equals(once)


def test_a_late_reaction_is_counted_and_earns_nothing() -> None:
    late = _noon(0) + dt.timedelta(hours=30)
    found = summed(frame([tip(1, accepted_at=late), tip(2, rated_at=late, rating=1.0)]), FIRST, LATER)
    assert found.select("n_accepted", "n_rated", "rewarded").row(0) == (1, 1, 0.0)


def test_every_dimension_tells_its_own_keys_apart(lake: Lake) -> None:
    rows = living(np.random.default_rng(2), {"a|v1": 0.3, "b|v1": 0.5}, n_days=3, arms={"x": 0.5, "y": 0.5})
    found = _rates(lake, rows)
    keys = {dimension: set(found.filter(dimension=dimension.value)["key"]) for dimension in Dimension}
    assert keys == {
        Dimension.PROMPT: {"a|v1", "b|v1"},
        Dimension.POLICY: {"policy-x", "policy-y"},
        Dimension.REWARD_MODEL: {"reward-x", "reward-y"},
        Dimension.ARM: {"x", "y"},
    }
    for dimension in Dimension:
        whole = found.filter(dimension=dimension.value)
        by_window = whole.group_by("window").agg(pl.col("n_shown").sum())["n_shown"]
        assert set(by_window) == {len(rows)}


def test_without_tips_there_are_no_rates(lake: Lake) -> None:
    nothing = tally(lake, [FIRST], LATER)
    assert (nothing.height, dict(nothing.schema)) == (0, TALLY)
    assert rates(nothing, LATER).is_empty()


@pytest.mark.slow
def test_intervals_over_people_cover_where_those_over_tips_would_not() -> None:
    rng = np.random.default_rng(3)
    hits, naive, runs = 0, 0, 300
    for _ in range(runs):
        rows = living(rng, {"a|v1": 0.3}, n_users=40, n_days=15, between=0.2)
        found = _row(rates(joined([summed(frame(rows), FIRST, LATER)]), LATER), Dimension.ARM, "champion")
        # the chance is cut at 0.01 and 0.99, so the truth is a little above 0.3
        truth = float(np.mean(np.clip(0.3 + 0.2 * np.random.default_rng(0).normal(size=200_000), 0.01, 0.99)))
        hits += found["reward_low"] <= truth <= found["reward_high"]
        rate, n = found["reward_rate"], found["n_due"]
        naive += abs(rate - truth) <= 1.96 * np.sqrt(rate * (1 - rate) / n)
    assert 0.92 <= hits / runs <= 0.985
    assert naive / runs < 0.85
