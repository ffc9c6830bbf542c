"""The checks of the days of events: fresh, as many as usual, each once, and fitting together."""

import datetime as dt

import polars as pl

from tip_experiments.stats.volume import usual_volume
from tip_serving.events import export, vectors
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.events.vectors import PackedVectors
from tip_serving.training.profiles import end_of
from tip_serving.training.quality.check import Check, Day, Outcome, Severity, listed, share

_TOLERANCE = 1e-6  # of a sum of propensities
_REQUIRED = {
    Kind.SIGNAL: ("event_id", "at", "user", "type", "utc_offset_min"),
    Kind.EXPOSURE: ("event_id", "at", "user", "decision_id", "kind", "arm", "contract_hash", "tip_ids", "propensities"),
    Kind.FEEDBACK: ("event_id", "at", "user", "decision_id", "tip_id", "reaction"),
    TIP_SCORES: ("decision_id", "tip_id", "user", "at", "kind", "arm", "rank", "propensity", "n_reactions"),
}
_KEYS = {TIP_SCORES: ("decision_id", "tip_id", "user")}


def fresh(day: Day) -> Outcome:
    """No silence at the end of the day, or of what has passed of it."""
    until = min(day.now, end_of(day.day))
    last = day.frame["at"].max()
    silence = until - last if isinstance(last, dt.datetime) else until - end_of(day.day) + dt.timedelta(days=1)
    words = f"the last is {silence} before {'the end of the day' if day.is_over else 'now'}"
    return Outcome(silence <= day.limits.silence, words, {"silence_h": round(silence / dt.timedelta(hours=1), 2)})


def usual(day: Day) -> Outcome:
    """About as many rows as on the days before."""
    n_rows = day.frame.height
    known = [found for kind, found in day.held if kind == day.kind]
    span = min(day.limits.trailing_days, (day.day - min(known, default=day.day)).days)
    before = [day.held.get((day.kind, day.day - dt.timedelta(days=back))) for back in range(1, span + 1)]
    found = usual_volume([held.n_rows if held else 0 for held in before], day.limits.level)
    numbers: dict[str, int | float | str] = {"rows": n_rows, "days_before": span}
    if found is None or not day.is_over:
        why = "the day is not over" if found is not None else f"{span} days before it say nothing"
        return Outcome(passed=True, words=f"{n_rows} rows; {why}", numbers=numbers)
    numbers |= {"expected": round(found.expected, 1), "low": round(found.low, 1), "high": round(found.high, 1)}
    words = f"{n_rows} rows, usual are {found.low:.0f} to {found.high:.0f}"
    return Outcome(found.is_usual(n_rows), words, numbers)


def sound(day: Day) -> Outcome:
    """Each row once, and nothing null that must be there."""
    frame, kind = day.frame, day.kind
    key = list(_KEYS.get(kind, ("event_id",)))
    n_twice = frame.height - frame.select(key).n_unique() if frame.height else 0
    nulls = {name: frame[name].null_count() for name in _REQUIRED[kind] if frame[name].null_count()}
    outside = int((frame["at"].dt.date() != day.day).sum())
    faults = [f"{n_twice} rows stand there twice"] * bool(n_twice)
    faults += [f"{name} is null in {n} rows" for name, n in nulls.items()]
    faults += [f"{outside} rows are of another day"] * bool(outside)
    numbers: dict[str, int | float | str] = {"rows": frame.height, "twice": n_twice, "of_another_day": outside}
    return Outcome(not faults, "; ".join(faults) or f"{frame.height} rows", numbers | nulls)


def decided_soundly(day: Day) -> Outcome:
    """Propensities that sum to 1, and vectors that are those that were hashed.

    Of a tip that was written the propensity is that of the drawn prompt alone, so there it is only above 0.
    """
    rows = day.frame
    propensities = pl.col("propensities").list
    is_off = (
        ((propensities.sum() - 1).abs() > _TOLERANCE) & (pl.col("kind") == "score")
        | ~propensities.sum().is_between(0, 1 + _TOLERANCE, closed="right")
        | (propensities.min() < 0)
        | (propensities.len() != pl.col("tip_ids").list.len())
    )
    improbable = rows.filter(is_off)["decision_id"].to_list()
    with_vectors = rows.filter(
        pl.col("vectors").struct.field("n_rows").is_not_null() & pl.col("vector_hash").is_not_null()
    )
    altered = [
        decision_id
        for decision_id, found, hashed in with_vectors.select("decision_id", "vectors", "vector_hash").iter_rows()
        if vectors.digest(PackedVectors(**{**found, "varying": tuple(found["varying"])})) != hashed
    ]
    faults = [f"{len(improbable)} decisions have no proper propensities: {listed(improbable)}"] * bool(improbable)
    faults += [f"{len(altered)} decisions have other vectors than were hashed: {listed(altered)}"] * bool(altered)
    numbers = {"decisions": rows.height, "improper_propensities": len(improbable), "altered_vectors": len(altered)}
    return Outcome(not faults, "; ".join(faults) or f"{rows.height} decisions", dict(numbers))


def served_well(day: Day) -> Outcome:
    """Few decisions whose arm failed."""
    n_failed = int(day.frame["error"].is_not_null().sum())
    latency = day.frame["latency_ms"].drop_nulls()
    failed = share(n_failed, day.frame.height)
    numbers: dict[str, int | float | str] = {"failed": n_failed, "failed_share": round(failed, 5)}
    for name, quantile in (("latency_p50_ms", 0.5), ("latency_p99_ms", 0.99)):
        value = latency.quantile(quantile)
        numbers |= {} if value is None else {name: round(value, 2)}
    kinds = day.frame["error"].drop_nulls().value_counts(sort=True)
    words = f"the arm failed in {failed:.2%}" + (f": {listed(kinds['error'].to_list())}" if n_failed else "")
    return Outcome(failed <= day.limits.failed, words, numbers)


def matched(day: Day) -> Outcome:
    """Feedback that speaks of decisions that were logged, for the person who had them."""
    first = day.day - day.limits.matched_within
    days = [first + dt.timedelta(days=n) for n in range((day.day - first).days + 2)]
    columns = ["decision_id", "user", "tip_ids"]
    logged = pl.concat([export.read_day(day.lake, Kind.EXPOSURE, one, columns) for one in days])
    shown = logged.explode("tip_ids").rename({"tip_ids": "tip_id"}).unique()
    unmatched = day.frame.join(shown, on=["decision_id", "user", "tip_id"], how="anti")
    found = share(unmatched.height, day.frame.height)
    decisions = unmatched["decision_id"].unique(maintain_order=True).to_list()
    numbers: dict[str, int | float | str] = {"unmatched": unmatched.height, "unmatched_share": round(found, 5)}
    words = f"{found:.1%} of feedback names no decision of the last {day.limits.matched_within.days} days"
    return Outcome(found <= day.limits.unmatched, words + (f": {listed(decisions)}" if decisions else ""), numbers)


def said_once(day: Day) -> Outcome:
    """Few reports that say again what was said, under another id; ratings may be changed."""
    reports = day.frame.filter(pl.col("reaction") != "rated")
    n_repeated = reports.height - reports.select("decision_id", "user", "tip_id", "reaction").n_unique()
    found = share(n_repeated, reports.height)
    numbers: dict[str, int | float | str] = {"repeated": n_repeated, "repeated_share": round(found, 5)}
    return Outcome(found <= day.limits.repeated, f"{found:.1%} of reports repeat another one", numbers)


def complete(day: Day) -> Outcome:
    """Every decision that came first under its id has the tip that came first."""
    logged = export.read_day(day.lake, Kind.EXPOSURE, day.day, ["decision_id", "user", "tip_ids"])
    before = export.read_day(day.lake, Kind.EXPOSURE, day.day - dt.timedelta(days=1), ["decision_id", "user"])
    key = ["decision_id", "user"]
    asked = logged.filter(pl.col("tip_ids").list.len() > 0).select(key).unique().join(before, on=key, how="anti")
    missing = asked.join(day.frame.filter(pl.col("rank") == 0), on=key, how="anti").sort(key)["decision_id"].to_list()
    words = f"{len(missing)} of {asked.height} decisions show no tip"
    numbers: dict[str, int | float | str] = {"decisions": asked.height, "missing": len(missing)}
    return Outcome(not missing, words + (f": {listed(missing)}" if missing else ""), numbers)


def _common(kind: str, rows: str) -> tuple[Check, ...]:
    return (
        Check(f"{kind}_fresh", f"The day does not end in a silence of {rows}.", Severity.WARN, fresh),
        Check(f"{kind}_volume", f"About as many {rows} as on the four weeks before.", Severity.WARN, usual),
        Check(f"{kind}_sound", "Each row once, of this day, and nothing null that must be there.",
              Severity.ERROR, sound),
    )  # fmt: skip


CHECKS: dict[str, tuple[Check, ...]] = {
    Kind.SIGNAL: _common(Kind.SIGNAL, "signals"),
    Kind.EXPOSURE: (
        *_common(Kind.EXPOSURE, "decisions"),
        Check("exposures_proper", "Propensities sum to 1, and vectors are those that were hashed.",
              Severity.ERROR, decided_soundly),
        Check("exposures_served", "Hardly any decision had to do without its arm.", Severity.WARN, served_well),
    ),
    Kind.FEEDBACK: (
        *_common(Kind.FEEDBACK, "reactions"),
        Check("feedback_matched", "Feedback speaks of decisions that were logged.", Severity.WARN, matched),
        Check("feedback_once", "Hardly any report says again what was said.", Severity.WARN, said_once),
    ),
    TIP_SCORES: (
        Check("tip_scores_sound", "Each tip of a decision once, and nothing null that must be there.",
              Severity.ERROR, sound),
        Check("tip_scores_complete", "Every decision has the tip that came first.", Severity.ERROR, complete),
    ),
}  # fmt: skip
"""By kind, in the order in which they are made."""
