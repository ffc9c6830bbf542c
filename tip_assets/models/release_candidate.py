"""The asset `release_candidate`."""

from typing import Any

import dagster as dg

from tip_assets.models.asked import GROUP, Training, told_plainly
from tip_assets.models.policy_evaluation import policy_evaluation
from tip_assets.models.prompt_policy import prompt_policy
from tip_assets.models.showing import about
from tip_assets.resources.archive import Archive
from tip_serving.lake import layout
from tip_serving.training.cards.card import is_complete
from tip_serving.training.cards.keeping import read_card
from tip_serving.training.releasable import put_together


@dg.asset(
    deps=[policy_evaluation, prompt_policy],
    check_specs=[
        dg.AssetCheckSpec(
            "cards_are_complete",
            asset="release_candidate",
            description="Every version in it has a card that holds all a release asks for.",
        ),
        dg.AssetCheckSpec(
            "is_registered",
            asset="release_candidate",
            description="Every version in it is known to the model registry.",
        ),
    ],
    group_name=GROUP,
    kinds={"json"},
)
def release_candidate(
    config: Training, archive: dg.ResourceParam[Archive], mlflow: dg.ResourceParam[Any]
) -> dg.MaterializeResult:
    """One arm made of the latest reward model and policies: loaded as a server loads it, and tried on its example.

    Its name follows from its parts, so the same parts are the same candidate. It is released by nothing but a proposal.
    """
    with told_plainly(mlflow):
        candidate = put_together(archive.lake, config.request(archive).now)
        mlflow.set_tag("tip.candidate", candidate.candidate_id)
    missing = [
        f"{name} {version}: {fault}"
        for name, version in candidate.cards.items()
        for fault in is_complete(read_card(archive.lake, name, version))
    ]
    unknown = sorted(candidate.cards.keys() - candidate.registered.keys())
    whose = about(release_candidate.key.to_user_string(), candidate.candidate_id)
    path = archive.lake.locate(layout.release_candidate(candidate.candidate_id))
    return dg.MaterializeResult(
        metadata={
            "candidate": candidate.candidate_id,
            **{
                name: f"{version} (registered as {candidate.registered.get(name)})"
                for name, version in candidate.cards.items()
            },
            "untouched_since": candidate.untouched_since.isoformat(),
            "propose": dg.MetadataValue.md(f"`tip release propose {candidate.candidate_id}`"),
            "file": dg.MetadataValue.path(path),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="cards_are_complete", passed=not missing, metadata={"missing": missing, **whose}
            ),
            dg.AssetCheckResult(check_name="is_registered", passed=not unknown, metadata={"unknown": unknown, **whose}),
        ],
    )
