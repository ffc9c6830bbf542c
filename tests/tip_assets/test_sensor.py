"""The sensor on a real instance and lake: what it requests in which state."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from support.bench import EXPERIMENT, create, fill, fill_all, workshop

from tip_assets.bench.partitions import EXPERIMENT_TAG
from tip_assets.bench.requesting import RANGE_END, RANGE_START
from tip_assets.bench.sensors import ATTEMPT_TAG, MAX_ATTEMPTS, bench_sensor
from tip_assets.definitions import defs
from tip_assets.resources.dead_runs import PROCESS_TAG, dead_runs
from tip_assets.resources.instance import open_instance
from tip_serving.bench import requests
from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import ProcessName
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workshop:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    return workshop(tmp_path)


@pytest.fixture
def instance(place: Workshop) -> Iterator[dg.DagsterInstance]:
    with open_instance(place.settings) as opened:
        yield opened


def _tick(instance: dg.DagsterInstance) -> tuple[list[dg.RunRequest], str | None]:
    """What the sensor asks for now, in the way in which the daemon evaluates it."""
    with (
        dg.build_sensor_context(instance=instance, definitions=defs) as context,
        dg.partition_loading_context(dynamic_partitions_store=instance),
    ):
        data = bench_sensor.evaluate_tick(context)
    return list(data.run_requests or []), data.skip_message


def _note_run(instance: dg.DagsterInstance, request: dg.RunRequest, status: dg.DagsterRunStatus) -> None:
    run = dg.DagsterRun(job_name=request.job_name or "", status=status, tags=dict(request.tags))
    instance.add_run(run)


def test_a_new_spec_asks_for_its_scenarios_and_its_cells(place: Workshop, instance: dg.DagsterInstance) -> None:
    create(place)
    asked, _ = _tick(instance)
    assert [request.job_name for request in asked] == ["choose_scenarios", "collect"]
    assert asked[0].partition_key == EXPERIMENT
    assert (asked[1].tags[RANGE_START], asked[1].tags[RANGE_END]) == ("embedded/first|v1", "embedded/planner|v2")


def test_only_what_is_lacking_is_asked_for(place: Workshop, instance: dg.DagsterInstance) -> None:
    asked_for = create(place)
    fill(place, asked_for, Cell("embedded/first", "v1"))
    ranges = [(request.tags[RANGE_START], request.tags[RANGE_END]) for request in _tick(instance)[0][1:]]
    assert ranges == [("embedded/first|v2", "embedded/planner|v2"), ("embedded/planner|v1", "embedded/planner|v1")]


def test_filled_cells_are_judged_and_ranked_ones_ask_for_nothing(place: Workshop, instance: dg.DagsterInstance) -> None:
    fill_all(place, create(place))
    assert [(request.job_name, request.partition_key) for request in _tick(instance)[0]] == [("judge", EXPERIMENT)]
    place.judge_automatically(EXPERIMENT)
    place.import_scores(EXPERIMENT)
    place.rank(EXPERIMENT)
    assert _tick(instance)[0] == []


def test_a_dropped_score_file_is_imported(place: Workshop, instance: dg.DagsterInstance) -> None:
    fill_all(place, create(place))
    place.rank(EXPERIMENT)
    place.lake.write(layout.inbox_file(EXPERIMENT, "ana.jsonl"), b"{}\n")
    assert [request.job_name for request in _tick(instance)[0]] == ["import_scores"]


def test_nothing_is_asked_twice_while_a_run_is_under_way(place: Workshop, instance: dg.DagsterInstance) -> None:
    create(place)
    first, _ = _tick(instance)
    for request in first:
        _note_run(instance, request, dg.DagsterRunStatus.STARTING)
    asked, said = _tick(instance)
    assert asked == []
    assert said == f"{EXPERIMENT}: a run is under way"


def test_one_experiment_waits_while_another_is_asked_for_in_the_same_tick(
    place: Workshop, instance: dg.DagsterInstance
) -> None:
    create(place)
    for request in _tick(instance)[0]:
        _note_run(instance, request, dg.DagsterRunStatus.STARTED)
    create(place, experiment="tip-bench-zwei")
    asked, _ = _tick(instance)
    assert {request.tags[EXPERIMENT_TAG] for request in asked} == {"tip-bench-zwei"}


def test_a_failed_cell_is_never_asked_for_by_itself(place: Workshop, instance: dg.DagsterInstance) -> None:
    asked_for = create(place)
    fill_all(place, asked_for)
    cold = create(place, experiment="tip-bench-cold", temperature=0.0)
    for model in cold.models:
        for prompt in cold.prompts:
            fill(place, cold, Cell(model, prompt), n_missing=3)
    place.rank(EXPERIMENT)
    place.rank("tip-bench-cold")
    assert _tick(instance)[0] == []
    requests.retry(place.lake, "tip-bench-cold", "ana")
    assert [request.job_name for request in _tick(instance)[0]] == ["choose_scenarios", "collect"]


def test_a_step_that_fails_again_and_again_is_given_up_and_says_so(
    place: Workshop, instance: dg.DagsterInstance
) -> None:
    asked_for = create(place)
    fill(place, asked_for, Cell("embedded/first", "v1"))  # leaves two rectangles: an attempt is two runs
    for _ in range(MAX_ATTEMPTS):
        asked, _ = _tick(instance)
        assert sum(ATTEMPT_TAG in request.tags for request in asked) == 2
        for request in asked:
            _note_run(instance, request, dg.DagsterRunStatus.FAILURE)
    asked, said = _tick(instance)
    assert asked == []
    assert said is not None
    assert f"collect failed {MAX_ATTEMPTS} times" in said


def test_a_refused_spec_is_told_and_holds_up_nobody(place: Workshop, instance: dg.DagsterInstance) -> None:
    place.lake.write(layout.spec("tip-bench-bad"), b'{"experiment": "tip-bench-bad", "n_tips": 0}')
    asked, said = _tick(instance)
    assert asked == []
    assert said is not None
    assert "tip-bench-bad is refused: n_tips" in said
    create(place)
    assert [request.job_name for request in _tick(instance)[0]] == ["choose_scenarios", "collect"]


def test_runs_of_dead_processes_are_buried_so_that_their_work_is_asked_for_again(
    place: Workshop, instance: dg.DagsterInstance
) -> None:
    create(place)
    me = ProcessName.current()
    dead = me.model_copy(update={"started": me.started - 10_000}).model_dump_json()
    for request in _tick(instance)[0]:
        tags = {**request.tags, PROCESS_TAG: dead}
        instance.add_run(dg.DagsterRun(job_name="collect", status=dg.DagsterRunStatus.STARTED, tags=tags))
    assert len(dead_runs(instance)) == 2
    asked, _ = _tick(instance)
    assert [request.job_name for request in asked] == ["choose_scenarios", "collect"]
    assert dead_runs(instance) == []


def test_an_experiment_with_a_damaged_file_silences_no_other(place: Workshop, instance: dg.DagsterInstance) -> None:
    damaged = create(place, experiment="tip-bench-damaged")
    fill_all(place, damaged)
    place.lake.write(layout.cell_result("tip-bench-damaged", "embedded/first", "v1"), b"{")
    create(place, sampling_seed=1)
    asked, _ = _tick(instance)
    assert {request.tags[EXPERIMENT_TAG] for request in asked} == {EXPERIMENT}
