"""Profile features: fallbacks with their reasons, age against TTL, and all faults of what a caller ships."""

import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.situations import MONDAY_NOON

from tip_serving.features.declared import DType
from tip_serving.features.profile import (
    CLOCK_SKEW_S,
    DAY_S,
    PROFILE_FEATURES,
    FellBack,
    ProfileError,
    Resolved,
    resolve,
)

SECOND = dt.timedelta(seconds=1)
FALLBACKS = {feature.name: feature.fallback for feature in PROFILE_FEATURES}


def resolved(shipped: dict[str, Any] | None, computed_at: dict[str, dt.datetime] | None = None) -> Resolved:
    return resolve(shipped, computed_at, MONDAY_NOON)


def faults_of(shipped: dict[str, Any], computed_at: Any = None) -> tuple[str, ...]:
    with pytest.raises(ProfileError) as caught:
        resolved(shipped, computed_at)
    return caught.value.faults


def aged(value: object, age: dt.timedelta) -> dict[str, object]:
    return {"value": value, "computed_at": (MONDAY_NOON - age).isoformat()}


@pytest.mark.parametrize(
    ("shipped", "reason"),
    [(None, FellBack.MISSING), ({}, FellBack.MISSING), (dict.fromkeys(FALLBACKS), FellBack.NULL)],
)
def test_what_is_missing_or_null_falls_back_and_says_why(shipped: dict[str, object] | None, reason: FellBack) -> None:
    found = resolved(shipped)
    assert found.values == FALLBACKS
    assert found.fell_back == dict.fromkeys(FALLBACKS, reason)


def test_what_is_shipped_is_kept_even_where_it_is_zero() -> None:
    found = resolved({"completion_rate": 0, "tips_7d": 0, "favourite_labels": []})
    assert (found.values["completion_rate"], found.values["tips_7d"], found.values["favourite_labels"]) == (0, 0, [])
    assert set(found.fell_back) == set(FALLBACKS) - {"completion_rate", "tips_7d", "favourite_labels"}


@pytest.mark.parametrize("feature", PROFILE_FEATURES, ids=lambda feature: feature.name)
def test_a_value_holds_until_its_ttl_and_is_stale_one_second_later(feature: Any) -> None:
    ttl = dt.timedelta(seconds=feature.ttl_s)
    kept = resolved({feature.name: aged(feature.fallback, ttl)})
    assert feature.name not in kept.fell_back
    stale = resolved({feature.name: aged(feature.fallback, ttl + SECOND)})
    assert stale.fell_back[feature.name] is FellBack.STALE


def test_a_stale_value_is_replaced_by_the_fallback() -> None:
    found = resolved({"tips_7d": aged(12, dt.timedelta(seconds=DAY_S + 1)), "tips_30d": aged(40, SECOND)})
    assert (found.values["tips_7d"], found.values["tips_30d"]) == (0, 40)


def test_what_was_computed_after_the_call_is_not_used_beyond_a_clock_that_is_a_little_ahead() -> None:
    skew = dt.timedelta(seconds=CLOCK_SKEW_S)
    found = resolved({"tips_7d": aged(12, -skew), "tips_30d": aged(40, -skew - SECOND)})
    assert found.values["tips_7d"] == 12
    assert found.fell_back["tips_30d"] is FellBack.AHEAD
    assert found.values["tips_30d"] == 0


def test_bare_values_take_their_age_from_beside_and_their_own_goes_first() -> None:
    old = MONDAY_NOON - dt.timedelta(days=400)
    found = resolved({"tips_7d": 12, "tips_30d": aged(40, SECOND), "streak_days": 3}, {"tips_7d": old, "tips_30d": old})
    assert found.fell_back["tips_7d"] is FellBack.STALE
    assert (found.values["tips_30d"], found.values["streak_days"]) == (40, 3)


def test_a_null_with_an_age_is_a_null() -> None:
    assert resolved({"tips_7d": aged(None, SECOND)}).fell_back["tips_7d"] is FellBack.NULL


def test_ages_are_measured_across_time_zones() -> None:
    tokyo = (MONDAY_NOON - SECOND).astimezone(dt.timezone(dt.timedelta(hours=9))).isoformat()
    assert resolved({"tips_7d": {"value": 4, "computed_at": tokyo}}).values["tips_7d"] == 4


def test_all_faults_are_named_at_once() -> None:
    found = faults_of(
        {
            "mood": "good",
            "completion_rate": 1.2,
            "tips_7d": True,
            "tips_30d": {"value": 3},
            "streak_days": {"value": 3, "computed_at": "yesterday"},
            "language": 7,
            "time_zone": "Mars/Olympus",
            "quiet_hours": "22-25",
            "favourite_labels": "home",
        },
        {"weather": MONDAY_NOON},
    )
    assert [fault.partition(":")[0] for fault in found] == [
        "'mood'",
        "'weather'",
        "completion_rate",
        "tips_7d",
        "tips_30d",
        "streak_days",
        "language",
        "time_zone",
        "quiet_hours",
        "favourite_labels",
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.001, 10**400, -(10**400), 1e308])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    (fault,) = faults_of({"completion_rate": value})
    assert fault.startswith("completion_rate: ")


@pytest.mark.parametrize("moment", ["2026-03-02T12:00:00", "", "12", 5, None, dt.datetime(2026, 3, 2)])  # noqa: DTZ001
def test_a_moment_without_an_offset_is_refused(moment: object) -> None:
    (fault,) = faults_of({"tips_7d": {"value": 1, "computed_at": moment}})
    assert "offset" in fault


def test_a_whole_number_that_json_wrote_with_a_point_is_the_integer() -> None:
    value = resolved({"tips_7d": 9.0}).values["tips_7d"]
    assert (value, type(value)) == (9, int)
    assert faults_of({"tips_7d": 9.5}) == ("tips_7d: 9.5 is not of type int",)


def test_lists_of_labels_are_bounded_in_number_and_length() -> None:
    longest = ["x" * 200] * 50
    assert resolved({"favourite_labels": longest}).values["favourite_labels"] == longest
    assert faults_of({"favourite_labels": ["x"] * 51}) == ("favourite_labels: 51 strings are more than 50",)
    assert faults_of({"favourite_labels": ["x" * 201]}) == ("favourite_labels: a string is longer than 200 characters",)


DEEP: Any = json.loads("[" * 900 + "]" * 900)


@pytest.mark.parametrize(
    "value", [DEEP, {"a": DEEP}, "x" * 10**6, [["a"]], "\ud800", "en\n", ["y" * 10**6], ["\ud800"]]
)
@pytest.mark.parametrize("name", ["completion_rate", "language", "favourite_labels"])
def test_whatever_is_shipped_its_fault_is_one_short_line(name: str, value: Any) -> None:
    (fault,) = faults_of({name: value})
    assert len(fault) < 200
    assert "\n" not in fault


@given(st.dictionaries(st.sampled_from(sorted(FALLBACKS)), st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)))  # fmt: skip
def test_any_json_is_resolved_or_refused_with_its_names(shipped: dict[str, Any]) -> None:
    try:
        found = resolved(shipped)
    except ProfileError:
        assert {fault.partition(":")[0] for fault in faults_of(shipped)} <= set(shipped)
    else:
        assert list(found.values) == list(FALLBACKS)
        assert set(found.fell_back) >= {name for name in FALLBACKS if shipped.get(name) is None}


def test_every_declared_fallback_would_itself_be_accepted() -> None:
    assert resolved(FALLBACKS).fell_back == {}
    assert all(feature.ttl_s > 0 and feature.source and feature.meaning for feature in PROFILE_FEATURES)
    assert {feature.dtype for feature in PROFILE_FEATURES} == set(DType) - {DType.BOOL}
    assert len(FALLBACKS) == len(PROFILE_FEATURES)
