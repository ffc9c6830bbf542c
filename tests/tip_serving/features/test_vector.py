"""The vector: declared order and ranges, the same numbers from whatever is equal, and every number by hand once."""

import datetime as dt
import hashlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from support.situations import MONDAY_NOON, situation, task

from tip_serving.features.context import CONTEXT_FEATURES, context_features
from tip_serving.features.contract import contract_hash
from tip_serving.features.profile import PROFILE_FEATURES, resolve
from tip_serving.features.vector import COLUMNS, LANGUAGES, categorical, names, vectors
from tip_serving.scenarios.generator import generate
from tip_serving.scenarios.model import Due, Situation, Task

TIPS = (
    "Begin with 'Call the dentist': find the number now, 5 minutes.",
    "When the coffee is ready, write the three headings of the report.",
    "今日は10分だけ片付けよう。",
    "",
)


def rows_of(about: Situation, tips: tuple[str, ...] = TIPS) -> NDArray[np.float64]:
    profile = resolve(about.profile_features, None, about.now)
    return vectors(profile, context_features(about), tips, about)


def row_of(about: Situation, tip: str = "") -> dict[str, float]:
    return dict(zip(names(), rows_of(about, (tip,))[0].tolist(), strict=True))


def test_every_declared_number_has_its_column_and_texts_have_none() -> None:
    numeric = {f"profile_{feature.name}" for feature in PROFILE_FEATURES if feature.dtype in {"int", "float"}}
    numeric |= {f"context_{feature.name}" for feature in CONTEXT_FEATURES if feature.dtype in {"int", "float", "bool"}}
    assert numeric <= set(names())
    assert len(set(names())) == len(names()) == len(COLUMNS)
    assert "context_longest_open_task" not in names()
    assert set(categorical()) == {"profile_language", "profile_region", "context_part_of_day"}


def test_a_row_is_counted_by_hand() -> None:
    about = situation(
        task("Call the dentist", due_in_days=-2, added_at=MONDAY_NOON - dt.timedelta(days=12)),
        task("Report", due_in_days=3),
        profile={"completion_rate": 0.25, "preferred_hour": 22, "language": "de-AT", "time_zone": "Europe/Vienna",
                 "quiet_hours": "11-13", "favourite_labels": ["a", "b"]},
    )  # fmt: skip
    found = row_of(about, "Call the dentist")
    expected = {
        "profile_completion_rate": 0.25, "profile_acceptance_rate": 0.3, "profile_n_fell_back": 8,
        "profile_language": LANGUAGES.index("de") + 1, "profile_region": 3, "profile_n_favourite_labels": 2,
        "profile_quiet_hours": 2, "moment_is_quiet": 1, "moment_hours_from_preferred": 10, "context_hour": 12,
        "context_weekday": 1, "context_is_weekend": 0, "context_n_tasks": 2, "context_n_overdue": 1,
        "context_next_deadline_days": 3, "context_next_deadline_hours": 84, "context_oldest_open_days": 12,
        "context_part_of_day": 3, "tip_names_overdue": 1, "tip_named_due_days": -2,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("hours", "hour", "is_quiet"),
    [("22-7", 22, 1), ("22-7", 6, 1), ("22-7", 7, 0), ("22-7", 21, 0), ("9-17", 9, 1), ("9-17", 17, 0), ("5-5", 5, 0)],
)
def test_quiet_hours_run_over_midnight_and_two_equal_hours_mean_none(hours: str, hour: int, is_quiet: int) -> None:
    found = row_of(situation(now=MONDAY_NOON.replace(hour=hour), profile={"quiet_hours": hours}))
    assert found["moment_is_quiet"] == is_quiet


def test_the_clock_is_a_circle() -> None:
    found = row_of(situation(now=MONDAY_NOON.replace(hour=23), profile={"preferred_hour": 1}))
    assert found["moment_hours_from_preferred"] == 2


@pytest.mark.parametrize("name", ["xx", "tlh-Latn"])
def test_a_word_that_no_vocabulary_lists_has_a_code_of_its_own(name: str) -> None:
    assert row_of(situation(profile={"language": name}))["profile_language"] == 0


def test_a_request_without_tips_is_an_empty_table_of_the_same_width() -> None:
    assert rows_of(situation(task()), ()).shape == (0, len(names()))


ZONES = [dt.UTC, dt.timezone(dt.timedelta(hours=14)), dt.timezone(-dt.timedelta(hours=11, minutes=30))]
MOMENTS = st.datetimes(timezones=st.sampled_from(ZONES))
DUES = st.none() | st.builds(
    Due,
    date=st.none() | st.dates() | st.just(MONDAY_NOON.date()),
    time=st.none() | st.times() | st.times(timezones=st.just(dt.UTC)),
    is_recurring=st.booleans(),
)
TASKS = st.builds(
    Task,
    id=st.text(max_size=3),
    content=st.text(min_size=1, max_size=40),
    due=DUES,
    priority=st.sampled_from([1, 2, 3, 4]),
    labels=st.lists(st.text(max_size=5), max_size=2).map(tuple),
    added_at=st.none() | MOMENTS,
)
VALUES: dict[str, Any] = {
    "completion_rate": st.floats(0, 1) | st.integers(0, 1),
    "preferred_hour": st.integers(0, 23),
    "tips_30d": st.integers(0, 50_000),
    "session_minutes": st.floats(0, 1440),
    "language": st.sampled_from(["en", "pt-BR", "JA", "xyz"]),
    "time_zone": st.sampled_from(["UTC", "Europe/Berlin", "Etc/GMT+5"]),
    "quiet_hours": st.sampled_from(["0-0", "22-7", "7-22", "01-09"]),
    "favourite_labels": st.lists(st.text(max_size=5), max_size=3),
}
SITUATIONS = st.builds(
    Situation,
    now=MOMENTS | st.just(MONDAY_NOON),
    tasks=st.lists(TASKS, max_size=6).map(tuple),
    profile_features=st.none() | st.fixed_dictionaries({}, optional=VALUES),
)


@settings(deadline=None)
@given(about=SITUATIONS, tips=st.lists(st.text(max_size=80), max_size=4).map(tuple))
def test_every_number_is_finite_in_its_range_or_nan_where_declared(about: Situation, tips: tuple[str, ...]) -> None:
    rows = rows_of(about, tips)
    assert rows.shape == (len(tips), len(COLUMNS))
    assert rows.dtype == np.float64
    for place, column in enumerate(COLUMNS):
        numbers = rows[:, place]
        known = numbers[~np.isnan(numbers)]
        assert column.may_be_nan or len(known) == len(numbers), column
        assert ((known >= column.low) & (known <= column.high)).all(), (column, numbers)
        assert not column.vocabulary or (known == known.astype(int)).all(), column


@settings(deadline=None)
@given(about=SITUATIONS, tips=st.lists(st.text(max_size=40), min_size=2, max_size=4))
def test_a_tip_has_the_same_row_alone_and_among_others_and_after_json(about: Situation, tips: list[str]) -> None:
    together = rows_of(about, tuple(tips))
    stored = Situation.model_validate_json(about.model_dump_json())
    for place, tip in enumerate(tips):
        assert rows_of(about, (tip,)).tobytes() == together[place].tobytes()
    assert rows_of(stored, tuple(tips)).tobytes() == together.tobytes()


def test_the_keys_of_a_profile_may_come_in_any_order() -> None:
    shipped = generate(2, 9)[0].situation.profile_features or {}
    assert len(shipped) > 5
    forwards, backwards = (
        rows_of(situation(task(), profile=dict(items))) for items in (shipped.items(), reversed(shipped.items()))
    )
    assert forwards.tobytes() == backwards.tobytes()


TITLES = ("Call the dentist", "Write the quarterly report", "Pay tax", "東京の書類を直す", "Kinder abholen um 16:00",
          "Réserver le train", "🎉 plan party", "Q3 budget (v2)")  # fmt: skip
SAID = ("{}: 10 minutes, now!", "When it is quiet, {}?", "Nimm dir heute eine Stunde: {}", "今日は5分だけ、{}", "Rest.")


def drawn(rng: np.random.Generator) -> Situation:
    now = MONDAY_NOON + dt.timedelta(hours=int(rng.integers(10_000)))
    tasks = [
        task(
            title,
            due_in_days=int(rng.integers(-3, 10)) + (now - MONDAY_NOON).days if rng.random() < 0.7 else None,
            priority=int(rng.integers(1, 5)),
            labels=("home",) if rng.random() < 0.5 else (),
            added_at=now - dt.timedelta(hours=int(rng.integers(3_000))),
        )
        for title in rng.permutation(TITLES)[: int(rng.integers(9))].tolist()
    ]
    profile = {"completion_rate": float(rng.random()), "preferred_hour": int(rng.integers(24)), "language": "ja-JP",
               "quiet_hours": "21-8", "favourite_labels": ["home"], "time_zone": "Asia/Tokyo"}  # fmt: skip
    return situation(*tasks, now=now, profile=profile if rng.random() < 0.8 else None)


def test_numbers_change_only_together_with_the_contract() -> None:
    # Where this fails, the vector has changed: raise VERSION in features/vector.py unless a declaration changed too,
    # then pin the new pair.
    rng = np.random.default_rng(5)
    digest = hashlib.sha256()
    for _ in range(60):
        about = drawn(rng)
        digest.update(rows_of(about, tuple(said.format(title) for said in SAID for title in TITLES)).tobytes())
    pinned = {"contract": "0bff958deaf9a6a1", "vectors": "e76d545c0a3438d7"}
    found = {"contract": contract_hash(), "vectors": digest.hexdigest()[:16]}
    assert found == pinned, json.dumps(found)
