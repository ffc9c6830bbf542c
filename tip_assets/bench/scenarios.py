"""The asset `scenarios`."""

from collections import Counter

import dagster as dg

from tip_assets.bench.partitions import EXPERIMENTS
from tip_assets.bench.previews import PREVIEW_ROWS, table
from tip_serving.bench.workshop import Workshop

GROUP = "bench"


@dg.asset(partitions_def=EXPERIMENTS, group_name=GROUP, kinds={"parquet"})
def scenarios(context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop]) -> dg.MaterializeResult:
    """One row per scenario of an experiment: a person's tasks, profile and moment.

    Generated from the sampling seed or drawn from an imported set. Written once; a later run reads what is there.
    """
    chosen = workshop.scenarios(context.partition_key)
    rows = [
        {
            "kind": scenario.kind,
            "local time": scenario.situation.now.strftime("%a %Y-%m-%d %H:%M"),
            "tasks": len(scenario.situation.tasks),
            "first task": scenario.situation.tasks[0].content if scenario.situation.tasks else "",
        }
        for scenario in chosen[: 2 * PREVIEW_ROWS]
    ]
    kinds = Counter(scenario.kind for scenario in chosen)
    return dg.MaterializeResult(
        metadata={"dagster/row_count": len(chosen), "kinds": dict(kinds.most_common()), "preview": table(rows)}
    )
