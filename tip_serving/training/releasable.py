"""The candidate for release: the latest of each registered name put together, tried, and kept with an example.

The example is a made-up request of nobody; with it lie the scores that the model gave when it was put together, so that
a server which computes others does not serve it.
"""

import datetime as dt
import hashlib

from tip_serving.features import contract
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.scenarios.model import Due, Task
from tip_serving.scoring import scorer
from tip_serving.scoring.arms import ReadyArm
from tip_serving.scoring.example import Example
from tip_serving.scoring.loading import load
from tip_serving.scoring.manifest import File, Manifest, Role
from tip_serving.scoring.request import Candidate as Tip
from tip_serving.scoring.request import ScoreRequest
from tip_serving.training.candidate import (
    PROMPT_POLICY,
    REWARD_MODEL,
    TIP_POLICY,
    Candidate,
    candidate_id,
    read_candidate,
    write_candidate,
)
from tip_serving.training.parts import TrainingError
from tip_serving.training.trained import Trained, read_trained

_MORNING = dt.datetime(2026, 3, 4, 8, 40, tzinfo=dt.timezone(dt.timedelta(hours=1)))

REQUEST = ScoreRequest(
    user="example",
    now=_MORNING,
    profile_features={
        "completion_rate": 0.7, "preferred_hour": 9, "tips_7d": 4, "tips_30d": 15, "acceptance_rate": 0.4,
        "dismissal_rate": 0.2, "streak_days": 3, "account_age_days": 120, "session_minutes": 6.5, "overdue_share": 0.25,
        "language": "en", "time_zone": "Europe/Berlin", "quiet_hours": "22-7", "favourite_labels": ["home"],
    },
    tasks=(
        Task(id="1", content="Renew the passport", due=Due(date=dt.date(2026, 3, 2)), priority=4),
        Task(id="2", content="Sort the photos of last summer", labels=("home",)),
        Task(id="3", content="Prepare the talk", due=Due(date=dt.date(2026, 3, 4), time=dt.time(15, 0)), priority=3),
    ),
    candidates=(
        "Renew the passport first: fifteen minutes now and it is off your mind.",
        "Shall the photos wait until Sunday?",
        "Take a short walk before you start.",
        Tip(id="known-by-its-id-alone"),
    ),
)  # fmt: skip
"""Asks for every kind of feature, known and unknown ones."""


def put_together(lake: Lake, now: dt.datetime) -> Candidate:
    """The candidate of what was trained last, kept in the lake; of the same parts the one that is there.

    Raises:
        TrainingError: there is no reward model, or the tip policy was made for another one.
        ReleaseError: it does not load, or fails on its example.
    """
    model, policy, prompts = (read_trained(lake, name) for name in (REWARD_MODEL, TIP_POLICY, PROMPT_POLICY))
    faults = _faults(model, policy)
    if faults or model is None or policy is None:
        raise TrainingError("A candidate for release", faults)
    name = candidate_id(model.model, policy.policy, None if prompts is None else prompts.policy)
    parts = [part for part in (model, policy, prompts) if part is not None]
    candidate = Candidate(
        candidate_id=name,
        created_at=now,
        model=model.model,
        policy=policy.policy,
        prompt_policy=None if prompts is None else prompts.policy,
        example=None,
        cards={part.name: part.version for part in parts},
        contract_hash=contract.contract_hash(),
        data=model.data,
        untouched_since=model.untouched_since,
        registered={part.name: part.registered for part in parts if part.registered is not None},
    )
    if lake.exists(layout.release_candidate(name)):
        return read_candidate(lake, name)
    arm = _tried(lake, candidate)
    return write_candidate(lake, candidate.model_copy(update={"example": _example(lake, name, arm)}))


def _faults(model: Trained | None, policy: Trained | None) -> list[str]:
    faults = [] if model is not None else ["no reward model is trained; materialize reward_model first"]
    if policy is None:
        faults.append("no tip policy is trained; materialize tip_policy first")
    if model is not None and (model.data is None or model.untouched_since is None):
        faults.append(f"reward model {model.version} does not say what it was made from")
    if model is not None and policy is not None and policy.untouched_since != model.untouched_since:
        faults.append(f"tip policy {policy.version} was made for another reward model than {model.version}")
    return faults


def _tried(lake: Lake, candidate: Candidate) -> ReadyArm:
    """The arm, loaded as a server loads it."""
    arm = candidate.arm(Role.CHAMPION, 1.0)
    trial = Manifest(version=candidate.candidate_id, created_at=candidate.created_at, arms=(arm,), example=None)
    return load(lake, trial, {}).live[0]


def _example(lake: Lake, name: str, arm: ReadyArm) -> File:
    asked = Example(request=REQUEST, scores={}).question()
    scores = tuple(scorer.score(arm, asked, "example").scores)
    data = Example(request=REQUEST, scores={name: scores}).model_dump_json().encode()
    path = layout.released_example(name)
    lake.write(path, data)
    return File(path=path, sha256=hashlib.sha256(data).hexdigest())
