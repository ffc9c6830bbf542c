"""Profile features: fallbacks, and all faults of what a caller ships."""

import pytest

from tip_serving.features.profile import PROFILE_FEATURES, DType, ProfileError, resolve


@pytest.mark.parametrize("shipped", [None, {}, dict.fromkeys((feature.name for feature in PROFILE_FEATURES), None)])
def test_what_is_missing_or_null_falls_back_and_says_so(shipped: dict[str, object] | None) -> None:
    found = resolve(shipped)
    assert found.values == {feature.name: feature.fallback for feature in PROFILE_FEATURES}
    assert set(found.fell_back) == set(found.values)


def test_what_is_shipped_is_kept_even_where_it_is_zero() -> None:
    found = resolve({"completion_rate": 0, "tips_7d": 0, "language": ""})
    assert (found.values["completion_rate"], found.values["tips_7d"], found.values["language"]) == (0, 0, "")
    assert not {"completion_rate", "tips_7d", "language"} & set(found.fell_back)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(ProfileError) as caught:
        resolve({"mood": "good", "completion_rate": 1.2, "tips_7d": True, "language": 7, "favourite_labels": "home"})
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [
        "mood",
        "completion_rate",
        "tips_7d",
        "language",
        "favourite_labels",
    ]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.001])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    with pytest.raises(ProfileError, match="completion_rate"):
        resolve({"completion_rate": value})


def test_every_declared_fallback_would_itself_be_accepted() -> None:
    resolve({feature.name: feature.fallback for feature in PROFILE_FEATURES})
    assert all(feature.ttl_s > 0 and feature.source for feature in PROFILE_FEATURES)
    assert {feature.dtype for feature in PROFILE_FEATURES} == set(DType)
