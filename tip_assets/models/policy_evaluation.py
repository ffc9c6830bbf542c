"""The asset `policy_evaluation`."""

from typing import Any

import dagster as dg

from tip_assets.models.asked import GROUP, Training, told_plainly
from tip_assets.models.showing import about
from tip_assets.models.tip_policy import tip_policy
from tip_assets.resources.archive import Archive
from tip_serving.lake import layout
from tip_serving.training.candidate import TIP_POLICY
from tip_serving.training.evaluation import as_markdown
from tip_serving.training.steps import evaluate_policy


@dg.asset(
    deps=[tip_policy],
    check_specs=[
        dg.AssetCheckSpec(
            "estimators_can_answer",
            asset="policy_evaluation",
            description="The log carries an answer for champion and challenger; a warning where it does not yet.",
        )
    ],
    group_name=GROUP,
    kinds={"json"},
)
def policy_evaluation(
    config: Training, archive: dg.ResourceParam[Archive], mlflow: dg.ResourceParam[Any]
) -> dg.MaterializeResult:
    """What logged decisions say of the new tip policy against the champion: every estimator, and the gate's verdict.

    Only decisions that nothing of the challenger rests on are read. A proposal is judged anew when it is made; this
    says beforehand what to expect.
    """
    with told_plainly(mlflow):
        found = evaluate_policy(archive.lake, config.request(archive))
        answers = {f"policy_evaluation/{one.of}/{one.estimator}": one.value for one in found.answers}
        mlflow.log_metrics({name: value for name, value in answers.items() if value is not None})
        mlflow.log_text(as_markdown(found), "policy_evaluation.md")
    refused = [f"{one.of} by {one.estimator}: {reason}" for one in found.answers for reason in one.refusals]
    return dg.MaterializeResult(
        metadata={
            "decision": found.decision,
            "champion": found.champion,
            "challenger": found.challenger,
            "decisions": found.n_decisions,
            "people": found.n_users,
            "left_out": dict(found.n_left_out),
            "logged_reward": found.logged_reward,
            "estimates": dg.MetadataValue.md(as_markdown(found)),
            "file": dg.MetadataValue.path(archive.lake.locate(layout.policy_evaluation(found.challenger_version))),
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="estimators_can_answer",
                passed=not refused,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={"refusals": refused, **about(TIP_POLICY, found.challenger_version)},
            )
        ],
    )
