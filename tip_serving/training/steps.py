"""The steps of training, each a function from the lake to the lake: what to look at, what is kept, what is told.

    reward_model -> tip_policy -> policy_evaluation -> release candidate, and beside them prompt_policy

Each leaves its files, its card and what is the latest of its name; a later step reads these and no variable of another.
"""

import datetime as dt
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_serving.features import contract, vector
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.scoring import policy_context, ranking
from tip_serving.scoring.arms import DEFAULT_ARM, UNRELEASED, ReadyArm
from tip_serving.scoring.loading import load
from tip_serving.scoring.manifest import Arm, Manifest, Role, parse
from tip_serving.scoring.reward_model import RewardModel
from tip_serving.training import prompt_policy as prompts
from tip_serving.training import reward_model as rewarding
from tip_serving.training import tip_policy as tips
from tip_serving.training import training_set
from tip_serving.training.candidate import PROMPT_POLICY, REWARD_MODEL, TIP_POLICY, DataWindow
from tip_serving.training.cards.card import Card
from tip_serving.training.cards.keeping import read_card, write_card
from tip_serving.training.cards.of_prompt_policy import prompt_policy_card
from tip_serving.training.cards.of_reward_model import measure, reward_model_card
from tip_serving.training.cards.of_tip_policy import tip_policy_card
from tip_serving.training.evaluation import PolicyEvaluation, evaluated, write_evaluation
from tip_serving.training.evidence import evidence
from tip_serving.training.logged import DecisionLog
from tip_serving.training.parts import TrainingError, content_hash
from tip_serving.training.prompt_feedback import WrittenTips, written_tips
from tip_serving.training.prompt_priors import priors
from tip_serving.training.trained import (
    Trained,
    forget_trained,
    keep_model,
    keep_policy,
    read_trained,
    write_trained,
)

_TRIED = 500
_MAY_MISS = 1e-9


class Request(NamedTuple):
    """What a training is asked for."""

    days: tuple[dt.date, ...]
    """UTC."""
    seed: int
    now: dt.datetime
    """Aware; what happened later is not known."""
    by: str


class Made(NamedTuple):
    """A policy and its card."""

    trained: Trained
    card: Card
    faults: list[str]
    """What is wrong with its probabilities."""


def train_reward_model(lake: Lake, asked: Request) -> tuple[Trained, Card]:
    """The reward model of the training set of these days. Raises TrainingError."""
    model = rewarding.train(training_set.read(lake, asked.days), asked.seed, asked.now)
    found, by_group = measure(model, asked.seed)
    artifact = keep_model(lake, model.content, model.version, contract.contract_hash())
    card = write_card(lake, reward_model_card(model, found, by_group, asked.now, asked.by))
    first_calibration = model.parts.calibration["at"].min()
    trained = Trained(
        name=REWARD_MODEL, version=model.version, artifact=artifact, at=asked.now, days=asked.days, data=model.data,
        calibrated_since=first_calibration, untouched_since=model.parts.untouched_since, registered=None,
    )  # fmt: skip
    write_trained(lake, trained)
    return trained, card


def train_tip_policy(lake: Lake, asked: Request) -> Made:
    """The tip policy on the latest reward model. Raises TrainingError."""
    base = _latest_model(lake, "The tip policy")
    model = RewardModel(lake.read(base.artifact.path), vector.names(), contract.contract_hash())
    fitting = DecisionLog(lake, base.days, asked.now, until=base.calibrated_since)
    validation = DecisionLog(lake, base.days, asked.now, since=base.calibrated_since, until=base.untouched_since)
    policy = tips.train(model, base.version, fitting, validation)
    reads_context = ranking.needs_context(policy.policy)
    artifact = keep_policy(
        lake, policy.content, policy.version, policy_context.contract_hash() if reads_context else None
    )
    arm = ReadyArm("tip policy", model, base.artifact.sha256, base.version, policy.policy, None)
    found = evidence(lake, asked.days, DEFAULT_ARM, arm, asked.now, base.untouched_since)
    rng = np.random.default_rng(asked.seed)
    evaluation = evaluated(found, policy.version, asked.now, base.untouched_since, rng)
    of_model = read_card(lake, REWARD_MODEL, base.version)
    card = tip_policy_card(policy, base.version, found, evaluation, _window(base), of_model.parts, asked.now, asked.by)
    trained = base.model_copy(
        update={
            "name": TIP_POLICY,
            "version": policy.version,
            "artifact": artifact,
            "at": asked.now,
            "registered": None,
        }
    )
    kept = write_card(lake, card)
    write_trained(lake, trained)
    return Made(trained, kept, _faults(found.challenger_table, found.probabilities > 0.0, policy.policy.floor))


def train_prompt_policy(lake: Lake, asked: Request) -> Made | None:
    """The prompt policy of the leaderboards and of what became of written tips; None where nothing was judged."""
    written = written_tips(lake, asked.days, asked.now)
    known = priors(lake, prompts.base_rate_of(written))
    if not known:
        forget_trained(lake, PROMPT_POLICY)
        return None
    policy = prompts.train(known, written)
    artifact = keep_policy(lake, policy.content, policy.version, policy_context.contract_hash())
    data = _window_of_tips(written, policy)
    card = write_card(lake, prompt_policy_card(policy, data, asked.now, asked.by))
    trained = Trained(
        name=PROMPT_POLICY, version=policy.version, artifact=artifact, at=asked.now, days=asked.days, data=data,
        calibrated_since=None, untouched_since=None, registered=None,
    )  # fmt: skip
    write_trained(lake, trained)
    drawn = np.array([policy.policy.probabilities(context) for context in _contexts(written)])
    return Made(trained, card, _faults(drawn, np.ones(drawn.shape, np.bool_), policy.policy.floor))


def evaluate_policy(lake: Lake, asked: Request) -> PolicyEvaluation:
    """The latest tip policy against the champion, on decisions that nothing of it rests on.

    Raises:
        TrainingError: nothing is trained.
        EvidenceError: no decision can be read.
    """
    base = _latest_model(lake, "The evaluation of a policy")
    policy = read_trained(lake, TIP_POLICY)
    if policy is None:
        raise TrainingError("The evaluation of a policy", ["no tip policy is trained; materialize tip_policy first"])
    challenger = loaded(lake, base, policy)
    found = evidence(lake, asked.days, champion(lake), challenger, asked.now, base.untouched_since)
    rng = np.random.default_rng(asked.seed)
    evaluation = evaluated(found, policy.version, asked.now, base.untouched_since, rng)
    write_evaluation(lake, evaluation)
    return evaluation


def champion(lake: Lake) -> ReadyArm:
    """The arm that is released to most, the default where nothing is. Raises ManifestError, ReleaseError."""
    try:
        manifest = parse(lake.read(layout.released_manifest()))
    except MissingError:
        return UNRELEASED.live[0]
    return load(lake, manifest, {}).live[0]


def loaded(lake: Lake, model: Trained, policy: Trained) -> ReadyArm:
    """The latest model and policy as a server would load them. Raises ReleaseError."""
    arm = Arm(
        name=policy.version, role=Role.CHAMPION, weight=1.0, model=model.model, policy=policy.policy, prompt_policy=None
    )
    return load(lake, Manifest(version="trial", created_at=model.at, arms=(arm,), example=None), {}).live[0]


def _contexts(written: WrittenTips) -> NDArray[np.float64]:
    """Contexts to try a prompt policy on: those logged last, or that of nobody."""
    return written.contexts[-_TRIED:] if written.n else np.zeros((1, len(policy_context.NAMES)))


def _faults(table: NDArray[np.float64], is_there: NDArray[np.bool_], floor: float) -> list[str]:
    """What is wrong with rows of probabilities."""
    faults = []
    if off := int((np.abs(table.sum(axis=1) - 1.0) > _MAY_MISS).sum()):
        faults.append(f"in {off} decisions they do not sum to 1")
    # More candidates than the floor has room for are drawn alike, so a row may be as low as one over its candidates.
    least = np.minimum(floor, 1.0 / is_there.sum(axis=1, keepdims=True)) - _MAY_MISS
    if low := int(((table < least) & is_there).any(axis=1).sum()):
        faults.append(f"in {low} decisions one lies below the floor of {floor:g}")
    return faults


def _latest_model(lake: Lake, what: str) -> Trained:
    base = read_trained(lake, REWARD_MODEL)
    if base is None:
        raise TrainingError(what, ["no reward model is trained; materialize reward_model first"])
    return base


def _window(base: Trained) -> DataWindow:
    if base.data is None:
        raise TypeError("A reward model has the rows that it was made from.")
    return base.data


def _window_of_tips(written: WrittenTips, policy: prompts.TrainedPromptPolicy) -> DataWindow | None:
    """The tips that were learnt from; None where there are none."""
    rows = np.flatnonzero(policy.is_learnt)
    if not rows.size:
        return None
    at = written.at[rows]
    table = pl.DataFrame(
        {
            "arm": [written.arms[row] for row in rows],
            "user": written.users[rows].tolist(),
            "at": at,
            "reward": written.rewards[rows],
            **{name: written.contexts[rows, place] for place, name in enumerate(policy_context.NAMES)},
        }
    )
    first, last = (moment.astype("datetime64[us]").item() for moment in (at.min(), at.max()))
    return DataWindow(
        first_day=first.date(), last_day=last.date(), n_rows=rows.size, n_users=np.unique(written.users[rows]).size,
        sha256=content_hash(table),
    )  # fmt: skip
