"""From a logged world to a candidate for release, step by step through the lake, and what may stand in it."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from support import learning
from support.cards import entry

from tip_experiments.policies.softmax import Softmax
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.scoring.arms import DEFAULT_POLICY
from tip_serving.scoring.loading import ReleaseError, load
from tip_serving.scoring.manifest import Manifest, Role
from tip_serving.scoring.reward_model import RewardModel
from tip_serving.training import releasable, steps, tip_policy
from tip_serving.training.candidate import (
    REWARD_MODEL,
    TIP_POLICY,
    CandidateError,
    candidate_id,
    candidates,
    read_candidate,
    write_candidate,
)
from tip_serving.training.cards.card import Card, is_complete
from tip_serving.training.cards.keeping import append_history, read_card
from tip_serving.training.evaluation import PolicyEvaluation
from tip_serving.training.logged import DecisionLog
from tip_serving.training.parts import TrainingError
from tip_serving.training.trained import Trained, read_trained, write_trained

NOW = learning.START + dt.timedelta(days=30)


class Made(NamedTuple):
    lake: Lake
    asked: steps.Request
    model: Trained
    model_card: Card
    policy: steps.Made
    evaluation: PolicyEvaluation


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    days = learning.write(lake, learning.world(1, 3000, n_users=100))
    asked = steps.Request(tuple(days), 7, NOW, "ana")
    model, card = steps.train_reward_model(lake, asked)
    policy = steps.train_tip_policy(lake, asked)
    assert steps.train_prompt_policy(lake, asked) is None
    return Made(lake, asked, model, card, policy, steps.evaluate_policy(lake, asked))


def test_both_cards_are_complete_and_say_who_trained_when(made: Made) -> None:
    for card in (made.model_card, made.policy.card):
        assert is_complete(card) == []
        assert [(one.event, one.by, one.at) for one in card.history] == [("trained", "ana", NOW)]


def test_nothing_of_the_candidate_rests_on_what_judges_it(made: Made) -> None:
    candidate = releasable.put_together(made.lake, NOW)
    parts = {part.name: part for part in made.model_card.parts}
    assert candidate.untouched_since == parts["test"].first_at
    assert parts["calibration"].last_at + dt.timedelta(hours=24) <= candidate.untouched_since
    assert made.evaluation.first_at == candidate.untouched_since
    assert made.evaluation.n_decisions == parts["test"].n_rows


@pytest.mark.slow
def test_turning_what_judges_around_changes_neither_model_nor_policy(made: Made, tmp_path: Path) -> None:
    """The leak guard: were a test row looked at in training, turned rewards would show."""
    world = learning.world(1, 3000, n_users=100)
    since = (made.model.untouched_since - learning.START).total_seconds()  # type: ignore[operator]  # a model has it
    turned = np.where(world.seconds >= since, 1 - world.rewards, world.rewards)
    lake = Lake(str(tmp_path))
    learning.write(lake, learning.World(**{**vars(world), "rewards": turned}))
    model, _ = steps.train_reward_model(lake, made.asked)
    policy = steps.train_tip_policy(lake, made.asked)
    assert model.version == made.model.version
    assert policy.trained.version == made.policy.trained.version
    assert model.data != made.model.data
    other = steps.evaluate_policy(lake, made.asked)
    assert other.decision != made.evaluation.decision or other.answers != made.evaluation.answers


def test_the_same_parts_are_the_same_candidate_whoever_puts_them_together_when(made: Made) -> None:
    first = releasable.put_together(made.lake, NOW)
    assert releasable.put_together(made.lake, NOW + dt.timedelta(days=1)) == first
    assert read_candidate(made.lake, first.candidate_id) == first
    assert candidates(made.lake) == [first]
    assert candidate_id(first.model, first.policy, None) == first.candidate_id
    assert candidate_id(first.model, None, None) != first.candidate_id


def test_a_server_loads_it_and_computes_the_scores_of_its_example(made: Made) -> None:
    candidate = releasable.put_together(made.lake, NOW)
    arm = candidate.arm(Role.CHAMPION, 1.0)
    manifest = Manifest(version="1", created_at=NOW, arms=(arm,), example=candidate.example)
    release = load(made.lake, manifest, {})
    assert release.live[0].model_version == made.model.version
    example = json.loads(made.lake.read(candidate.example.path))  # type: ignore[union-attr]  # it has one
    assert len(set(example["scores"][candidate.candidate_id])) > 1


def test_a_model_that_scores_its_example_otherwise_is_not_served(made: Made) -> None:
    candidate = releasable.put_together(made.lake, NOW)
    path = layout.released_example(candidate.candidate_id)
    example = json.loads(made.lake.read(path))
    example["scores"][candidate.candidate_id][0] += 1e-6
    bent = json.dumps(example).encode()
    other = "released/examples/bent.json"
    made.lake.write(other, bent)
    file = candidate.example.model_copy(update={"path": other, "sha256": hashlib.sha256(bent).hexdigest()})  # type: ignore[union-attr]
    manifest = Manifest(version="1", created_at=NOW, arms=(candidate.arm(Role.CHAMPION, 1.0),), example=file)
    with pytest.raises(ReleaseError, match="when it was trained"):
        load(made.lake, manifest, {})


def test_files_are_named_by_their_content_and_tell_no_person(made: Made) -> None:
    releasable.put_together(made.lake, NOW)
    for folder in ("models", "policies", "cards", "releases", "released"):
        entries = made.lake.find(folder)
        assert entries
        for file in entries:
            assert "person-" not in made.lake.read(file.path).decode(), file.path


def test_history_goes_on_after_training(made: Made) -> None:
    append_history(made.lake, TIP_POLICY, made.policy.trained.version, entry("proposed"))
    again = steps.train_tip_policy(made.lake, made.asked)
    assert [one.event for one in again.card.history] == ["trained", "proposed"]
    assert read_card(made.lake, TIP_POLICY, again.trained.version) == again.card


def test_what_was_trained_is_read_back_and_names_the_kind_it_is(made: Made) -> None:
    found = read_trained(made.lake, REWARD_MODEL)
    assert found == made.model
    policy = read_trained(made.lake, TIP_POLICY)
    assert policy is not None
    assert policy.policy.version == made.policy.trained.version
    assert read_trained(made.lake, "tip-nothing") is None


def _without_model(lake: Lake) -> None:
    lake.delete(layout.trained(REWARD_MODEL))


def _without_policy(lake: Lake) -> None:
    lake.delete(layout.trained(TIP_POLICY))


def _of_another_model(lake: Lake) -> None:
    found = read_trained(lake, TIP_POLICY)
    assert found is not None
    write_trained(lake, found.model_copy(update={"untouched_since": NOW}))


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (_without_model, "no reward model is trained"),
        (_without_policy, "no tip policy is trained"),
        (_of_another_model, "was made for another reward model"),
    ],
)
def test_a_candidate_without_its_parts_is_refused(
    made: Made, tmp_path: Path, spoil: Callable[[Lake], None], told: str
) -> None:
    lake = Lake(str(tmp_path))
    for file in made.lake.find("models"):
        lake.write(file.path, made.lake.read(file.path))
    spoil(lake)
    with pytest.raises(TrainingError, match=told):
        releasable.put_together(lake, NOW)


def test_a_file_that_is_no_candidate_is_told(tmp_path: Path) -> None:
    lake = Lake(str(tmp_path))
    with pytest.raises(MissingError):
        read_candidate(lake, "nobody")
    lake.write(layout.release_candidate("x"), b'{"candidate_id": "x"}')
    with pytest.raises(CandidateError, match="is no candidate for release: created_at: Field required"):
        read_candidate(lake, "x")


def test_the_first_of_two_who_write_the_same_candidate_stays(made: Made) -> None:
    first = releasable.put_together(made.lake, NOW)
    later = first.model_copy(update={"created_at": NOW + dt.timedelta(days=3)})
    assert write_candidate(made.lake, later) == first


def test_the_newest_candidate_comes_first(made: Made, tmp_path: Path) -> None:
    first = releasable.put_together(made.lake, NOW)
    lake = Lake(str(tmp_path))
    for days, name in ((0, "a"), (2, "b"), (1, "c")):
        at = NOW + dt.timedelta(days=days)
        write_candidate(lake, first.model_copy(update={"candidate_id": name, "created_at": at}))
    assert [one.candidate_id for one in candidates(lake)] == ["b", "c", "a"]


# The choice of the policy


class _Fixed:
    """Stands for a reward model: gives each tip what a function says."""

    def __init__(self, of: Callable[[np.ndarray], np.ndarray]) -> None:
        self.predict = of


def _chosen(lake: Lake, days: list[dt.date], of: Callable[[np.ndarray], np.ndarray]) -> tip_policy.TrainedPolicy:
    model: RewardModel = _Fixed(of)  # type: ignore[assignment]  # has what is asked of one
    cut = learning.START + dt.timedelta(days=5)
    fitting, validation = DecisionLog(lake, days, NOW, until=cut), DecisionLog(lake, days, NOW, since=cut)
    return tip_policy.train(model, "m", fitting, validation)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Lake, list[dt.date]]:
    lake = Lake(str(tmp_path_factory.mktemp("logged")))
    return lake, learning.write(lake, learning.world(2, 2500, n_users=100))


def test_a_model_that_knows_something_is_followed_more_boldly_than_one_that_knows_the_opposite(
    logged: tuple[Lake, list[dt.date]],
) -> None:
    place = learning._PLACE
    knows = lambda rows: 0.3 + 0.3 * rows[:, place["tip_names_task"]] - 0.01 * rows[:, place["tip_words"]]  # noqa: E731
    good, bad = _chosen(*logged, knows), _chosen(*logged, lambda rows: -knows(rows))
    assert isinstance(good.policy, Softmax)
    assert isinstance(bad.policy, Softmax)
    assert good.policy.temperature < bad.policy.temperature == DEFAULT_POLICY.temperature
    assert [one.is_chosen for one in good.options].count(True) == 1
    assert "the surest" in good.reason


def test_an_option_that_the_log_hardly_speaks_of_is_not_chosen(logged: tuple[Lake, list[dt.date]]) -> None:
    found = _chosen(*logged, lambda rows: 0.02 * rows[:, learning._PLACE["tip_words"]])
    for one in found.options:
        if one.is_chosen:
            assert one.effective_n >= tip_policy.LEAST_WORTH * found.n_validation


def test_where_the_log_cannot_tell_the_policy_is_as_cautious_as_the_default(logged: tuple[Lake, list[dt.date]]) -> None:
    lake, _ = logged
    found = _chosen(lake, [dt.date(2020, 1, 1)], lambda rows: rows[:, 0])
    assert isinstance(found.policy, Softmax)
    assert (found.policy.temperature, found.policy.floor) == tip_policy.CAUTIOUS
    assert "cannot tell" in found.reason
    assert found.n_validation == 0


def test_a_policy_over_the_tips_themselves_is_tried_where_tips_return(logged: tuple[Lake, list[dt.date]]) -> None:
    found = _chosen(*logged, lambda rows: rows[:, 0] * 0.0)
    (over_tips,) = [one for one in found.options if one.kind == "lin-ucb"]
    assert over_tips.why_not == ""
    assert over_tips.effective_n > 0
