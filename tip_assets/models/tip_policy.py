"""The asset `tip_policy`."""

from typing import Any

import dagster as dg

from tip_assets.events.assets import exposures, tip_scores
from tip_assets.models.asked import GROUP, Training, told_plainly
from tip_assets.models.registering import register
from tip_assets.models.reward_model import reward_model
from tip_assets.models.showing import about, card_check, specs, version_metadata
from tip_assets.resources.archive import Archive
from tip_serving.training.steps import train_tip_policy

_ALL = dg.AllPartitionMapping()


@dg.asset(
    deps=[
        reward_model,
        dg.AssetDep(exposures, partition_mapping=_ALL),
        dg.AssetDep(tip_scores, partition_mapping=_ALL),
    ],
    check_specs=specs(
        "tip_policy", [("propensities_are_valid", "On logged decisions its probabilities sum to 1 and keep the floor.")]
    ),
    group_name=GROUP,
    kinds={"mlflow"},
)
def tip_policy(
    config: Training, archive: dg.ResourceParam[Archive], mlflow: dg.ResourceParam[Any]
) -> dg.MaterializeResult:
    """One policy that draws the tip that comes first by the reward model's scores.

    Its boldness is chosen off-policy among declared options, on decisions that the model's trees have not seen; what it
    is worth is told by later ones, which nothing rests on.
    """
    with told_plainly(mlflow):
        made = train_tip_policy(archive.lake, config.request(archive))
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
