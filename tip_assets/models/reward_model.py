"""The asset `reward_model`."""

from typing import Any

import dagster as dg

from tip_assets.features.training_set import training_set
from tip_assets.models.asked import GROUP, Training, told_plainly
from tip_assets.models.registering import register
from tip_assets.models.showing import about, card_check, specs, version_metadata
from tip_assets.resources.archive import Archive
from tip_serving.training.baselines import MUST_BEAT
from tip_serving.training.cards.card import Card
from tip_serving.training.measuring import ECE, TOLERATED_ERROR, metric_of, saved_against
from tip_serving.training.steps import train_reward_model


@dg.asset(
    deps=[dg.AssetDep(training_set, partition_mapping=dg.AllPartitionMapping())],
    check_specs=specs(
        "reward_model",
        [
            ("beats_the_baselines", "On later decisions it predicts better than the base rate and the default rule."),
            ("is_calibrated", "Predicted rewards are what they say, but for what chance explains."),
        ],
    ),
    group_name=GROUP,
    kinds={"lightgbm", "mlflow"},
)
def reward_model(
    config: Training, archive: dg.ResourceParam[Archive], mlflow: dg.ResourceParam[Any]
) -> dg.MaterializeResult:
    """One reward model: LightGBM on mature decisions of the asked days, calibrated, measured on the latest of them.

    Excluded are rewards that are not settled, decisions of another feature contract, and those between two parts whose
    outcome was not known when the later part began. The same rows and seed are the same version, registered once.
    """
    with told_plainly(mlflow):
        trained, card = train_reward_model(archive.lake, config.request(archive))
        registered = register(mlflow, archive.lake, trained, card)
    saved = {name: _least(card, saved_against(name)) for name in MUST_BEAT}
    error = _least(card, ECE)
    return dg.MaterializeResult(
        metadata=version_metadata(archive.lake, trained, card, registered),
        check_results=[
            dg.AssetCheckResult(
                check_name="beats_the_baselines",
                passed=all(low is not None and low > 0.0 for low in saved.values()),
                metadata={
                    **{f"log_loss_saved_at_least_{name.replace(' ', '_')}": low for name, low in saved.items()},
                    **about(trained.name, trained.version),
                },
            ),
            dg.AssetCheckResult(
                check_name="is_calibrated",
                passed=error is not None and error <= TOLERATED_ERROR,
                metadata={
                    "calibration_error_at_least": error,
                    "tolerated": TOLERATED_ERROR,
                    **about(trained.name, trained.version),
                },
            ),
            card_check(card),
        ],
    )


def _least(card: Card, metric: str) -> float | None:
    """The lower bound of a metric of the version."""
    found = metric_of(card.metrics, metric, card.version)
    return None if found is None else found.low
