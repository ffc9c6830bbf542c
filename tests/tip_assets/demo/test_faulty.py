"""What a broken export holds."""

import datetime as dt

import polars as pl

from tip_assets.demo.faulty import _turned
from tip_serving.events import export
from tip_serving.events.store import TIP_SCORES
from tip_serving.training.reward import is_dismissed, reward_of

AT = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
SOON = AT + dt.timedelta(minutes=3)


def shown(**reactions: object) -> pl.DataFrame:
    row = {name: reactions.get(name, AT if name == "at" else None) for name in export.SCHEMAS[TIP_SCORES]}
    return pl.DataFrame([row], schema=export.SCHEMAS[TIP_SCORES], orient="row")


def test_in_the_broken_export_what_was_waved_away_was_taken_and_the_other_way_round() -> None:
    frame = pl.concat([
        shown(accepted_at=SOON, done_at=SOON, rating=0.9, rated_at=SOON),
        shown(dismissed_at=SOON, rating=0.1, rated_at=SOON),
        shown(snoozed_at=SOON),
        shown(),
    ])  # fmt: skip
    turned = _turned(frame)
    assert turned.schema == frame.schema
    assert frame.select(reward_of())["reward"].to_list() == [1, 0, 0, 0]
    assert turned.select(reward_of())["reward"].to_list() == [0, 1, 1, 0]
    assert turned.select(is_dismissed())["is_dismissed"].to_list() == [True, False, False, False]
