"""The asset `prompt_policy`."""

from typing import Any

import dagster as dg

from tip_assets.bench.leaderboard import leaderboard
from tip_assets.events.assets import exposures, tip_scores
from tip_assets.models.asked import GROUP, Training, told_plainly
from tip_assets.models.registering import register
from tip_assets.models.showing import about, card_check, specs, version_metadata
from tip_assets.resources.archive import Archive
from tip_serving.training.candidate import PROMPT_POLICY
from tip_serving.training.steps import train_prompt_policy

_ALL = dg.AllPartitionMapping()


@dg.asset(
    deps=[
        dg.AssetDep(leaderboard, partition_mapping=_ALL),
        dg.AssetDep(exposures, partition_mapping=_ALL),
        dg.AssetDep(tip_scores, partition_mapping=_ALL),
    ],
    check_specs=specs(
        "prompt_policy", [("propensities_are_valid", "Its probabilities sum to 1 and no arm falls below the floor.")]
    ),
    group_name=GROUP,
    kinds={"mlflow"},
)
def prompt_policy(
    config: Training, archive: dg.ResourceParam[Archive], mlflow: dg.ResourceParam[Any]
) -> dg.MaterializeResult:
    """One policy over (model, prompt) arms: it starts from a leaderboard and learns from people.

    Excluded are cells that nobody scored, that cannot be the best any more, or whose prompt is not registered here.
    Without a leaderboard there is no prompt policy, and a candidate for release goes without one.
    """
    with told_plainly(mlflow):
        made = train_prompt_policy(archive.lake, config.request(archive))
        if made is None:
            return _without()
        registered = register(mlflow, archive.lake, made.trained, made.card)
    return dg.MaterializeResult(
        metadata=version_metadata(archive.lake, made.trained, made.card, registered),
        check_results=[
            dg.AssetCheckResult(
                check_name="propensities_are_valid",
                passed=not made.faults,
                metadata={"faults": made.faults, **about(made.trained.name, made.trained.version)},
            ),
            card_check(made.card),
        ],
    )


def _without() -> dg.MaterializeResult:
    told = "No leaderboard has a scored cell whose prompt is registered here: there is no prompt policy."
    names = ("propensities_are_valid", "card_is_complete")
    return dg.MaterializeResult(
        metadata={"told": told},
        check_results=[
            dg.AssetCheckResult(check_name=name, passed=True, metadata={"told": told, **about(PROMPT_POLICY, "none")})
            for name in names
        ],
    )
