"""Words, and what a tip says of them: by hand in several scripts, and for any text at all."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.situations import MONDAY_NOON, situation, task

from tip_serving.features.tip import MAX_LENGTH, TIP_FEATURES, Reference, tip_features
from tip_serving.features.words import minutes, numbers, telling, words
from tip_serving.scenarios.model import Due, Situation

NAMES = [feature.name for feature in TIP_FEATURES]


def features(tip: str, *tasks: Any, favourites: tuple[str, ...] = ()) -> dict[str, float]:
    found = tip_features(tip, Reference.of(situation(*tasks), favourites))
    assert len(found) == len(NAMES)
    return dict(zip(NAMES, found, strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Call the dentist, now!", ["call", "the", "dentist", "now"]),
        ("Q3_report v2", ["q3", "report", "v2"]),
        ("Écris à l'école", ["écris", "à", "l", "école"]),
        ("E\u0301cris", ["écris"]),
        ("今日は10分だけ", ["今日", "日は", "10", "分だ", "だけ"]),
        ("APIを直す", ["api", "を直", "直す"]),
        ("\u0661\u0660 دقائق", ["10", "دقائق"]),
        ("１０分", ["10", "分"]),
        ("फ़ोन करें", ["फ़ोन", "करें"]),
        ("โทรหา", ["โท", "ทร", "รห", "หา"]),
        ("", []),
        ("!? …", []),
    ],
)
def test_words_are_found_in_every_script(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@given(st.text(alphabet=st.characters(max_codepoint=127)))
def test_the_short_way_for_ascii_finds_what_the_pattern_finds(text: str) -> None:
    # One letter beyond ASCII sends the same text the long way.
    assert [*words(text), "é"] == words(f"{text} é")


@pytest.mark.parametrize(
    ("tip", "expected"),
    [
        ("Take 10 minutes", 10),
        ("only 15min.", 15),
        ("1 hour", 60),
        ("2h", 120),
        ("nimm dir 20 Minuten", 20),
        ("今日は10分だけ", 10),
        ("3 chapters in 25 minutes", 25),
        ("at 10:30", None),
        ("room 12", None),
        ("99999 minutes", None),
        ("ten minutes", None),
    ],
)
def test_the_first_time_box_is_read_in_minutes(tip: str, expected: int | None) -> None:
    found = words(tip)
    assert minutes(found, numbers(found)) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Call the dentist", {"call", "dentist"}),
        ("Pay tax", {"pay", "tax"}),
        ("Fix Q3 in 2026", {"2026"}),
        ("東京へ", {"東京", "京へ"}),
    ],
)
def test_a_title_is_known_by_its_telling_words(title: str, expected: set[str]) -> None:
    assert telling(title) == expected


def test_the_features_of_a_tip_are_counted_by_hand() -> None:
    found = features(
        "When you are home, call the dentist today: 5 minutes!",
        task("Call the dentist", due_in_days=-2, priority=3, labels=("health",)),
        task("Write the quarterly report", due_in_days=0, priority=4),
        favourites=("health",),
    )
    assert found == {
        "characters": 53,
        "words": 10,
        "numbers": 1,
        "minutes": 5,
        "time_words": 2,
        "plan_words": 1,
        "exclamations": 1,
        "is_question": 0,
        "pressing_overlap": 1,
        "best_overlap": 1,
        "names_task": 1,
        "names_overdue": 1,
        "names_due_today": 0,
        "names_favourite": 1,
        "named_priority": 3,
        "named_due_days": -2,
    }


def test_what_a_tip_does_not_have_is_nan_or_zero() -> None:
    found = features("Drink water", task("Write the quarterly report"))
    assert (found["best_overlap"], found["names_task"]) == (0, 0)
    assert all(math.isnan(found[name]) for name in ("minutes", "named_priority", "named_due_days"))
    without = features("Drink water")
    assert math.isnan(without["pressing_overlap"])
    assert math.isnan(without["best_overlap"])


def test_a_named_task_without_a_day_has_no_due_days() -> None:
    found = features("Call the dentist", task("Call the dentist", priority=2))
    assert found["names_task"] == 1
    assert found["named_priority"] == 2
    assert math.isnan(found["named_due_days"])


def test_half_of_the_telling_words_name_a_task_and_fewer_do_not() -> None:
    listed = task("Renew passport before holidays")
    half = features("Your passport before all", listed)
    assert (half["best_overlap"], half["names_task"]) == (0.5, 1)
    quarter = features("Your passport", listed)
    assert (quarter["best_overlap"], quarter["names_task"]) == (0.25, 0)


@pytest.mark.parametrize("order", [1, -1])
def test_of_tasks_that_are_named_alike_the_more_urgent_one_counts(order: int) -> None:
    later = task("Water plants", due_in_days=5, priority=4, id="later")
    overdue = task("Water plants", due_in_days=-1, priority=1, id="overdue")
    assert features("Water plants", *[later, overdue][::order])["named_due_days"] == -1


def test_what_matters_most_is_overdue_then_near_then_of_high_priority() -> None:
    listed = (
        task("undated papers", priority=4),
        task("distant holidays", due_in_days=9, priority=4),
        task("nearby dentist", due_in_days=1),
        task("nearby plumber", due_in_days=1, priority=2),
        task("passed invoice", due=Due(date=MONDAY_NOON.date(), time=MONDAY_NOON.replace(hour=9).time())),
    )
    for pressing, remaining in (
        ("passed invoice", listed),
        ("nearby plumber", listed[:4]),
        ("nearby dentist", listed[:3]),
        ("distant holidays", listed[:2]),
        ("undated papers", listed[:1]),
    ):
        assert features(pressing, *remaining)["pressing_overlap"] == 1
        assert all(features(other.content, *remaining)["pressing_overlap"] < 1 for other in remaining
                   if other.content != pressing)  # fmt: skip


def test_the_order_of_the_list_does_not_matter() -> None:
    listed = [task(f"Write chapter {number}", due_in_days=number) for number in range(6)]
    tip = "Write chapter 3 for 20 minutes"
    assert features(tip, *listed) == features(tip, *reversed(listed))


TEXTS = st.text() | st.text("a1 今分!?\u0661é-", max_size=60) | st.just("x" * (MAX_LENGTH + 5))


@given(tip=TEXTS, titles=st.lists(st.text(min_size=1, max_size=50), max_size=5))
def test_any_text_gives_numbers_within_the_declared_ranges(tip: str, titles: list[str]) -> None:
    tasks = [{"id": str(place), "content": title} for place, title in enumerate(titles)]
    about = Situation.model_validate({"now": MONDAY_NOON, "tasks": tasks})
    for feature, value in zip(TIP_FEATURES, tip_features(tip, Reference.of(about, ())), strict=True):
        if math.isnan(value):
            assert feature.may_be_nan, feature
        else:
            low, high = feature.allowed  # type: ignore[misc]
            assert low <= value <= high, (feature, value)
