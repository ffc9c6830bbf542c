"""Whether arms hold as many people as their weights say: planned, lost on the way, strangers, and what is not known."""

from typing import Any

import numpy as np
import polars as pl
from support.rewards import FIRST, LATER, frame, living, tip

from tip_serving.rewards.shares import UNKNOWN, sample_ratios
from tip_serving.rewards.tally import joined, summed

WEIGHTS = {"m1": {"champion": 0.9, "challenger": 0.1}}


def _told(rows: list[dict[str, Any]], weights: Any = WEIGHTS) -> pl.DataFrame:
    return sample_ratios(joined([summed(frame(rows), FIRST, LATER)]), weights)


def _people(arm: str, n: int, **changes: Any) -> list[dict[str, Any]]:
    about = f"{arm}-{changes.get('manifest_version')}"
    return [tip(number, f"{arm}-{number}", arm=arm, decision_id=f"{about}-{number}", **changes) for number in range(n)]


def test_people_are_counted_once_however_many_tips_they_saw() -> None:
    rows = living(np.random.default_rng(1), {"a|v1": 0.3}, n_users=400, arms=WEIGHTS["m1"])
    found = _told(rows)
    assert found["verdict"].to_list() == ["as planned"] * 2
    seen = {arm: len({row["user"] for row in rows if row["arm"] == arm}) for arm in WEIGHTS["m1"]}
    assert dict(found.select("arm", "n_users").iter_rows()) == seen


def test_a_tip_that_nobody_saw_counts_too_since_the_person_was_dealt_to_the_arm() -> None:
    rows = [*_people("champion", 90, kind="generate"), *_people("challenger", 10, kind="generate")]
    assert _told(rows)["n_users"].sum() == 100


def test_people_who_got_lost_on_the_way_are_found() -> None:
    found = _told([*_people("champion", 900), *_people("challenger", 40)])
    assert set(found["verdict"]) == {"mismatch"}
    assert found["p_value"][0] < 1e-6
    assert "find out where units get lost" in found["sentence"][0]


def test_one_person_in_an_arm_that_is_not_in_the_manifest_is_a_mismatch() -> None:
    found = _told([*_people("champion", 90), *_people("challenger", 10), *_people("ghost", 1)])
    assert set(found["verdict"]) == {"mismatch"}
    assert found.filter(arm="ghost").select("weight", "n_users").row(0) == (0.0, 1)


def test_an_arm_that_holds_nobody_is_in_the_table_with_nobody() -> None:
    found = _told(_people("champion", 300))
    assert dict(found.select("arm", "n_users").iter_rows()) == {"champion": 300, "challenger": 0}
    assert set(found["verdict"]) == {"mismatch"}


def test_each_manifest_is_judged_by_its_own_weights_and_an_unknown_one_not_at_all() -> None:
    rows = [
        *_people("champion", 90), *_people("challenger", 10),
        *_people("champion", 50, manifest_version="m2"), *_people("challenger", 50, manifest_version="m2"),
        *_people("old", 7, manifest_version="m0"),
    ]  # fmt: skip
    found = _told(rows, {**WEIGHTS, "m2": {"champion": 0.5, "challenger": 0.5}})
    by_version = dict(found.select("manifest_version", "verdict").iter_rows())
    assert by_version == {"m0": UNKNOWN, "m1": "as planned", "m2": "as planned"}
    assert found.filter(arm="old")["weight"].to_list() == [None]
