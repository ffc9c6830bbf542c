"""The declared profile features as they follow from what a person did: one function for callers and for the lake.

A caller fills `Activity` from its own database, `training.history` from the events of the lake; both get the same
numbers, because both come here.
"""

import datetime as dt
import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple


class Activity(NamedTuple):
    """What is known of a person, from which their profile features follow. All moments are aware, in local time."""

    signed_up: dt.datetime | None
    """None where it is not known."""
    done: Sequence[dt.datetime] = ()
    """Tasks done in the last 90 days."""
    n_due_30d: int = 0
    """Tasks that fell due in the last 30 days."""
    n_done_of_due_30d: int = 0
    n_open: int = 0
    n_overdue: int = 0
    tips_shown: Sequence[dt.datetime] = ()
    """In the last 30 days."""
    n_tips_accepted_30d: int = 0
    n_tips_dismissed_30d: int = 0
    session_minutes: Sequence[float] = ()
    """Of the last 30 days."""
    favourite_labels: Sequence[str] = ()
    language: str | None = None
    time_zone: str | None = None
    quiet_hours: str | None = None


def profile_features(activity: Activity, now: dt.datetime) -> dict[str, Any]:
    """The declared profile features of a person, each with the moment at which it was computed.

    What cannot be known yet is null, and falls back as the contract declares: a rate of nothing, say.

    Args:
        activity: what is known.
        now: aware, in the person's time zone.
    """
    n_shown = len(activity.tips_shown)
    hours = Counter(moment.hour for moment in activity.done)
    found: dict[str, Any] = {
        "completion_rate": _share(activity.n_done_of_due_30d, activity.n_due_30d),
        "preferred_hour": min(hours, key=lambda hour: (-hours[hour], hour)) if hours else None,
        "tips_7d": sum(now - moment <= dt.timedelta(days=7) for moment in activity.tips_shown),
        "tips_30d": n_shown,
        "acceptance_rate": _share(activity.n_tips_accepted_30d, n_shown),
        "dismissal_rate": _share(activity.n_tips_dismissed_30d, n_shown),
        "streak_days": _streak({moment.date() for moment in activity.done}, now.date()),
        "account_age_days": None if activity.signed_up is None else max(0, (now - activity.signed_up).days),
        "session_minutes": statistics.median(activity.session_minutes) if activity.session_minutes else None,
        "overdue_share": _share(activity.n_overdue, activity.n_open),
        "favourite_labels": list(activity.favourite_labels) or None,
        "language": activity.language,
        "time_zone": activity.time_zone,
        "quiet_hours": activity.quiet_hours,
    }
    return {
        name: None if value is None else {"value": value, "computed_at": now.isoformat()}
        for name, value in found.items()
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _streak(days: set[dt.date], today: dt.date) -> int:
    """Days in a row with a task done, up to today or, where today has none yet, yesterday."""
    day = today if today in days else today - dt.timedelta(days=1)
    length = 0
    while day in days:
        length, day = length + 1, day - dt.timedelta(days=1)
    return length
