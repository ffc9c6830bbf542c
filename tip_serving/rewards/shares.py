"""Whether the arms of each manifest hold as many people as its weights say. Where not, comparing them is void."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from tip_experiments.stats.sample_ratio import sample_ratio
from tip_serving.rewards import sentences
from tip_serving.rewards.tables import SAMPLE_RATIOS

UNKNOWN = "weights unknown"
Weights = Mapping[str, Mapping[str, float]]
"""By manifest version, the weight of each live arm."""


def sample_ratios(tally: pl.DataFrame, weights: Weights) -> pl.DataFrame:
    """One row per manifest version and arm, with the columns of SAMPLE_RATIOS.

    People count, not decisions: it is they who are dealt to arms. An arm of which the manifest knows nothing has the
    weight 0, so that a single person in it is a mismatch.

    Args:
        tally: of all days.
        weights: of the manifests that are known; of others nothing is judged.
    """
    counted = (
        tally.group_by("manifest_version", "arm")
        .agg(pl.col("person").n_unique().alias("n_users"), pl.col("day").min(), pl.col("day").max().alias("until"))
        .sort("day", "manifest_version", "arm")
    )
    rows: list[dict[str, Any]] = []
    for (version,), found in counted.group_by("manifest_version", maintain_order=True):
        rows += _of_manifest(str(version), found, weights.get(str(version)))
    return pl.DataFrame(rows, SAMPLE_RATIOS, orient="row")


def _of_manifest(version: str, found: pl.DataFrame, weights: Mapping[str, float] | None) -> list[dict[str, Any]]:
    seen = {str(arm): int(n) for arm, n in found.select("arm", "n_users").iter_rows()}
    about = {"manifest_version": version, "since": found["day"].min(), "until": found["until"].max()}
    if weights is None or not any(weights.values()):
        told: dict[str, Any] = {"verdict": UNKNOWN, "p_value": None, "sentence": sentences.unknown_weights(version)}
        return [about | told | {"arm": arm, "weight": None, "n_users": n} for arm, n in seen.items()]
    arms = list(dict.fromkeys([*weights, *seen]))
    judged = sample_ratio([seen.get(arm, 0) for arm in arms], [weights.get(arm, 0.0) for arm in arms])
    told = {
        "verdict": judged.verdict.value,
        "p_value": judged.p_value,
        "sentence": sentences.sample_ratio(version, judged.words, len(arms)),
    }
    return [about | told | {"arm": arm, "weight": weights.get(arm, 0.0), "n_users": seen.get(arm, 0)} for arm in arms]
