"""What every person had done before a moment, from events in the lake: the `Activity` that features follow from.

Nothing that happened at the moment or later is looked at, whenever it became known. The terms are the contract's:

- A task *fell due* at the time that it was last set to, unless it was moved or removed before then; one that was done
  counts with the time that it had when it was done, early or late. A task due twice (it comes back) counts twice.
- A tip was *shown* where it came first in a decision of kind `score`, or where somebody reacted to it; it was
  *accepted* where they accepted it or did it.
- A session counts when it ended; one of more than a day was left open and is none.
- Days and hours are local by the offset that each signal carries; the moment is local by the person's time zone.
- What must be gone within VERIFIABLE of the moment is left out: nobody could compute again what rests on it.
"""

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import polars as pl

from tip_serving.events import export
from tip_serving.events.kinds import Kind
from tip_serving.features.activity import Activity
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import empty

LONG = dt.timedelta(days=90)
"""Over which done tasks and their labels are looked at."""
RECENT = dt.timedelta(days=30)
"""Over which dues, sessions and tips are looked at."""
VERIFIABLE = dt.timedelta(days=4)
"""How long everything that was looked at is surely kept: until the rewards of the next day are settled, and longer."""
MAX_LABELS = 50
_LONGEST_SESSION = dt.timedelta(days=1)
_SIGNALS = ("event_id", "at", "user", "retain_until", "utc_offset_min", "type", "task_id", "due_at", "labels",
            "session_id", "signed_up_at", "language", "time_zone", "quiet_hours")  # fmt: skip
_EXPOSURES = ("event_id", "at", "user", "retain_until", "decision_id", "kind", "tip_ids", "order")
_FEEDBACK = ("event_id", "at", "user", "retain_until", "decision_id", "tip_id", "reaction")
_TASKS = ("task_added", "task_rescheduled", "task_completed", "task_removed")  # in this order at one moment
_OPENING = ("task_added", "task_rescheduled")
_SETTINGS = ("signed_up_at", "language", "time_zone", "quiet_hours")
_TIP = ("decision_id", "user", "tip_id")


class Events(NamedTuple):
    """Events before a moment, with the columns that are needed here; in any order."""

    signals: pl.DataFrame
    exposures: pl.DataFrame
    """Of the last RECENT, and a day more."""
    feedback: pl.DataFrame
    """The same."""


class Known(NamedTuple):
    """One person at the moment."""

    user: str
    activity: Activity
    now: dt.datetime
    """The moment in the person's time zone, else at the offset of their last signal, else in UTC."""
    retain_until: dt.datetime | None
    """When the first of the events that this rests on must be gone."""


def needed(kind: str, day: dt.date, moment: dt.datetime) -> bool:
    """Whether what happened on this UTC day can change what is known at the moment."""
    last = (moment - dt.timedelta(microseconds=1)).astimezone(dt.UTC).date()
    first = dt.date.min if kind == Kind.SIGNAL else last - RECENT - dt.timedelta(days=1)
    return first <= day <= last


def counts(moment: dt.datetime) -> pl.Expr:
    """Whether an event is looked at: it happened before the moment, aware, and need not be gone soon after it."""
    stays = (pl.col("retain_until") > moment + VERIFIABLE).fill_null(value=True)
    return (pl.col("at") < moment) & stays


def read_events(lake: Lake, moment: dt.datetime, users: Collection[str] | None = None) -> Events:
    """The events in the lake that count at the moment, aware; of these people alone where they are given."""
    is_wanted = pl.lit(value=True) if users is None else pl.col("user").is_in(list(users))

    def read(kind: Kind, columns: tuple[str, ...]) -> pl.DataFrame:
        days = [day for day in export.days(lake, kind) if needed(kind, day, moment)]
        none = empty({name: dtype for name, dtype in export.SCHEMAS[kind].items() if name in columns})
        return pl.concat([none, *(export.read_day(lake, kind, day, columns).filter(is_wanted) for day in days)])

    return Events(read(Kind.SIGNAL, _SIGNALS), read(Kind.EXPOSURE, _EXPOSURES), read(Kind.FEEDBACK, _FEEDBACK))


def known(events: Events, moment: dt.datetime) -> Iterator[Known]:
    """Everybody who had done or been shown anything before the moment, aware; in order of their names."""
    past = Events(*(frame.filter(counts(moment)) for frame in events))
    signals = past.signals.sort("at", "event_id")
    steps = _steps(signals)
    people = _people(past)
    for part in (_settings(signals), _done(signals, moment), _labels(signals, moment), _dues(steps, moment),
                 _open(steps, moment), _sessions(signals, moment), _tips(past, moment)):  # fmt: skip
        people = people.join(part, on="user", how="left")
    for row in people.sort("user").iter_rows(named=True):
        now = _local(moment, row["time_zone"], row["utc_offset_min"])
        yield Known(row["user"], _activity(row), now, row["retain_until"])


def _activity(row: Mapping[str, Any]) -> Activity:
    zones = row["done_offsets"] or ()
    return Activity(
        signed_up=row["signed_up_at"],
        done=[moment.astimezone(_offset(minutes)) for moment, minutes in zip(row["done"] or (), zones, strict=True)],
        n_due_30d=row["n_due"] or 0,
        n_done_of_due_30d=row["n_done_of_due"] or 0,
        n_open=row["n_open"] or 0,
        n_overdue=row["n_overdue"] or 0,
        tips_shown=row["tips_shown"] or (),
        n_tips_accepted_30d=row["n_accepted"] or 0,
        n_tips_dismissed_30d=row["n_dismissed"] or 0,
        session_minutes=row["session_minutes"] or (),
        favourite_labels=row["favourite_labels"] or (),
        language=row["language"],
        time_zone=row["time_zone"],
        quiet_hours=row["quiet_hours"],
    )


def _local(moment: dt.datetime, time_zone: str | None, offset_min: int | None) -> dt.datetime:
    try:
        return moment.astimezone(ZoneInfo(time_zone or ""))
    except (KeyError, ValueError, OSError):  # none was told, or one that nobody here knows
        return moment.astimezone(_offset(offset_min or 0))


def _offset(minutes: int) -> dt.tzinfo:
    return dt.timezone(dt.timedelta(minutes=minutes))


def _people(past: Events) -> pl.DataFrame:
    """One row per person: when the first of their events must be gone, and the offset of their last signal."""
    everything = pl.concat([frame.select("user", "retain_until") for frame in past])
    offsets = past.signals.sort("at", "event_id").group_by("user").agg(pl.col("utc_offset_min").last())
    return everything.group_by("user").agg(pl.col("retain_until").min()).join(offsets, on="user", how="left")


def _settings(signals: pl.DataFrame) -> pl.DataFrame:
    """One row per account: each setting as it was last told."""
    told = signals.filter(pl.col("type") == "account_set")
    return told.group_by("user").agg(pl.col(_SETTINGS).drop_nulls().last())


def _done_lately(signals: pl.DataFrame, moment: dt.datetime) -> pl.DataFrame:
    return signals.filter((pl.col("type") == "task_completed") & (pl.col("at") >= moment - LONG))


def _done(signals: pl.DataFrame, moment: dt.datetime) -> pl.DataFrame:
    done = _done_lately(signals, moment)
    return done.group_by("user").agg(pl.col("at").alias("done"), pl.col("utc_offset_min").alias("done_offsets"))


def _labels(signals: pl.DataFrame, moment: dt.datetime) -> pl.DataFrame:
    """One row per person: the labels of tasks done, most used first and by name where they are used equally."""
    used = _done_lately(signals, moment).select("user", pl.col("labels")).explode("labels").drop_nulls("labels")
    counted = used.group_by("user", "labels").len().sort("user", "len", "labels", descending=[False, True, False])
    return counted.group_by("user", maintain_order=True).agg(
        pl.col("labels").head(MAX_LABELS).alias("favourite_labels")
    )


def _steps(signals: pl.DataFrame) -> pl.DataFrame:
    """Every step in the life of every task, with the one that came next."""
    order = pl.col("type").replace_strict(_TASKS, range(len(_TASKS)), return_dtype=pl.Int8).alias("step")
    steps = signals.filter(pl.col("type").is_in(_TASKS)).with_columns(order)
    steps = steps.sort("user", "task_id", "at", "step", "event_id").select("user", "task_id", "at", "type", "due_at")
    task = ["user", "task_id"]
    return steps.with_columns(
        pl.col("at").shift(-1).over(task).alias("next_at"), pl.col("type").shift(-1).over(task).alias("next_type")
    )


def _dues(steps: pl.DataFrame, moment: dt.datetime) -> pl.DataFrame:
    """One row per person: how often tasks fell due lately, and how often they were done then."""
    is_done = (pl.col("type") == "task_completed").alias("is_done")
    stood = pl.col("next_at").is_null() | (pl.col("next_at") > pl.col("due_at"))
    is_missed = pl.col("type").is_in(_OPENING) & stood & pl.col("next_type").ne_missing("task_completed")
    is_recent = pl.col("due_at").is_between(moment - RECENT, moment, closed="left")
    dues = steps.with_columns(is_done).filter(is_recent & (pl.col("is_done") | is_missed))
    dues = dues.group_by("user", "task_id", "due_at").agg(pl.col("is_done").any())
    return dues.group_by("user").agg(
        pl.len().cast(pl.Int64).alias("n_due"), pl.col("is_done").sum().cast(pl.Int64).alias("n_done_of_due")
    )


def _open(steps: pl.DataFrame, moment: dt.datetime) -> pl.DataFrame:
    """One row per person: their open tasks and how many are overdue."""
    last = steps.filter(pl.col("next_at").is_null() & pl.col("type").is_in(_OPENING))
    is_overdue = (pl.col("due_at") < moment).fill_null(value=False)
    return last.group_by("user").agg(
        pl.len().cast(pl.Int64).alias("n_open"), is_overdue.sum().cast(pl.Int64).alias("n_overdue")
    )


def _sessions(signals: pl.DataFrame, moment: dt.datetime) -> pl.DataFrame:
    """One row per person: the minutes of each session that ended lately."""
    both = signals.filter(pl.col("type").is_in(["app_opened", "app_closed"]))
    sessions = both.group_by("user", "session_id").agg(
        pl.col("at").filter(pl.col("type") == "app_opened").min().alias("opened"),
        pl.col("at").filter(pl.col("type") == "app_closed").max().alias("closed"),
    )
    length = pl.col("closed") - pl.col("opened")
    ended = sessions.filter(
        (pl.col("closed") >= moment - RECENT) & length.is_between(dt.timedelta(), _LONGEST_SESSION)
    ).sort("user", "closed", "session_id")
    minutes = (length.dt.total_microseconds() / 1e6 / 60).alias("session_minutes")  # rounded as `total_seconds() / 60`
    return ended.group_by("user", maintain_order=True).agg(minutes)


def _tips(past: Events, moment: dt.datetime) -> pl.DataFrame:
    """One row per person: when tips were shown lately, and how many of them were accepted or dismissed."""
    reactions = past.feedback.group_by(_TIP).agg(
        pl.col("reaction").is_in(["accepted", "done"]).any().alias("is_accepted"),
        (pl.col("reaction") == "dismissed").any().alias("is_dismissed"),
    )
    decisions = past.exposures.sort("at", "event_id").unique(["decision_id", "user"], keep="first")
    tips = decisions.with_columns(
        pl.col("tip_ids").list.get(pl.col("order").list.first(), null_on_oob=True).alias("first")
    )
    tips = tips.filter(pl.col("at") >= moment - RECENT).explode("tip_ids").rename({"tip_ids": "tip_id"})
    is_first = (pl.col("tip_id") == pl.col("first")) & (pl.col("kind") == "score")
    shown = (
        tips.join(reactions, on=_TIP, how="left")
        .filter(is_first | pl.col("is_accepted").is_not_null())
        .sort("user", "at", "decision_id", "tip_id")
    )
    return shown.group_by("user", maintain_order=True).agg(
        pl.col("at").alias("tips_shown"),
        pl.col("is_accepted").fill_null(value=False).sum().cast(pl.Int64).alias("n_accepted"),
        pl.col("is_dismissed").fill_null(value=False).sum().cast(pl.Int64).alias("n_dismissed"),
    )
