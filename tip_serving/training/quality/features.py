"""The checks of snapshots and training sets: whole, sound, distributed as before, without knowledge of the future."""

import datetime as dt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_experiments.stats.shift import shift
from tip_serving.events import export
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.features.contract import contract_hash
from tip_serving.features.profile import PROFILE_FEATURES
from tip_serving.features.vector import COLUMNS, names
from tip_serving.training import history, profiles, training_set
from tip_serving.training.profiles import FEATURES
from tip_serving.training.quality.check import Check, Day, Number, Outcome, Severity, listed, share
from tip_serving.training.reward import WINDOW
from tip_serving.training.time_travel import travel

PROFILE, TRAINING = "profile_features", "training_set"
CALENDAR = frozenset({"context_weekday", "context_is_weekend"})
_MAY_BE_NAN = frozenset(column.name for column in COLUMNS if column.may_be_nan)
_COMMON_VALUES = 9  # of a text, each with a bin of its own


def whole(day: Day) -> Outcome:
    """One row per person, computed at the end of the day under the contract in force."""
    frame = day.frame
    n_twice = frame.height - frame["user"].n_unique()
    n_elsewhere = int((frame["computed_at"] != profiles.end_of(day.day)).sum())
    n_other = int((frame["contract_hash"] != contract_hash()).sum())
    events = pl.concat([export.read_day(day.lake, kind, day.day, ["at", "user", "retain_until"]) for kind in Kind])
    active = events.filter(history.counts(profiles.end_of(day.day)))["user"].unique()
    n_missing = len(active) - int(active.is_in(frame["user"].implode()).sum())
    counts = {"people": frame.height, "twice": n_twice, "of_another_moment": n_elsewhere,
              "of_another_contract": n_other, "active_and_missing": n_missing}  # fmt: skip
    faults = [f"{n} {name.replace('_', ' ')}" for name, n in list(counts.items())[1:] if n]
    return Outcome(not faults, "; ".join(faults) or f"{frame.height} people", dict(counts))


def known(day: Day) -> Outcome:
    """No feature is suddenly unknown of many more people than in the snapshot before."""
    before = profiles.read_snapshot(day.lake, day.day - dt.timedelta(days=1))
    numbers: dict[str, Number] = {}
    grown = []
    for name in FEATURES:
        unknown = share(day.frame[name].null_count(), day.frame.height)
        numbers[f"{name}_null_share"] = round(unknown, 4)
        had = share(before[name].null_count(), before.height)
        if min(before.height, day.frame.height) >= day.limits.min_people and unknown - had > day.limits.more_null:
            grown.append(f"{name} ({had:.0%} to {unknown:.0%})")
    words = f"unknown of many more people: {listed(grown)}" if grown else f"{day.frame.height} people"
    return Outcome(not grown, words, numbers)


def profiles_as_before(day: Day) -> Outcome:
    """Each feature is distributed over people as it was a week before."""
    before = profiles.read_snapshot(day.lake, day.day - dt.timedelta(days=day.limits.reference_days))
    coded = [_coded(feature.name, before, day.frame) for feature in PROFILE_FEATURES]
    samples = {feature.name: found for feature, found in zip(PROFILE_FEATURES, coded, strict=True)}
    return _stable(day, samples)


def trained_as_before(day: Day) -> Outcome:
    """Each column is distributed over people as in the week before; so are the rewards whose windows are over.

    What the calendar alone decides is no shift: one day has another weekday than the week before it.
    """
    days = [day.day - dt.timedelta(days=back) for back in range(1, day.limits.reference_days + 1)]
    before = training_set.read(day.lake, days).unique("user", keep="last", maintain_order=True)
    today = day.frame.unique("user", keep="last", maintain_order=True)
    samples = {name: (before[name].to_numpy(), today[name].to_numpy()) for name in names() if name not in CALENDAR}
    is_over = pl.col("at") + WINDOW < day.now  # of younger ones only the successes are settled
    over = [frame.filter(is_over)["reward"].to_numpy() for frame in (before, today)]
    return _stable(day, samples | {"reward": (over[0], over[1])})


def _stable(day: Day, samples: dict[str, tuple[NDArray[np.float64], NDArray[np.float64]]]) -> Outcome:
    """Whether no number has shifted; samples are the reference and this day's, one row per person."""
    numbers: dict[str, Number] = {}
    shifted = []
    for name, (reference, current) in samples.items():
        if min(reference.size, current.size) < day.limits.min_people:
            continue
        found = shift(reference, current, day.limits.level)
        numbers[f"{name}_psi"] = round(found.psi, 4)
        if found.is_beyond(day.limits.psi):
            shifted.append((found.psi, f"{name} ({found.psi:.2f}, by chance up to {found.noise:.2f})"))
    if not numbers:
        return Outcome(passed=True, words="too few people to compare", numbers={})
    told = [words for _, words in sorted(shifted, reverse=True)]
    return Outcome(not shifted, f"shifted: {listed(told)}" if told else f"{len(numbers)} numbers are stable", numbers)


def _coded(
    name: str, before: pl.DataFrame, after: pl.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """A feature of both snapshots as numbers: a text by how common it was, a list by its length, NaN for null."""
    dtype = before.schema[name]
    if dtype == pl.String:
        common = before[name].drop_nulls().value_counts(sort=True)[name].head(_COMMON_VALUES).to_list()
        codes = {value: float(place) for place, value in enumerate(common)}
        expression = pl.col(name).replace_strict(codes, default=float(len(codes)), return_dtype=pl.Float64)
        expression = pl.when(pl.col(name).is_not_null()).then(expression)
    else:
        expression = (pl.col(name).list.len() if dtype == pl.List else pl.col(name)).cast(pl.Float64)
    first, second = (frame.select(expression.fill_null(float("nan")).alias("x"))["x"] for frame in (before, after))
    return first.to_numpy(), second.to_numpy()


def trained_soundly(day: Day) -> Outcome:
    """Proper propensities and rewards, every number that must be there, each decision once."""
    frame = day.frame
    n_improper = int((~frame["propensity"].is_between(0, 1, closed="right").fill_null(value=False)).sum())
    n_odd = int((~frame["reward"].is_in([0.0, 1.0])).sum())
    n_twice = frame.height - frame.select("decision_id", "user").n_unique() if frame.height else 0
    missing = [name for name in names() if name not in _MAY_BE_NAN and frame[name].is_nan().any()]
    infinite = [name for name in names() if frame[name].is_infinite().any()]
    faults = [f"{n_improper} propensities outside (0, 1]"] * bool(n_improper)
    faults += [f"{n_odd} rewards other than 0 and 1"] * bool(n_odd) + [f"{n_twice} rows twice"] * bool(n_twice)
    faults += [f"missing: {listed(missing)}"] * bool(missing) + [f"infinite: {listed(infinite)}"] * bool(infinite)
    settled = frame.filter(pl.col("is_settled"))
    numbers: dict[str, Number] = {"decisions": frame.height, "people": frame["user"].n_unique(),
                                  "settled": settled.height, "improper_propensities": n_improper,
                                  "odd_rewards": n_odd, "twice": n_twice}  # fmt: skip
    if settled.height:
        numbers["reward_rate"] = round(share(int(settled["reward"].sum()), settled.height), 5)
    return Outcome(not faults, "; ".join(faults) or f"{frame.height} decisions", numbers)


def covered(day: Day) -> Outcome:
    """Most decisions of the day can be trained on."""
    shown = export.read_day(day.lake, TIP_SCORES, day.day, ["rank", "kind"])
    n_decisions = shown.filter((pl.col("rank") == 0) & (pl.col("kind") == "score")).height
    left_out = 1 - share(day.frame.height, n_decisions) if n_decisions else 0.0
    numbers: dict[str, Number] = {"decisions": n_decisions, "left_out_share": round(left_out, 5)}
    words = f"{left_out:.1%} of {n_decisions} decisions have another contract or no usable vectors"
    return Outcome(left_out <= day.limits.left_out, words, numbers)


def seldom_fallen_back(day: Day) -> Outcome:
    """No feature has its fallback in most decisions."""
    logged = export.read_day(day.lake, Kind.EXPOSURE, day.day, ["kind", "contract_hash", "fell_back"])
    ours = logged.filter((pl.col("kind") == "score") & (pl.col("contract_hash") == contract_hash()))
    fallen = ours.explode("fell_back").drop_nulls("fell_back").select(pl.col("fell_back").struct.field("feature"))
    counts = dict(fallen.group_by("feature").len().sort("feature").iter_rows())
    shares = {name: share(n, ours.height) for name, n in counts.items()}
    numbers: dict[str, Number] = {"decisions": ours.height}
    numbers |= {f"{name}_fell_back_share": round(found, 4) for name, found in shares.items()}
    often = [f"{name} ({found:.0%})" for name, found in shares.items() if found > day.limits.fell_back]
    words = f"mostly a fallback: {listed(often)}" if often else f"{ours.height} decisions"
    return Outcome(not often, words, numbers)


def without_leaks(day: Day) -> Outcome:
    """Features follow from what had happened before the decision, bit for bit."""
    found = travel(day.lake, day.day, day.now)
    numbers: dict[str, Number] = {
        "decisions": found.n_decisions, "recomputed": found.n_from_store, "shipped": found.n_shipped,
        "changed_by_late_events": found.n_late, "forgotten": found.n_forgotten, "leaks": len(found.leaks),
    }  # fmt: skip
    numbers |= {f"leak_{place}": str(leak) for place, leak in enumerate(found.leaks[:10], 1)}
    words = "; ".join(map(str, found.leaks[:3])) or f"{found.n_from_store} profiles computed again are the same bits"
    return Outcome(not found.leaks, words, numbers)


CHECKS: dict[str, tuple[Check, ...]] = {
    PROFILE: (
        Check("profile_features_whole", "One row per person, at the end of the day, under the contract in force.",
              Severity.ERROR, whole),
        Check("profile_features_known", "No feature is suddenly unknown of many more people.", Severity.WARN, known),
        Check("profile_features_drift", "Each feature is distributed as it was a week before.",
              Severity.WARN, profiles_as_before),
    ),
    TRAINING: (
        Check("training_set_sound", "Proper propensities, rewards and features; each decision once.",
              Severity.ERROR, trained_soundly),
        Check("training_set_without_leaks", "Features follow from what had happened before the decision, bit for bit.",
              Severity.ERROR, without_leaks),
        Check("training_set_covers", "Most decisions can be trained on.", Severity.WARN, covered),
        Check("training_set_fallbacks", "No feature has its fallback in most decisions.",
              Severity.WARN, seldom_fallen_back),
        Check("training_set_drift", "Each column and the reward are distributed as in the week before.",
              Severity.WARN, trained_as_before),
    ),
}  # fmt: skip
"""By asset, in the order in which they are made."""
