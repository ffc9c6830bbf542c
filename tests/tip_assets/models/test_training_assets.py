"""The assets of learning in a real run of Dagster with a real MLflow: what is trained, shown, registered, made one."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import mlflow
import pytest
from support import learning
from support.judged import board, publish

from tip_assets.definitions import defs
from tip_serving import settings
from tip_serving.lake.storage import Lake
from tip_serving.training.candidate import PROMPT_POLICY, REWARD_MODEL, TIP_POLICY, candidates
from tip_serving.training.cards.keeping import read_card
from tip_serving.training.trained import read_trained

NOW = "2026-03-20T00:00:00+00:00"
CONFIG = {"first_day": "2026-03-01", "last_day": "2026-03-20", "seed": 7}


class Place:
    """A home with a lake, a Dagster instance and an MLflow database."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.lake = Lake(str(home / "lake"))
        self.instance = dg.DagsterInstance.ephemeral(tempdir=str(home))

    def train(self, **changes: Any) -> dg.ExecuteInProcessResult:
        """The job as Dagster runs it."""
        assets = ("reward_model", "tip_policy", "policy_evaluation", "prompt_policy", "release_candidate")
        ops = {name: {"config": {**CONFIG, **changes}} for name in assets}
        job = defs.resolve_job_def("train")
        return job.execute_in_process(
            run_config={"ops": ops, "resources": {"archive": {"config": {"as_of": NOW}}}},
            instance=self.instance,
            raise_on_error=False,
        )

    @property
    def client(self) -> mlflow.MlflowClient:
        """Of the place's MLflow."""
        return mlflow.MlflowClient(settings.load().tracking_uri)


@pytest.fixture(scope="module")
def monkeymodule() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, monkeymodule: pytest.MonkeyPatch) -> Place:
    home = tmp_path_factory.mktemp("home")
    monkeymodule.setenv("TIP_HOME", str(home))
    made = Place(home)
    learning.write(made.lake, learning.world(1, 5000, n_users=100))
    return made


@pytest.fixture(scope="module")
def first(place: Place) -> dg.ExecuteInProcessResult:
    return place.train()


def _checks(run: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {
        f"{one.asset_key.to_user_string()}.{one.check_name}": one.passed for one in run.get_asset_check_evaluations()
    }


def test_a_run_trains_everything_and_its_checks_are_green(first: dg.ExecuteInProcessResult) -> None:
    assert first.success
    assert _checks(first) == {
        "reward_model.beats_the_baselines": True,
        "reward_model.is_calibrated": True,
        "reward_model.card_is_complete": True,
        "tip_policy.propensities_are_valid": True,
        "tip_policy.card_is_complete": True,
        "policy_evaluation.estimators_can_answer": True,
        "prompt_policy.propensities_are_valid": True,
        "prompt_policy.card_is_complete": True,
        "release_candidate.cards_are_complete": True,
        "release_candidate.is_registered": True,
    }


def test_one_dagster_run_is_one_mlflow_run(place: Place, first: dg.ExecuteInProcessResult) -> None:
    experiment = place.client.get_experiment_by_name("tip-training")
    runs = place.client.search_runs([experiment.experiment_id], f"tags.dagster_run_id = '{first.run_id}'")
    (run,) = runs
    assert run.info.status == "FINISHED"
    assert run.data.metrics[f"{REWARD_MODEL}/AUC"] > 0.6
    assert run.data.params[f"{REWARD_MODEL}.seed"] == "7"
    assert str(place.home) in run.info.artifact_uri
    names = {item.path for item in place.client.list_artifacts(run.info.run_id, REWARD_MODEL)}
    assert names == {f"{REWARD_MODEL}/{name}" for name in ("model.txt", "card.json", "card.md", "card.html")}


def test_versions_are_registered_as_challenger_under_their_lake_version(
    place: Place, first: dg.ExecuteInProcessResult
) -> None:
    for name in (REWARD_MODEL, TIP_POLICY):
        found = place.client.get_model_version_by_alias(name, "challenger")
        trained = read_trained(place.lake, name)
        assert trained is not None
        assert found.tags["lake_version"] == trained.version
        assert str(found.version) == trained.registered
        assert found.run_id is not None


def test_the_candidate_names_all_parts_and_its_cards(place: Place, first: dg.ExecuteInProcessResult) -> None:
    (candidate,) = candidates(place.lake)
    model = read_trained(place.lake, REWARD_MODEL)
    assert model is not None
    assert candidate.model == model.model
    assert candidate.registered == {REWARD_MODEL: "1", TIP_POLICY: "1"}
    assert candidate.cards.keys() == {REWARD_MODEL, TIP_POLICY}
    assert candidate.prompt_policy is None


def test_the_card_is_shown_in_dagster(place: Place, first: dg.ExecuteInProcessResult) -> None:
    (event,) = first.asset_materializations_for_node("reward_model")
    shown = event.metadata
    assert "# " in str(shown["card"].value)
    assert Path(str(shown["card_page"].value)).exists()
    assert shown["AUC"].value > 0.6
    assert shown["AUC_low"].value < shown["AUC"].value < shown["AUC_high"].value


def test_trained_again_on_the_same_rows_it_is_the_same_version_registered_once(
    place: Place, first: dg.ExecuteInProcessResult
) -> None:
    known = read_card(place.lake, REWARD_MODEL, read_trained(place.lake, REWARD_MODEL).version)  # type: ignore[union-attr]  # trained before
    again = place.train()
    assert again.success
    assert len(place.client.search_model_versions(f"name = '{REWARD_MODEL}'")) == 1
    assert len(candidates(place.lake)) == 1
    assert read_card(place.lake, REWARD_MODEL, known.version) == known


def test_once_something_is_judged_there_is_a_prompt_policy_and_a_new_candidate_with_it(
    place: Place, first: dg.ExecuteInProcessResult
) -> None:
    before = candidates(place.lake)
    publish(place.lake, board({"v2": 4.4, "v1": 3.0}))
    run = place.train()
    assert run.success
    assert all(_checks(run).values())
    newest = next(one for one in candidates(place.lake) if one not in before)
    assert newest.prompt_policy is not None
    assert newest.registered[PROMPT_POLICY] == "1"
    assert newest.cards[PROMPT_POLICY] == newest.prompt_policy.version
    assert newest.model == before[0].model


def test_nothing_in_mlflow_names_a_person(place: Place, first: dg.ExecuteInProcessResult) -> None:
    people = {f"person-{user}" for user in range(100)}
    files = [path for path in (place.home / "mlartifacts").rglob("*") if path.is_file()]
    assert len(files) >= 9
    for path in [*files, place.home / "mlflow.db"]:
        text = path.read_bytes().decode(errors="ignore")
        assert not [name for name in people if name in text], path


def test_too_little_data_ends_the_run_with_its_reasons_and_marks_mlflow_failed(
    place: Place, first: dg.ExecuteInProcessResult
) -> None:
    run = place.train(first_day="2026-03-02", last_day="2026-03-02")
    assert not run.success
    (failed,) = [event for event in run.all_events if event.event_type_value == "STEP_FAILURE"]
    told = str(failed.step_failure_data.user_failure_data.description)
    assert told.startswith("The reward model cannot be trained: ")
    experiment = place.client.get_experiment_by_name("tip-training")
    (logged,) = place.client.search_runs([experiment.experiment_id], f"tags.dagster_run_id = '{run.run_id}'")
    assert logged.info.status == "FAILED"
    assert logged.data.tags["tip.reason"] == told


def test_a_run_that_died_is_marked_failed_by_the_next_and_others_are_left_alone(
    place: Place, first: dg.ExecuteInProcessResult
) -> None:
    experiment = place.client.get_experiment_by_name("tip-training").experiment_id
    under_way, dead = (place.instance.create_run_for_job(defs.resolve_job_def("train")) for _ in range(2))
    place.instance.report_run_failed(dead)
    owners = {"died": dead.run_id, "alive": under_way.run_id, "foreign": "of-another-installation"}
    runs = {
        name: place.client.create_run(experiment, tags={"dagster_run_id": owner}).info.run_id
        for name, owner in owners.items()
    }
    place.train(first_day="2026-03-02", last_day="2026-03-02")
    statuses = {name: place.client.get_run(run).info.status for name, run in runs.items()}
    assert statuses == {"died": "FAILED", "alive": "RUNNING", "foreign": "RUNNING"}


def test_the_lineage_runs_from_events_to_the_candidate() -> None:
    graph = defs.resolve_asset_graph()
    ancestors = graph.get_ancestor_asset_keys(dg.AssetKey("release_candidate"))
    names = {key.to_user_string() for key in ancestors}
    assert names >= {
        "exposures", "feedback", "tip_scores", "profile_features", "training_set", "reward_model", "tip_policy",
        "policy_evaluation", "prompt_policy", "leaderboard", "candidates",
    }  # fmt: skip
