"""The asset `released`: what is served, as its steps have it. It only looks; who decides is the sensor or a command."""

import dagster as dg

from tip_assets.releases.checks import CANDIDATE
from tip_assets.releases.display import markdown
from tip_serving import settings
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.releasing.live import Live, live

GROUP = "releases"
FOLLOWS, LOADS = "served_follows_from_steps", "every_file_is_there"


@dg.asset(
    deps=[CANDIDATE],
    check_specs=[
        dg.AssetCheckSpec(
            FOLLOWS, asset="released", description="The manifest is byte for byte what the steps of releases say."
        ),
        dg.AssetCheckSpec(
            LOADS, asset="released", description="Every arm loads from its files, with their hashes, on this build."
        ),
    ],
    group_name=GROUP,
    kinds={"json"},
)
def released() -> dg.MaterializeResult:
    """What is served: the arms of the manifest with their weights, and the release that brought them.

    Arms in the shadow are named too, though nobody sees them. Nothing is decided here.
    """
    chosen = settings.load()
    lake = Lake(chosen.lake_url)
    found = live(lake)
    return dg.MaterializeResult(
        metadata=_metadata(lake, found),
        check_results=[
            dg.AssetCheckResult(
                check_name=FOLLOWS, passed=not found.stray, metadata={"found": found.stray or "the same"}
            ),
            dg.AssetCheckResult(check_name=LOADS, passed=not found.reasons, metadata={"reasons": list(found.reasons)}),
        ],
    )


def _metadata(lake: Lake, found: Live) -> dict[str, dg.MetadataValue | str | list[str]]:
    manifest = found.manifest
    cards = {
        f"card of {name} {version}": dg.MetadataValue.path(lake.locate(layout.card(name, version, "html")))
        for name, version in found.cards
    }
    return {
        "manifest": dg.MetadataValue.json(manifest.model_dump(mode="json")),
        "file": dg.MetadataValue.path(lake.locate(layout.released_manifest())),
        "version": manifest.version,
        "champion": manifest.live[0].name,
        "weights": dg.MetadataValue.json({arm.name: arm.weight for arm in manifest.live}),
        "shadows": [arm.name for arm in manifest.shadows],
        "proposal": found.proposal_id or "none",
        "steps": dg.MetadataValue.md(markdown(found.steps)),
        **cards,
    }
