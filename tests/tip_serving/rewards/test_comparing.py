"""One prompt or arm against an older one: by hand, what days do to it, how often chance is taken for a difference."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from support.rewards import FIRST, LATER, frame, living, tip

from tip_serving.bench.page.words import isolated
from tip_serving.rewards.comparing import FEWEST, comparisons
from tip_serving.rewards.tally import joined, summed


def _compared(rows: list[dict[str, Any]]) -> pl.DataFrame:
    days = frame(rows).with_columns(pl.col("at").dt.date().alias("day")).partition_by("day", as_dict=True)
    return comparisons(joined(summed(found.drop("day"), day, LATER) for (day,), found in days.items()))


def _prompt(found: pl.DataFrame, key: str) -> Any:
    [row] = found.filter(dimension="prompt", key=key).iter_rows(named=True)
    return row


def test_each_is_held_against_the_oldest_that_it_was_shown_beside() -> None:
    def shown(prompt: str, *days: int) -> list[dict[str, Any]]:
        return [tip(day, f"{prompt}-{day}", day, prompt_version=prompt) for day in days]

    found = _compared([*shown("v1", 0, 1, 2), *shown("v2", 2, 3), *shown("v3", 3, 4), *shown("v4", 9)])
    prompts = found.filter(dimension="prompt").select("key", "reference").rows()
    assert prompts == [
        ("embedded/first|v2", "embedded/first|v1"),
        ("embedded/first|v3", "embedded/first|v2"),
    ], "v4 was shown alone, and v3 never on a day of v1"
    assert set(found.filter(dimension="prompt")["n_comparisons"]) == {2}


def test_days_on_which_everything_goes_better_lend_nothing_to_what_was_shown_more_on_them() -> None:
    rows = []
    for user in range(200):
        rows += [
            tip(2 * user, f"u{user}", 0, is_rewarded=user % 10 == 0, prompt_version="v1" if user < 180 else "v2"),
            tip(2 * user + 1, f"u{user}", 1, is_rewarded=user % 10 < 8, prompt_version="v1" if user < 20 else "v2"),
        ]
    row = _prompt(_compared(rows), "embedded/first|v2")
    assert row["difference"] == pytest.approx(0.0, abs=1e-12)
    assert row["n_strata"] == 2
    assert (row["n_users"], row["n_both"]) == (200, 160)
    assert row["sentence"].startswith(
        f"{isolated('embedded/first')} with {isolated('v2')} may be as good as {isolated('embedded/first')}"
    )


def test_manifests_are_told_apart_as_days_are() -> None:
    def stage(version: str, n_new: int, chance: float) -> list[dict[str, Any]]:
        return [
            tip(user, f"u{user}", decision_id=f"{version}-{user}", is_rewarded=user % 10 < 10 * chance,
                arm="new" if user < n_new else "old", manifest_version=version)
            for user in range(200)
        ]  # fmt: skip

    found = _compared([*stage("m1", 20, 0.1), *stage("m2", 100, 0.8)]).filter(dimension="arm")
    assert found.select("key", "reference", "n_strata").row(0) == ("new", "old", 2)
    assert found["difference"][0] == pytest.approx(0.0, abs=1e-12)


def test_a_real_difference_is_found_and_told_in_a_sentence() -> None:
    rng = np.random.default_rng(1)
    rows = living(rng, {"a|v1": 0.2, "a|v2": 0.4}, n_users=300, n_days=20)
    row = _prompt(_compared(rows), "a|v2")
    assert row["difference_low"] > 0.1
    assert row["difference_low"] < 0.2 < row["difference_high"]
    assert row["p_value"] < 0.001
    assert row["rate"] - row["reference_rate"] == pytest.approx(row["difference"])
    assert "does better than" in row["sentence"]
    assert "This holds however often one looks." in row["sentence"]


def test_before_enough_people_came_nothing_is_told() -> None:
    rng = np.random.default_rng(2)
    row = _prompt(_compared(living(rng, {"a|v1": 0.1, "a|v2": 0.8}, n_users=FEWEST - 5)), "a|v2")
    assert row["difference"] > 0.4
    assert (row["difference_low"], row["p_value"]) == (None, None)
    assert row["sentence"].startswith("Too early to tell")
    assert f"and {FEWEST} are needed" in row["sentence"]


def test_more_comparisons_ask_for_more_evidence() -> None:
    rng = np.random.default_rng(3)
    rows = living(rng, {f"a|v{n}": 0.3 for n in range(1, 6)}, n_users=200)
    of_five = _compared(rows).filter(dimension="prompt").row(0, named=True)
    pair = {of_five[name].removeprefix("a|") for name in ("key", "reference")}
    [of_two] = _compared([row for row in rows if row["prompt_version"] in pair]).filter(dimension="prompt").to_dicts()
    assert (of_five["n_comparisons"], of_two["n_comparisons"]) == (4, 1)
    assert of_five["difference"] == pytest.approx(of_two["difference"])
    assert of_five["difference_high"] - of_five["difference_low"] > of_two["difference_high"] - of_two["difference_low"]


def test_of_two_as_old_the_one_that_more_people_met_first_is_the_reference() -> None:
    rows = [tip(n, f"u{n}", 0, prompt_version="v1" if n < 2 else "v2", is_rewarded=n < 2) for n in range(9)]
    rows += [tip(n, f"u{n}", 1, prompt_version="v1") for n in range(9, 40)]
    found = _compared(rows).filter(dimension="prompt")
    assert found.select("key", "reference").row(0) == ("embedded/first|v1", "embedded/first|v2")


@pytest.mark.slow
def test_whoever_looks_every_day_is_misled_in_5_percent_of_the_runs_at_most() -> None:
    rng = np.random.default_rng(4)
    runs, alarms = 60, 0
    for _ in range(runs):
        rows = living(rng, {"a|v1": 0.3, "a|v2": 0.3, "b|v1": 0.3}, n_users=200, n_days=20, between=0.15)
        for day in range(2, 21, 3):
            seen = [row for row in rows if row["at"].toordinal() < FIRST.toordinal() + day]
            p_values = _compared(seen).filter(dimension="prompt")["p_value"].drop_nulls()
            if (p_values < 0.05).any():
                alarms += 1
                break
    assert alarms <= 6, "5 % of 60 are 3; 7 or more come by chance once in thirty times"
