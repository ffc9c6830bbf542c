"""From imported task lists to scenarios: each list at many moments around the day of the import.

The order is fixed, so that the first few scenarios of a set already differ in weekday and hour, and a set does not
depend on any seed.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from tip_serving.scenarios.model import Scenario, Situation, Task

KIND = "imported"
MIN_TASKS_OF_A_VIEW = 3
_HOURS = (9, 14, 20, 7, 11, 23, 17, 12)
_DAYS = (0, 2, 5, 1, 6, 3, 4)


def scenarios_from(
    lists: Sequence[Sequence[Task]], now: dt.datetime, profile_features: dict[str, Any] | None
) -> list[Scenario]:
    """Distinct scenarios: every view of every list at every moment, moments first.

    Args:
        lists: the tasks of each imported file, one person's each.
        now: the day around which the moments lie, with the person's offset.
        profile_features: what is known of the persons, or None.
    """
    views = [view for tasks in lists for view in _views(tasks)]
    moments = [
        dt.datetime.combine(
            now.date() + dt.timedelta(days=_DAYS[(turn + shift) % len(_DAYS)]), dt.time(hour), now.tzinfo
        )
        for shift in range(len(_DAYS))
        for turn, hour in enumerate(_HOURS)
    ]
    found = {}
    for moment in moments:
        for view in views:
            scenario = Scenario.of(Situation(now=moment, tasks=view, profile_features=profile_features), KIND)
            found[scenario.scenario_id] = scenario
    return list(found.values())


def _views(tasks: Sequence[Task]) -> list[tuple[Task, ...]]:
    """The whole list, and each project that is a list of its own."""
    projects = list(dict.fromkeys(task.project for task in tasks))
    parts = [tuple(task for task in tasks if task.project == project) for project in projects]
    large = [part for part in parts if MIN_TASKS_OF_A_VIEW <= len(part) < len(tasks)]
    return [tuple(tasks), *large]
