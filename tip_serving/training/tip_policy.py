"""The tip policy: which tip comes first, drawn by the reward model's scores; how boldly is chosen off-policy.

Declared options are tried on logged decisions that the model's trees have not seen, and the one is taken whose gain
over the default policy is surest: its lower bound is the highest. Beside them a contextual policy over the tips
themselves. An option that goes where less than a third of the log's weight lies is left for a later log, which the next
policy makes: the gate could not judge it. Where the log cannot tell at all, the policy is as cautious as the default.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tip_experiments.ope import SNIPS, LoggedRounds, Normal, difference, evaluate
from tip_experiments.policies import state
from tip_experiments.policies.feedback import Feedback
from tip_experiments.policies.lin_ucb import LinUcb
from tip_experiments.policies.policy import Policy
from tip_experiments.policies.roster import Prior
from tip_experiments.policies.softmax import Softmax
from tip_serving.scoring import policy_context
from tip_serving.scoring.arms import DEFAULT_ARM, DEFAULT_POLICY, ReadyArm
from tip_serving.scoring.ranking import PredictedRewards
from tip_serving.scoring.reward_model import RewardModel
from tip_serving.training.logged import DecisionLog, Decisions
from tip_serving.training.targets import contexts, policy_target, scores, target

Floats = NDArray[np.float64]

TEMPERATURES = (0.02, 0.05, 0.1, 0.25)
FLOORS = (0.005, 0.01, 0.02)
CAUTIOUS = (DEFAULT_POLICY.temperature, DEFAULT_POLICY.floor)
MOST_DECISIONS = 20_000
"""Tried on; later ones go first."""
CONFIDENCE = 0.95
LEAST_WORTH = 1 / 3
"""Share of the decisions that the weights of an option have to be worth."""
_FEWEST_SHOWN, _MOST_TIPS = 30, 200
_TIPS_FLOOR = 0.01


@dataclass(frozen=True)
class Tried:
    """One option on the validation decisions."""

    name: str
    kind: str
    value: float
    low: float | None
    high: float | None
    gain: float
    """Over the default policy, paired."""
    gain_low: float | None
    """None where the log cannot tell."""
    gain_high: float | None
    effective_n: float
    why_not: str
    """Why the log cannot tell, or why it was not tried."""
    is_chosen: bool = False


@dataclass(frozen=True, eq=False)
class TrainedPolicy:
    """A tip policy with what its card is made from."""

    policy: Policy
    content: bytes
    options: tuple[Tried, ...]
    n_validation: int
    reason: str
    """Why this option."""

    @property
    def version(self) -> str:
        """The policy's own."""
        return self.policy.version


@dataclass(frozen=True, eq=False)
class _Option:
    name: str
    policy: Policy


def train(model: RewardModel, model_version: str, fitting: DecisionLog, validation: DecisionLog) -> TrainedPolicy:
    """The policy on the scores of a reward model.

    Args:
        model: as it will be served.
        model_version: under which the policy names it.
        fitting: decisions that the contextual policy may learn from.
        validation: later decisions, on which the options are tried; the model's trees have not seen them.
    """
    options = [
        _Option(f"temperature {temperature:g}, floor {floor:g}", _softmax(model_version, temperature, floor))
        for temperature in dict.fromkeys((*TEMPERATURES, CAUTIOUS[0]))
        for floor in dict.fromkeys((*FLOORS, CAUTIOUS[1]))
    ]
    cautious = next(one for one in options if _is_cautious(one.policy))
    over_tips, why_not = _over_tips(fitting)
    tried_on = [*options, *([] if over_tips is None else [_Option("LinUCB over tips", over_tips)])]
    arm = ReadyArm("option", model, None, model_version, cautious.policy, None)
    tried, n = _tried(arm, tried_on, validation)
    sure = [one for one in tried if one.gain_low is not None and one.effective_n >= LEAST_WORTH * n]
    best = max(sure, key=lambda one: one.gain_low or 0.0, default=None)
    chosen = cautious if best is None else next(one for one in tried_on if one.name == best.name)
    if best is None:
        reason = f"The {n} decisions to try options on cannot tell; it is as cautious as the default policy."
    else:
        reason = f"Of {len(tried)} options its gain on {n} decisions is the surest: {best.gain_low:+.4f} at least."
    marked = [replace(one, is_chosen=one.name == chosen.name) for one in tried]
    if over_tips is None:
        nothing = float("nan")
        marked.append(Tried("LinUCB over tips", LinUcb.kind, nothing, None, None, nothing, None, None, 0.0, why_not))
    return TrainedPolicy(chosen.policy, state.dumps(chosen.policy).encode(), tuple(marked), n, reason)


def _softmax(model_version: str, temperature: float, floor: float) -> Softmax:
    return Softmax.over(["any tip"], PredictedRewards(model_version), temperature, floor=floor)


def _is_cautious(policy: Policy) -> bool:
    return isinstance(policy, Softmax) and (policy.temperature, policy.floor) == CAUTIOUS


def _over_tips(fitting: DecisionLog) -> tuple[LinUcb | None, str]:
    """A contextual policy that knows tips by their ids, or why there is none."""
    shown: list[str] = []
    rewards: list[Floats] = []
    known: list[Floats] = []
    for part in fitting.parts():
        shown += [ids[action] for ids, action in zip(part.tip_ids, part.actions.tolist(), strict=True)]
        rewards.append(part.rewards)
        known.append(contexts(part.vectors[part.starts]))
    names, place, counts = np.unique(np.array(shown, np.str_), return_inverse=True, return_counts=True)
    often = counts >= _FEWEST_SHOWN
    if not 2 <= often.sum() <= _MOST_TIPS or often[place].mean() < 0.5:  # noqa: PLR2004  half of what was shown
        share = float(often[place].mean()) if shown else 0.0
        return None, (
            f"{int(often.sum())} tips were shown {_FEWEST_SHOWN} times or more ({share:.0%} of decisions): "
            f"tips come and go, or are too many to know each by itself"
        )
    earned = np.concatenate(rewards)
    policy = LinUcb.over(
        [str(name) for name in names[often]], len(policy_context.NAMES), floor=min(_TIPS_FLOOR, 1.0 / int(often.sum())),
        newcomer=Prior(float(earned.mean()), 2.0),
    )  # fmt: skip
    rows = often[place]
    arms = [name for name, row in zip(shown, rows.tolist(), strict=True) if row]
    return policy.update(Feedback(arms, earned[rows], np.concatenate(known)[rows])), ""


def _tried(arm: ReadyArm, options: Sequence[_Option], validation: DecisionLog) -> tuple[list[Tried], int]:
    parts = list(_latest(validation))
    n = sum(part.n for part in parts)
    if not n:
        return [], 0
    scored = [scores(arm, part) for part in parts]
    _, whose = np.unique(np.concatenate([part.users for part in parts]), return_inverse=True)
    by_person = np.argsort(whose, kind="stable")
    width = max(part.propensities.shape[1] for part in parts)
    actions = np.concatenate([part.actions for part in parts])[by_person]
    probabilities = _stacked([part.propensities for part in parts], width)[by_person]
    log = LoggedRounds.of(
        rewards=np.concatenate([part.rewards for part in parts])[by_person], actions=actions,
        propensities=probabilities[np.arange(n), actions], probabilities=probabilities, clusters=whose[by_person],
        target=_stacked([target(DEFAULT_ARM, part) for part in parts], width)[by_person],
    )  # fmt: skip
    made = []
    for option in options:
        of_parts = [policy_target(option.policy, mine, part) for mine, part in zip(scored, parts, strict=True)]
        made.append(_judged(option, log, log.with_target(_stacked(of_parts, width)[by_person])))
    return made, n


def _judged(option: _Option, log: LoggedRounds, theirs: LoggedRounds) -> Tried:
    """What the log says of the option, and of its gain over the default."""
    (value,) = evaluate(theirs, [SNIPS()], inference=Normal(CONFIDENCE))
    gain = difference(log, theirs, SNIPS(), inference=Normal(CONFIDENCE))
    low, high = value.interval or (None, None)
    gain_low, gain_high = gain.interval or (None, None)
    return Tried(
        option.name, option.policy.kind, value.value, low, high, gain.value, gain_low, gain_high,
        value.diagnostics.effective_sample_size, " ".join(gain.refusals),
    )  # fmt: skip


def _latest(validation: DecisionLog) -> Iterator[Decisions]:
    """The last MOST_DECISIONS, to whole parts."""
    kept: list[Decisions] = []
    for part in validation.parts():
        kept.append(part)
        while sum(one.n for one in kept[1:]) >= MOST_DECISIONS:
            kept.pop(0)
    yield from kept


def _stacked(tables: Sequence[Floats], width: int) -> Floats:
    return np.concatenate([np.pad(table, ((0, 0), (0, width - table.shape[1]))) for table in tables])
