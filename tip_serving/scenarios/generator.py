"""A seeded generator of varied, believable people and days.

Scenario i of a seed never depends on how many are asked for. Kinds follow one another in a fixed order, so that
a small bench meets all of them.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np

from tip_serving.prompts import registry
from tip_serving.prompts.rendering import render
from tip_serving.scenarios.lives import EMOJI, INJECTIONS, LIVES, LONG_TAIL, Life
from tip_serving.scenarios.model import Due, Priority, Scenario, Situation, Task

KINDS = (
    "ordinary",
    "overdue",
    "other_language",
    "empty_list",
    "injection",
    "overload",
    "late_night",
    "emoji",
    "weekend",
    "recurring",
    "long_titles",
    "unknown_person",
)
_FIRST_DAY = dt.date(2026, 1, 5)  # a Monday; days are drawn from the two years after it
_N_DAYS = 730
_PRIORITIES: tuple[Priority, ...] = (1, 2, 3, 4)
_RECURRENCES = (("every day", 0), ("every Monday", 3), ("every 2 weeks", 9), ("every month", 20), ("every weekday", 1))
_HOURS = {"late_night": (22, 23, 0, 1), "weekend": (9, 10, 11, 14, 16, 19)}
_OTHER_LANGUAGES = 0.2  # of the scenarios of every kind
_ANY_HOUR = (6, 7, 8, 8, 9, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 20, 21)
T = TypeVar("T")


def generate(n: int, seed: int) -> list[Scenario]:
    """The first `n` scenarios of `seed`, pairwise distinct under every registered prompt."""
    found: list[Scenario] = []
    rendered: set[tuple[str, object]] = set()
    for index in range(n):
        attempt = 0
        while True:
            scenario = _draw(np.random.default_rng((seed, index, attempt)), KINDS[index % len(KINDS)])
            forms = {(version, render(registry.get(version), scenario.situation)) for version in registry.versions()}
            if rendered.isdisjoint(forms):
                break
            attempt += 1
        rendered |= forms
        found.append(scenario)
    return found


def _draw(rng: np.random.Generator, kind: str) -> Scenario:
    is_foreign = kind == "other_language" or rng.random() < _OTHER_LANGUAGES
    life = _pick(rng, [life for life in LIVES if (life.language != "en") == is_foreign])
    now = _moment(rng, life, kind)
    n_tasks = (
        0 if kind == "empty_list" else int(rng.integers(60, 90)) if kind == "overload" else int(rng.integers(3, 14))
    )
    titles = _titles(rng, life, n_tasks)
    tasks = [_task(rng, life, kind, title, project, now) for title, project in titles.items()]
    if kind == "injection":
        place = int(rng.integers(len(tasks) + 1))
        # Made to look like what matters most, so that a writer who ranks well is tempted.
        bait = Task(id=_id(rng), content=_pick(rng, INJECTIONS), priority=4, due=Due(date=now.date()))
        tasks.insert(place, bait)
    profile = None if kind == "unknown_person" else _profile(rng, life, tasks, now)
    return Scenario.of(Situation(now=now, tasks=tuple(tasks), profile_features=profile), kind)


def _pick(rng: np.random.Generator, items: Sequence[T]) -> T:
    return items[int(rng.integers(len(items)))]


def _id(rng: np.random.Generator) -> str:
    return str(int(rng.integers(10**9, 10**10)))


def _moment(rng: np.random.Generator, life: Life, kind: str) -> dt.datetime:
    day = _FIRST_DAY + dt.timedelta(days=int(rng.integers(_N_DAYS)))
    if kind == "weekend":
        day += dt.timedelta(days=(5 - day.weekday()) % 7 + int(rng.integers(2)))
    hour = _pick(rng, _HOURS.get(kind, _ANY_HOUR))
    zone = ZoneInfo(_pick(rng, life.time_zones))
    local = dt.datetime(day.year, day.month, day.day, hour, int(rng.integers(60)), tzinfo=zone)
    # A fixed offset instead of a zone: what is stored and read again is the same moment, byte for byte.
    return local.replace(tzinfo=dt.timezone(local.utcoffset() or dt.timedelta()))


def _titles(rng: np.random.Generator, life: Life, n: int) -> dict[str, str]:
    """`n` different titles with their projects; where a life has fewer, a running number tells them apart."""
    templates = [(title, project) for project, titles in life.titles.items() for title in titles]
    found: dict[str, str] = {}
    for _ in range(12 * n):
        if len(found) == n:
            break
        title, project = _pick(rng, templates)
        filled = title.format_map({name: _pick(rng, pool) for name, pool in life.slots.items()})
        found[filled[0].upper() + filled[1:]] = project
    titles = list(found)
    for number in range(2, n - len(titles) + 2):
        again = _pick(rng, titles)
        found[f"{again} ({number})"] = found[again]
    return found


def _task(rng: np.random.Generator, life: Life, kind: str, title: str, project: str, now: dt.datetime) -> Task:
    if kind == "emoji":
        title = (
            f"{_pick(rng, EMOJI)} {title}" if rng.random() < 0.7 else f"{title} {_pick(rng, EMOJI)}{_pick(rng, EMOJI)}"
        )
    if kind == "long_titles" and rng.random() < 0.5:
        title += LONG_TAIL
    return Task(
        id=_id(rng),
        content=title,
        description="Notes are in the shared folder." if rng.random() < 0.1 else "",
        due=_due(rng, kind, now),
        priority=_PRIORITIES[int(rng.choice(4, p=(0.5, 0.2, 0.18, 0.12)))],
        labels=tuple(sorted({_pick(rng, life.labels) for _ in range(int(rng.choice(3, p=(0.5, 0.35, 0.15))))})),
        project=project,
        added_at=now - dt.timedelta(days=int(rng.integers(0, 120)), hours=int(rng.integers(24))),
    )


def _due(rng: np.random.Generator, kind: str, now: dt.datetime) -> Due | None:
    """Three tasks in ten have no date; the others lie around today, and behind it where much is overdue."""
    if rng.random() < 0.3 and kind != "overdue":
        return None
    if kind == "recurring" and rng.random() < 0.6:
        string, within = _pick(rng, _RECURRENCES)
        day = now.date() + dt.timedelta(days=int(rng.integers(0, within + 1)))
        return Due(date=day, string=string, is_recurring=True)
    low, high = (-30, 3) if kind == "overdue" else (-3, 15)
    day = now.date() + dt.timedelta(days=int(rng.integers(low, high)))
    time = dt.time(int(rng.integers(8, 20)), _pick(rng, (0, 15, 30, 45))) if rng.random() < 0.25 else None
    return Due(date=day, time=time, string=day.isoformat())


def _profile(rng: np.random.Generator, life: Life, tasks: Sequence[Task], now: dt.datetime) -> dict[str, Any]:
    n_shown = int(rng.integers(0, 60))
    n_overdue = sum(1 for task in tasks if task.due and task.due.date and task.due.date < now.date())
    known: dict[str, Any] = {
        "completion_rate": round(float(rng.beta(4, 3)), 3),
        "preferred_hour": int(rng.integers(6, 22)),
        "tips_7d": n_shown // 4,
        "tips_30d": n_shown,
        "acceptance_rate": round(float(rng.beta(2, 4)), 3),
        "dismissal_rate": round(float(rng.beta(2, 5)), 3),
        "streak_days": int(rng.geometric(0.15)) - 1,
        "account_age_days": int(rng.integers(1, 2500)),
        "session_minutes": round(float(rng.gamma(2.0, 3.0)), 1),
        "overdue_share": round(n_overdue / len(tasks), 3) if tasks else 0.0,
        "language": life.language,
        "quiet_hours": _pick(rng, ("22-7", "21-6", "23-8", "0-9")),
        "favourite_labels": sorted({_pick(rng, life.labels) for _ in range(2)}),
    }
    # A caller rarely knows everything: some features are missing, the language never.
    dropped = {name for name in known if name != "language" and rng.random() < 0.1}
    return {name: value for name, value in known.items() if name not in dropped}
