"""A world with known tastes, logged by the default policy: decisions, their reactions, and what everybody truly likes.

People like tips that name a task (in the morning of their day) and short ones; one language in three likes questions.
"""

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_serving.events import vectors as packing
from tip_serving.events.export import SCHEMAS
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.features import contract, vector
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.scoring import ranking
from tip_serving.scoring.arms import DEFAULT_ARM
from tip_serving.scoring.rule import rule_scores
from tip_serving.training import reward, training_set

Floats = NDArray[np.float64]
START = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
LATER = START + dt.timedelta(days=365)
"""When every window is over."""
_PLACE = {name: place for place, name in enumerate(vector.names())}
_N_SHARED = min(place for name, place in _PLACE.items() if name.startswith("tip_"))


@dataclass(frozen=True, eq=False)
class World:
    """n decisions among K tips each."""

    users: NDArray[np.int64]
    seconds: Floats
    """(n,) since START, growing."""
    vectors: Floats
    """(n, K, F)."""
    chances: Floats
    """(n, K) that each tip is taken."""
    scores: Floats
    """(n, K) of the rule."""
    propensities: Floats
    """(n, K) under the default policy."""
    actions: NDArray[np.int64]
    rewards: Floats
    """(n,) what came of the tip that was shown."""

    @property
    def n(self) -> int:
        """Decisions."""
        return self.users.size

    def at(self, row: int) -> dt.datetime:
        """When."""
        return START + dt.timedelta(seconds=float(self.seconds[row]))


def column(vectors: Floats, name: str) -> Floats:
    """One feature of all tips."""
    found: Floats = vectors[..., _PLACE[name]]
    return found


def world(
    seed: int, n: int = 3000, *, n_users: int = 80, n_tips: int = 4, n_days: float = 12.0, pull: float = 1.0
) -> World:
    """A logged world; with a pull of 0 nobody cares which tip it is."""
    rng = np.random.default_rng(seed)
    users = rng.integers(0, n_users, n)
    seconds = np.sort(rng.uniform(0, n_days * 86_400, n))
    vectors = _vectors(rng, users, seconds, n_tips)
    chances = _chances(rng, users, vectors, pull)
    scores = rule_scores(vectors.reshape(-1, vectors.shape[-1])).reshape(n, n_tips)
    propensities, actions = np.empty((n, n_tips)), np.empty(n, np.int64)
    ids = tuple(f"t{tip}" for tip in range(n_tips))
    for row in range(n):
        drawn = ranking.order(DEFAULT_ARM.policy, ids, scores[row].tolist(), None, f"d{seed}-{row}")
        propensities[row], actions[row] = drawn.propensities, drawn.positions[0]
    rewards = (rng.random(n) < chances[np.arange(n), actions]).astype(float)
    return World(users, seconds, vectors, chances, scores, propensities, actions, rewards)


def _vectors(rng: np.random.Generator, users: NDArray[np.int64], seconds: Floats, n_tips: int) -> Floats:
    n, columns = users.size, vector.COLUMNS
    rows = np.empty((n, n_tips, len(columns)))
    n_users = int(users.max()) + 1
    for place, declared in enumerate(columns):
        high = min(declared.high, 30.0)
        values = rng.integers(0, 2, (n, n_tips)) if high <= 1 else rng.integers(0, int(high) + 1, (n, n_tips))
        if declared.name.startswith("profile_"):  # of a person, so the same in all rows
            values = (
                rng.integers(0, int(high) + 1, n_users)[users][:, None]
                if high > 1
                else rng.random(n_users)[users][:, None]
            )
        elif place < _N_SHARED:
            values = values[:, :1]
        rows[:, :, place] = np.maximum(values, min(declared.low, 1.0) if declared.low > 0 else 0.0)
        if declared.may_be_nan:
            rows[:, :, place] = np.where(rng.random((n, 1)) < 0.2, np.nan, rows[:, :, place])
    rows[:, :, _PLACE["profile_language"]] = rng.integers(1, 4, n_users)[users][:, None]
    rows[:, :, _PLACE["profile_region"]] = rng.integers(3, 6, n_users)[users][:, None]
    rows[:, :, _PLACE["profile_account_age_days"]] = rng.integers(0, 900, n_users)[users][:, None]
    rows[:, :, _PLACE["profile_tips_7d"]] = rng.integers(0, 20, n_users)[users][:, None]
    rows[:, :, _PLACE["context_hour"]] = ((seconds / 3600) % 24).astype(int)[:, None]
    rows[:, :, _PLACE["tip_words"]] = rng.integers(3, 40, (n, n_tips))
    return rows


def _chances(rng: np.random.Generator, users: NDArray[np.int64], vectors: Floats, pull: float) -> Floats:
    names_task, words = column(vectors, "tip_names_task"), column(vectors, "tip_words")
    is_morning = column(vectors, "context_hour") < 12
    likes_questions = column(vectors, "profile_language") == 2
    wish = 1.6 * names_task * is_morning - 0.06 * (words - 20)
    wish += np.where(likes_questions, 1.8, -0.4) * column(vectors, "tip_is_question")
    mood = rng.normal(0.0, 0.4, int(users.max()) + 1)[users][:, None]
    chances: Floats = 1 / (1 + np.exp(-(pull * wish - 1.6 + mood)))
    return chances


def training_table(made: World, *, now: dt.datetime | None = None, rewards: Floats | None = None) -> pl.DataFrame:
    """The training set of the world, as it is known at `now`; at the end of all windows unless said otherwise."""
    shown = made.vectors[np.arange(made.n), made.actions]
    took = made.rewards if rewards is None else rewards
    at = [made.at(row) for row in range(made.n)]
    accepted = [moment + dt.timedelta(minutes=5) if good else None for moment, good in zip(at, took > 0, strict=True)]
    declared = training_set.schema()
    frame = pl.DataFrame(
        {
            "decision_id": [f"d{row}" for row in range(made.n)],
            "tip_id": [f"t{action}" for action in made.actions],
            "user": [f"person-{user}" for user in made.users],
            "at": at,
            "propensity": made.propensities[np.arange(made.n), made.actions],
            "score": made.scores[np.arange(made.n), made.actions],
            "n_candidates": [made.vectors.shape[1]] * made.n,
            "position": made.actions,
            "accepted_at": accepted,
            "contract_hash": [contract.contract_hash()] * made.n,
        },
        schema_overrides={"at": declared["at"], "accepted_at": declared["accepted_at"]},
    ).hstack(pl.from_numpy(shown, schema=list(vector.names())))
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in declared.items() if name not in frame.columns]
    frame = frame.with_columns(absent)
    is_settled = reward.is_settled(now or at[-1] + dt.timedelta(days=2))
    frame = frame.with_columns(reward.reward_of(), is_settled, reward.is_dismissed())
    return frame.select(list(declared)).cast(declared)  # type: ignore[arg-type]  # a schema is a mapping


def write(lake: Lake, made: World, *, now: dt.datetime | None = None) -> list[dt.date]:
    """The world's exposures, shown tips and training set in the lake; its days."""
    table = training_table(made, now=now)
    exposures = _exposures(made)
    shown = _shown(table, made)
    days = sorted(set(table["at"].dt.date()))
    for day in days:
        of_day = pl.col("at").dt.date() == day
        write_table(lake, layout.training_set(day.isoformat()), table.filter(of_day).sort(*training_set.ORDER))
        write_table(lake, layout.events(Kind.EXPOSURE, day.isoformat()), exposures.filter(of_day))
        write_table(lake, layout.events(TIP_SCORES, day.isoformat()), shown.filter(of_day))
    return days


def _exposures(made: World) -> pl.DataFrame:
    declared = SCHEMAS[Kind.EXPOSURE]
    n_tips = made.vectors.shape[1]
    rows = []
    for row in range(made.n):
        packed = packing.pack(np.ascontiguousarray(made.vectors[row]))
        order = [int(made.actions[row]), *(tip for tip in range(n_tips) if tip != made.actions[row])]
        fields = {
            "event_id": f"e{row}", "at": made.at(row), "user": f"person-{made.users[row]}", "decision_id": f"d{row}",
            "kind": "score", "arm": "default", "policy_version": DEFAULT_ARM.policy_version,
            "model_version": DEFAULT_ARM.model_version, "contract_hash": contract.contract_hash(),
            "tip_ids": [f"t{tip}" for tip in range(n_tips)], "propensities": made.propensities[row].tolist(),
            "scores": made.scores[row].tolist(), "order": order, "vector_hash": packing.digest(packed),
            "vectors": {"n_rows": packed.n_rows, "varying": list(packed.varying), "first_row": packed.first_row,
                        "other_rows": packed.other_rows},
            "retain_until": made.at(row) + dt.timedelta(days=180), "schema_version": 1,
        }  # fmt: skip
        rows.append([fields.get(name) for name in declared])
    return pl.DataFrame(rows, schema=declared, orient="row")


def _shown(table: pl.DataFrame, made: World) -> pl.DataFrame:
    declared = SCHEMAS[TIP_SCORES]
    frame = table.with_columns(kind=pl.lit("score"), rank=pl.lit(0), n_reactions=pl.col("reward").cast(pl.Int64))
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in declared.items() if name not in frame.columns]
    return frame.with_columns(absent).select(list(declared)).cast(declared)  # type: ignore[arg-type]  # as above
