"""What the numbers of this room come to, in sentences that stand by themselves.

Rates are told as rewarded tips of a hundred. Names are isolated, so that a right-to-left name turns nothing around it.
"""

from collections.abc import Mapping
from typing import Any

from tip_experiments.stats.noisy_correlation import Association
from tip_serving.bench.page.words import counted, interval, isolated, number, percent

_HUNDRED = 100.0


def comparison(row: Mapping[str, Any], n_fewer: int, fewest: int) -> str:
    """One key against its reference, from the other columns of COMPARISONS.

    Args:
        row: with its numbers.
        n_fewer: people of the side that fewer have seen.
        fewest: people of either side below which nothing is told.
    """
    key, reference = named(row["key"]), named(row["reference"])
    people = counted(row["n_users"], "person", "people")
    rates = f"{of_hundred(row['rate'])} of 100 tips are rewarded against {of_hundred(row['reference_rate'])}"
    if row["difference_low"] is None:
        few = f"one of them was seen by {counted(n_fewer, 'person', 'people')} on shared days and {fewest} are needed"
        why = few if n_fewer < fewest else "their rewards do not vary"
        return f"Too early to tell {key} from {reference}: {why}. So far {rates}."
    by = interval(_HUNDRED * row["difference_low"], _HUNDRED * row["difference_high"], 1)
    more = f"{number(_HUNDRED * abs(row['difference']), 1)} {'more' if row['difference'] > 0 else 'fewer'}"
    told = f"{rates} on the same days, {more} ({by}), by {people}"
    looks = "" if row["n_comparisons"] == 1 else f" and for all {row['n_comparisons']} comparisons together"
    if row["difference_low"] > 0:
        return f"{key} does better than {reference}: {told}. This holds however often one looks{looks}."
    if row["difference_high"] < 0:
        return f"{key} does worse than {reference}: {told}. This holds however often one looks{looks}."
    return f"{key} may be as good as {reference}: {told}."


def sample_ratio(version: str, words: str, n_arms: int) -> str:
    """Of one manifest version."""
    if n_arms == 1:
        return f"Manifest {isolated(version)} has one arm; there is no share to check."
    return f"Manifest {isolated(version)}: {words[:1].lower()}{words[1:]}."


def unknown_weights(version: str) -> str:
    """Of a manifest version that nobody knows any more."""
    return f"Manifest {isolated(version)}: its weights are not known here, so shares cannot be checked."


def judge(name: str, found: Association, n_left_out: int) -> tuple[str, str]:
    """Whether a judge's scores predict people, as a word or two and as a paragraph.

    Args:
        name: the judge.
        found: scores as x, reward rates as y, over cells.
        n_left_out: cells that the judge scored and that take no part.
    """
    who = isolated(name)
    left = f" {counted(n_left_out, 'cell')} cannot take part yet." if n_left_out else ""
    cells = counted(found.n, "cell")
    corrected, ranks, slope = found.without_noise, found.by_rank, found.slope
    if corrected is None or ranks is None or slope is None or corrected.low is None or corrected.high is None:
        why = f"{cells} so far" if found.reason is None or found.reason.startswith("too few") else found.reason
        sign = (
            "" if ranks is None else f" What there is goes together at {number(ranks.value)} by rank, without weight."
        )
        return "too few cells", f"Nobody can say yet whether {who} predicts people: {why}.{sign}{left}"
    noise = (
        f"Measured, they go together at {number(ranks.value)} by rank ({interval(ranks.low, ranks.high)}). Of what"
        f" differs between cells {percent(found.reliability_x)} of the scores' spread and"
        f" {percent(found.reliability_y)} of the rewards' is no noise; without the noise it would be"
        f" {number(corrected.value)} ({interval(corrected.low, corrected.high)})."
    )
    if corrected.low > 0:
        rise = f"{of_hundred(slope.value)} ({of_hundred(slope.low)} to {of_hundred(slope.high)})"
        say = f"{who} predicts people: over {cells}, tips that score higher are rewarded more often."
        return "predicts people", f"{say} {noise} A point more goes with {rise} more of 100 tips rewarded.{left}"
    if corrected.high < 0:
        say = f"{who} is turned around: over {cells}, tips that score higher are rewarded less often."
        return "turned around", f"{say} {noise}{left}"
    return "not shown", f"That {who} predicts people is not shown: {cells} leave both open. {noise}{left}"


def named(key: str) -> str:
    """A key inside a sentence; a cell as its model with its prompt."""
    model, bar, prompt = key.rpartition("|")
    return f"{isolated(model)} with {isolated(prompt)}" if bar else isolated(key)


def of_hundred(rate: float | None) -> str:
    """A rate as so many of a hundred."""
    return number(None if rate is None else _HUNDRED * rate, 1)
