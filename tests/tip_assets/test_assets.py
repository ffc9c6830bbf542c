"""Assets and their checks, materialized for real on an instance on disk, with the embedded writers."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from support.bench import EXPERIMENT, create, fill, fill_all, workshop
from support.openai_server import OpenAIServer

from tip_assets.bench import jobs
from tip_assets.bench.mirror import Mirror
from tip_assets.bench.partitions import CELLS, EXPERIMENT_TAG, partition_of, register
from tip_assets.bench.requesting import Rectangle
from tip_assets.definitions import defs
from tip_assets.resources.instance import open_instance
from tip_serving.bench import results
from tip_serving.bench.identity import Cell
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout

CELL = Cell("embedded/first", "v1")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    made = workshop(tmp_path)
    yield made
    made.pool.close()


@pytest.fixture
def instance(place: Workshop) -> Iterator[dg.DagsterInstance]:
    with open_instance(place.settings) as opened:
        yield opened


@pytest.fixture
def mirror(place: Workshop) -> Iterator[Mirror]:
    with closing(Mirror()) as made:
        yield made


def _run(
    job: str,
    instance: dg.DagsterInstance,
    place: Workshop,
    mirror: Mirror,
    partition_key: str | None = EXPERIMENT,
    tags: dict[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=partition_key,
        tags=tags,
        resources={"workshop": place, "mirror": mirror},
        raise_on_error=False,
    )


def _checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {found.check_name: found.passed for found in result.get_asset_check_evaluations()}


def _collect(
    cells: list[Cell],
    instance: dg.DagsterInstance,
    place: Workshop,
    mirror: Mirror,
    experiment: str | None = EXPERIMENT,
) -> dg.ExecuteInProcessResult:
    models, prompts = (tuple(dict.fromkeys(names)) for names in zip(*cells, strict=True))
    tags = Rectangle(models, prompts).tags | ({EXPERIMENT_TAG: experiment} if experiment else {})
    return _run(jobs.collect.name, instance, place, mirror, None, tags)


def test_a_cell_is_materialized_with_all_that_makes_it_worth_opening(
    place: Workshop, instance: dg.DagsterInstance, mirror: Mirror
) -> None:
    asked = create(place)
    register(instance, EXPERIMENT, [CELL])
    result = _collect([CELL], instance, place, mirror)
    assert result.success
    assert _checks(result) == {"candidates_complete": True, "candidates_well_formed": True, "candidates_grounded": True}
    event = instance.get_latest_materialization_event(dg.AssetKey("candidates"))
    assert event is not None
    made = event.asset_materialization
    assert made is not None
    assert made.partition == "embedded/first|v1"
    shown = {name: value.value for name, value in made.metadata.items()}
    assert (shown["candidates"], shown["failures"], shown["cost_usd"]) == (asked.n_scenarios, 0, 0.0)
    assert shown["latency_p50_ms"] <= shown["latency_p95_ms"]
    assert shown["tips"].startswith("| scenario_id | text")  # type: ignore[union-attr]
    assert shown["mlflow_run"].startswith("http://127.0.0.1:5000/#/experiments/")  # type: ignore[union-attr]


def test_a_cell_without_an_experiment_serves_every_spec_that_needs_it(
    place: Workshop, instance: dg.DagsterInstance, mirror: Mirror
) -> None:
    create(place)
    create(place, experiment="tip-bench-zwei", n_scenarios=9)
    create(place, experiment="tip-bench-drei", models=["embedded/maxim"])
    register(instance, EXPERIMENT, [CELL])
    assert _collect([CELL], instance, place, mirror, experiment=None).success
    names = (EXPERIMENT, "tip-bench-zwei", "tip-bench-drei")
    done = {name: [cell.cell for cell in place.state(name).cells if cell.result] for name in names}
    assert done == {EXPERIMENT: [CELL], "tip-bench-zwei": [CELL], "tip-bench-drei": []}
    assert place.store.load(CELL).height == 9


def test_mlflow_holds_one_run_a_cell_and_a_second_attempt_continues_it(
    place: Workshop, instance: dg.DagsterInstance, mirror: Mirror, tmp_path: Path
) -> None:
    from mlflow import MlflowClient

    cells = [CELL, Cell("embedded/first", "v2")]
    create(place)
    register(instance, EXPERIMENT, cells)
    for _ in range(2):
        _collect(cells, instance, place, mirror)
    client = MlflowClient(place.settings.tracking_uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    assert sorted(run.data.params["prompt"] for run in runs) == ["v1", "v2"]
    run = runs[0]
    assert run.info.status == "FINISHED"
    assert run.data.metrics["candidates"] == 6
    assert {"latency_p50_ms", "latency_p95_ms", "cost_usd", "completion_tokens", "failures"} <= set(run.data.metrics)
    assert [found.path for found in client.list_artifacts(run.info.run_id)] == ["candidates.json"]
    assert experiment.artifact_location.startswith(str(tmp_path))
    assert not Path("mlruns").exists()


def test_a_tracking_server_that_does_not_answer_costs_no_cell(
    place: Workshop, instance: dg.DagsterInstance, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    create(place)
    register(instance, EXPERIMENT, [CELL])
    assert _collect([CELL], instance, place, mirror).success
    assert results.load(place.lake, EXPERIMENT, CELL).n_done == 6


def test_judging_passes_all_its_checks_and_ends_with_a_leaderboard(
    place: Workshop, instance: dg.DagsterInstance, mirror: Mirror
) -> None:
    fill_all(place, create(place))
    register(instance, EXPERIMENT, [CELL])
    result = _run(jobs.judge.name, instance, place, mirror)
    assert result.success
    assert _checks(result) == {
        "export_blind": True,
        "scores_within_rubric": True,
        "leaderboard_covers_every_cell": True,
    }
    assert place.state(EXPERIMENT).phase == "ranked"


@pytest.mark.parametrize(
    ("text", "broken"),
    [("", "candidates_well_formed"), ("x" * 1_001, "candidates_well_formed"), ("Believe!", "candidates_grounded")],
)
def test_a_bad_tip_fails_its_check(
    place: Workshop, instance: dg.DagsterInstance, mirror: Mirror, text: str, broken: str
) -> None:
    asked = create(place)
    fill(place, asked, CELL)
    assert place.lake.directory is not None
    segment = next((place.lake.directory / layout.segments(*CELL)).glob("*.jsonl"))
    lines = [json.loads(line) for line in segment.read_text().splitlines()]
    lines[0]["text"] = text
    segment.write_text("".join(json.dumps(line) + "\n" for line in lines))
    place.lake.delete(layout.cell_result(EXPERIMENT, *CELL))
    register(instance, EXPERIMENT, [CELL])
    checks = _checks(_collect([CELL], instance, place, mirror))
    assert checks["candidates_complete"]
    assert not checks[broken]


def test_a_score_off_the_scale_fails_its_check(place: Workshop, instance: dg.DagsterInstance, mirror: Mirror) -> None:
    fill_all(place, create(place))
    row: dict[str, object] = {
        **dict.fromkeys(load_rubric().names, 3.0),
        "candidate_id": place.candidates(EXPERIMENT)["candidate_id"][0],
        "judge": "ana",
        "rubric_version": "r1",
        "score": 6.0,
        "comment": "",
        "cost_usd": None,
        "experiment": EXPERIMENT,
        "imported_at": datetime.now(UTC),
    }
    SCORES.append(place.lake, "by-hand", [row], "ana", "r1")
    register(instance, EXPERIMENT, [CELL])
    checks = _checks(_run(jobs.import_scores.name, instance, place, mirror))
    assert checks == {"scores_within_rubric": False, "leaderboard_covers_every_cell": True}


def test_a_cell_that_lacks_candidates_fails_alone(
    place: Workshop,
    instance: dg.DagsterInstance,
    mirror: Mirror,
    server: OpenAIServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    refused = Cell("openai/denied", "v1")
    create(place, models=["embedded/first", "openai/denied"], prompts=["v1"])
    register(instance, EXPERIMENT, [CELL, refused])
    result = _collect([CELL, refused], instance, place, mirror)
    assert not result.success
    assert _checks(result)["candidates_complete"] is False
    keys = instance.get_materialized_partitions(dg.AssetKey("candidates"))
    assert keys == {str(partition_of(CELL))}
    failed = results.load(place.lake, EXPERIMENT, refused)
    assert failed.status is results.CellStatus.FAILED
    assert "denied" in (failed.reason or "")


def test_the_graph_of_the_bench_is_what_the_design_says() -> None:
    graph = defs.resolve_asset_graph()
    parents = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
        if graph.get(key).group_name == "bench"
    }
    assert parents == {
        "scenarios": set(),
        "candidates": {"scenarios"},
        "judge_export": {"candidates", "scenarios"},
        "automatic_verdicts": {"judge_export"},
        "judge_scores": {"automatic_verdicts"},
        "leaderboard": {"judge_scores"},
    }
    assert graph.get(dg.AssetKey("candidates")).partitions_def == CELLS
    assert all(graph.get(key).description for key in graph.get_all_asset_keys())
