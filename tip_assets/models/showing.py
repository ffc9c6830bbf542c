"""What a trained version shows of itself in Dagster: its card, its numbers, and where it stands in MLflow."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from tip_assets.models.registering import Registered
from tip_serving import settings
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.training.cards.card import Card, is_complete
from tip_serving.training.cards.page import markdown
from tip_serving.training.trained import Trained

ABOUT_NAME, ABOUT_VERSION = "about_name", "about_version"
_LOWEST_KNOWN = ("", "_low", "_high")


def version_metadata(lake: Lake, trained: Trained, card: Card, registered: Registered) -> dict[str, Any]:
    """The metadata of one version; the card as Markdown and as the path of its page."""
    own = [metric for metric in card.metrics if metric.of == card.version]
    numbers = {
        f"{metric.name.replace(' ', '_')}{end}": value
        for metric in own
        for end, value in zip(_LOWEST_KNOWN, (metric.value, metric.low, metric.high), strict=True)
        if value is not None
    }
    ui = settings.load().mlflow_ui.rstrip("/")
    return {
        "version": trained.version,
        "registered_as": f"{trained.name} version {registered.version}" + ("" if registered.is_new else " (as before)"),
        **({"dagster/row_count": trained.data.n_rows} if trained.data else {}),
        **numbers,
        "card": dg.MetadataValue.md(markdown(card)),
        "card_page": dg.MetadataValue.path(lake.locate(layout.card(card.name, card.version, "html"))),
        "mlflow_version": dg.MetadataValue.url(f"{ui}/#/models/{trained.name}/versions/{registered.version}"),
    }


def card_check(card: Card) -> dg.AssetCheckResult:
    """Whether the card holds all that a release asks for."""
    missing = is_complete(card)
    return dg.AssetCheckResult(
        check_name="card_is_complete",
        passed=not missing,
        metadata={"missing": missing, **about(card.name, card.version)},
    )


def about(name: str, version: str) -> dict[str, str]:
    """Which version a check speaks of: a release looks for the results of what is proposed, not for the latest.

    Args:
        name: under which it is registered.
        version: of it.
    """
    return {ABOUT_NAME: name, ABOUT_VERSION: version}


def specs(asset: str, checks: Iterable[tuple[str, str]]) -> list[dg.AssetCheckSpec]:
    """Checks by name and what they ask, that of the card among them."""
    asked = [*checks, ("card_is_complete", "The card holds everything that a release asks for.")]
    return [dg.AssetCheckSpec(name, asset=asset, description=description) for name, description in asked]
