"""The assets of rewards, materialized for real: what they write, what checks find, and when they are asked for."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from support.bench import workshop
from support.released import Shelf, prompt_policy
from support.rewards import FIRST, LATER, board, living, rank, tip, write_days

from tip_assets.definitions import defs
from tip_assets.rewards.moment import Moment
from tip_assets.rewards.released import released_cells, weights_by_manifest
from tip_assets.rewards.sensor import analyse_rewards, basis, rewards_sensor
from tip_serving.bench.identity import Cell
from tip_serving.bench.workshop import Workshop
from tip_serving.rewards import tables

CELLS = {f"model-{n}|v{n % 2 + 1}": 0.15 + 0.09 * n for n in range(6)}
SHARES = {"champion": 0.5, "challenger": 0.5}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    made = workshop(tmp_path)
    yield made
    made.pool.close()


def _lived(place: Workshop, n_users: int = 90, **about: Any) -> None:
    write_days(place.lake, living(np.random.default_rng(1), CELLS, n_users=n_users, n_days=8, **about))


def _run(place: Workshop) -> dg.ExecuteInProcessResult:
    config = {"ops": {"prompt_rewards": {"config": {"as_of": LATER.isoformat()}}}}
    job = defs.resolve_job_def(analyse_rewards.name)
    return job.execute_in_process(run_config=config, resources={"workshop": place})


def _checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {found.check_name: found.passed for found in result.get_asset_check_evaluations()}


def _metadata(result: dg.ExecuteInProcessResult, asset: str) -> dict[str, Any]:
    [made] = result.asset_materializations_for_node(asset)
    return {name: value.value for name, value in made.metadata.items()}


def test_both_assets_write_their_tables_and_show_what_they_come_to(place: Workshop) -> None:
    _lived(place)
    rank(place.lake, "tip-bench-one", board("ana", {key: 1 + 4 * worth for key, worth in CELLS.items()}))
    result = _run(place)
    told, against = _metadata(result, "prompt_rewards"), _metadata(result, "judge_against_people")
    assert told["dagster/row_count"] == tables.read(place.lake, "prompt_rewards").height > 0
    assert (told["days"], told["tips_open"], told["tips_without_author"]) == (8, 0, 0)
    assert "model-5\\|v2" in told["cells"]
    assert told["comparisons"].count("\n- ") == 4
    assert told["over_time"].startswith("![Reward rate by week](data:image/svg+xml;base64,")
    assert against["dagster/row_count"] == 6
    assert "predicts people" in against["verdicts"]
    assert against["plot_ana_r1"].startswith("![Scores of ana")
    assert _checks(result) == {
        "arms_hold_their_shares": True, "rates_rest_on_enough_people": True, "every_released_cell_was_seen": True,
        "judges_have_enough_cells": True,
    }  # fmt: skip


def test_arms_that_do_not_hold_their_shares_fail_the_check_and_are_named(place: Workshop) -> None:
    shelf = Shelf(place.lake)
    shelf.publish("m1", shelf.arm("champion", 1, weight=0.9), shelf.arm("challenger", 2, "challenger", 0.1))
    _lived(place, arms=SHARES)
    result = _run(place)
    [found] = [one for one in result.get_asset_check_evaluations() if one.check_name == "arms_hold_their_shares"]
    assert not found.passed
    assert "Mismatch".lower() in str(found.metadata["found"].value)


def test_a_released_cell_that_nobody_has_seen_fails_the_check(place: Workshop) -> None:
    shelf = Shelf(place.lake)
    policy = shelf.policy(prompt_policy(("v1", "model-0@v1", "openai/unseen@v2")))
    shelf.publish("m1", shelf.arm("champion", 1, prompt_policy=policy))
    assert released_cells(place.lake) == [Cell("model-0", "v1"), Cell("openai/unseen", "v2")]
    _lived(place)
    result = _run(place)
    [found] = [one for one in result.get_asset_check_evaluations() if one.check_name == "every_released_cell_was_seen"]
    assert (found.passed, found.metadata["found"].value) == (False, ["openai/unseen|v2"])


def test_few_people_and_few_cells_are_warned_of(place: Workshop) -> None:
    write_days(place.lake, [tip(n, f"u{n}") for n in range(3)])
    rank(place.lake, "tip-bench-one", board("ana", {"embedded/first|v1": 3.0}))
    checks = _checks(_run(place))
    assert not checks["rates_rest_on_enough_people"]
    assert not checks["judges_have_enough_cells"]


def test_without_tips_and_boards_the_tables_are_empty_and_the_checks_green(place: Workshop) -> None:
    result = _run(place)
    assert all(_checks(result).values())
    assert tables.read(place.lake, "prompt_rewards").is_empty()


def test_what_served_before_any_release_is_known_to_have_had_one_arm(place: Workshop) -> None:
    assert weights_by_manifest(place.lake) == {"none": {"default": 1.0}}
    shelf = Shelf(place.lake)
    shelf.publish("m1", shelf.arm("champion", 1, weight=0.7), shelf.arm("new", 2, "challenger", 0.3),
                  shelf.arm("quiet", 3, "shadow", 1.0))  # fmt: skip
    assert weights_by_manifest(place.lake)["m1"] == {"champion": 0.7, "new": 0.3}


def test_a_run_is_asked_for_once_for_everything_new(place: Workshop) -> None:
    def asked() -> Any:
        return rewards_sensor(dg.build_sensor_context())

    assert isinstance(asked(), dg.SkipReason)
    _lived(place)
    first = asked()
    assert asked().run_key == first.run_key
    _lived(place, n_users=40)
    second = asked()
    assert second.run_key != first.run_key
    rank(place.lake, "tip-bench-one", board("ana", {"model-0|v1": 3.0}))
    assert asked().run_key != second.run_key


def test_time_alone_makes_rewards_certain_so_a_new_day_asks_anew(place: Workshop) -> None:
    _lived(place)
    one, next_one = (basis(place.lake, FIRST + dt.timedelta(days=n)) for n in (1, 2))
    assert one is not None
    assert one != next_one


def test_a_moment_needs_its_offset() -> None:
    assert Moment(as_of="2026-06-01T00:00:00+00:00").read() == LATER
    with pytest.raises(ValueError, match="expected a moment with its offset"):
        Moment(as_of="2026-06-01T00:00:00").read()
    assert abs(Moment().read() - dt.datetime.now(dt.UTC)) < dt.timedelta(seconds=5)
