"""Decisions as guardrails read them: the same rewards as training has, of one manifest, as known at a moment."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.events import START, life, reaction
from support.exposures import exposure

from tip_serving.events.database import Sqlite
from tip_serving.events.schema import TIP_SCORES
from tip_serving.events.store import EventStore
from tip_serving.releasing.outcomes import decisions, frame_of, rewarded
from tip_serving.training.reward import WINDOW, is_dismissed, reward_of

ENDS = START + dt.timedelta(days=9)


@pytest.fixture
def store(tmp_path: Path) -> EventStore:
    return EventStore(Sqlite(tmp_path / "events.db"))


def read(store: EventStore, until: dt.datetime = ENDS, manifest: str = "7") -> pl.DataFrame:
    return frame_of(decisions(store, manifest, START, until))


def test_rewards_and_dismissals_are_those_that_training_reads(store: EventStore) -> None:
    store.keep(life(3_000, np.random.default_rng(3)))
    rows = [row for day in range(4) for row in store.tip_scores((START + dt.timedelta(days=day)).date())]
    shown = pl.DataFrame(
        rows, [name.removesuffix("_us") for name in TIP_SCORES], orient="row", infer_schema_length=None
    )
    moments = [name for name in shown.columns if name.endswith("_at") or name == "at"]
    shown = shown.with_columns(pl.from_epoch(name, "us").dt.replace_time_zone("UTC") for name in moments)
    theirs = shown.filter(pl.col("rank") == 0).with_columns(reward_of(), is_dismissed())
    ours = rewarded(read(store), ENDS, WINDOW)
    assert ours.height == theirs.height > 300
    assert 0 < ours["reward"].sum() == theirs["reward"].sum()
    assert 0 < ours["is_dismissed"].sum() == theirs["is_dismissed"].sum()


def test_only_decisions_of_the_manifest_count_and_each_once(store: EventStore) -> None:
    store.keep([
        exposure(event_id="e1", decision_id="d1", at=START),
        exposure(event_id="e2", decision_id="d1", at=START + dt.timedelta(seconds=1), arm="other"),
        exposure(event_id="e3", decision_id="d3", at=START, manifest_version="8"),
        exposure(event_id="e4", decision_id="d4", at=START, manifest_version=None),
    ])  # fmt: skip
    assert read(store)["arm"].to_list() == ["champion"]


def test_what_comes_later_is_not_known_yet(store: EventStore) -> None:
    store.keep(
        [exposure(event_id="e1", decision_id="d1", at=START), reaction("d1", at=START + dt.timedelta(minutes=9))]
    )
    early, late = (read(store, START + dt.timedelta(minutes=minutes)) for minutes in (8, 10))
    assert early["accepted_at"].to_list() == [None]
    assert late["accepted_at"].to_list() == [moment_of(9)]
    assert rewarded(late, ENDS, dt.timedelta(minutes=5))["reward"].to_list() == [0.0]
    assert rewarded(late, ENDS, dt.timedelta(minutes=9))["reward"].to_list() == [1.0]


def moment_of(minutes: int) -> dt.datetime:
    return START + dt.timedelta(minutes=minutes)


def test_a_reaction_to_another_tip_or_by_somebody_else_is_none_to_the_first(store: EventStore) -> None:
    store.keep([
        exposure(event_id="e1", decision_id="d1", at=START),
        reaction("d1", event_id="f1", tip_id="t1"),
        reaction("d1", event_id="f2", user="user-2"),
        reaction("d1", "rated", event_id="f3", rating=0.2),
    ])  # fmt: skip
    assert rewarded(read(store), ENDS, WINDOW)["reward"].to_list() == [0.0]
    store.keep([reaction("d1", "rated", event_id="f4", rating=0.9, at=START + dt.timedelta(minutes=30))])
    assert rewarded(read(store), ENDS, WINDOW)["reward"].to_list() == [1.0], "of ratings the last counts"


def test_no_decision_is_a_table_all_the_same(store: EventStore) -> None:
    assert read(store).height == 0
    assert rewarded(read(store), ENDS, WINDOW).columns[-2:] == ["reward", "is_dismissed"]
