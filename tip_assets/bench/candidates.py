"""The asset `candidates`: cells are filled here, each materialized as it is done."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from tip_assets.bench.mirror import Mirror, MirrorError
from tip_assets.bench.partitions import CELLS, EXPERIMENT_TAG, cell_of, partition_of
from tip_assets.bench.previews import cell_metadata
from tip_assets.bench.scenarios import GROUP, scenarios
from tip_serving.bench import results
from tip_serving.bench.judging.automatic import is_grounded
from tip_serving.bench.results import CellResult, CellStatus
from tip_serving.bench.workshop import Workshop

MAX_CHARACTERS = 1_000  # a tip that is longer is not one
_CHECKS = {
    "candidates_complete": "Every candidate that the experiments need of these cells is there.",
    "candidates_well_formed": f"Every candidate is non-empty and has at most {MAX_CHARACTERS} characters.",
    "candidates_grounded": "Every candidate speaks of something in its scenario. A warning: read the tips.",
}


@dg.asset(
    partitions_def=CELLS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    output_required=False,
    deps=[dg.AssetDep(scenarios, partition_mapping=dg.AllPartitionMapping())],
    check_specs=[dg.AssetCheckSpec(name, asset="candidates", description=text) for name, text in _CHECKS.items()],
    group_name=GROUP,
    kinds={"litellm", "mlflow"},
)
def candidates(
    context: dg.AssetExecutionContext, workshop: dg.ResourceParam[Workshop], mirror: dg.ResourceParam[Mirror]
) -> Iterator[dg.AssetCheckResult]:
    """One row per candidate of a (model, prompt) cell, cumulative over experiments.

    Excluded are calls that failed; a cell with any fails alone, with its reason, and the others are materialized.
    Without the tag `tip/experiment` the cells are filled for every experiment that needs them.
    """
    cells = [cell_of(key) for key in context.partition_keys]
    named = context.run.tags.get(EXPERIMENT_TAG)
    findings = _Findings()
    mirror.prepare()
    for experiment in [named] if named else workshop.experiments_needing(cells):
        for result in workshop.collect(experiment, cells):
            made = results.candidates(workshop.store, experiment, result.cell)
            url = _mirrored(context, mirror, experiment, result)
            findings.add(workshop, experiment, result, made)
            metadata = cell_metadata(result, made, experiment, url)
            if result.status is CellStatus.COMPLETE:
                key, partition = context.asset_key, partition_of(result.cell)
                context.log_event(dg.AssetMaterialization(key, partition=partition, metadata=metadata))
            else:
                context.log.error("%s failed: %s", result.cell.key, result.reason)
    yield from findings.check_results()
    if findings.incomplete:
        raise dg.Failure(
            f"{len(findings.incomplete)} cells failed: " + ", ".join(findings.incomplete),
            metadata=dict(findings.incomplete),
            allow_retries=False,
        )


def _mirrored(context: dg.AssetExecutionContext, mirror: Mirror, experiment: str, result: CellResult) -> str | None:
    """The address of the cell's MLflow run; None with a warning where it could not be written."""
    try:
        return mirror.write(experiment, result.cell)
    except MirrorError as error:
        context.log.warning("MLflow did not take %s: %s", result.cell.key, error)
        return None


class _Findings:
    """What the checks of one run found, cell by cell."""

    def __init__(self) -> None:
        self.incomplete: dict[str, str] = {}
        self._malformed: dict[str, int] = {}
        self._ungrounded: dict[str, int] = {}
        self._n_candidates = 0

    def add(self, workshop: Workshop, experiment: str, result: CellResult, made: pl.DataFrame) -> None:
        cell = result.cell.key
        self._n_candidates += made.height
        if result.status is not CellStatus.COMPLETE:
            self.incomplete[cell] = result.reason or "incomplete"
        length = made["text"].str.strip_chars().str.len_chars()
        malformed = int(((length == 0) | (length > MAX_CHARACTERS)).sum())
        if malformed:
            self._malformed[cell] = malformed
        situations = {scenario.scenario_id: scenario.situation for scenario in workshop.scenarios(experiment)}
        pairs = made.select("scenario_id", "text").iter_rows()
        ungrounded = sum(not is_grounded(situations[scenario_id], text) for scenario_id, text in pairs)
        if ungrounded:
            self._ungrounded[cell] = ungrounded

    def check_results(self) -> Iterator[dg.AssetCheckResult]:
        found: dict[str, dict[str, str] | dict[str, int]] = {
            "candidates_complete": self.incomplete,
            "candidates_well_formed": self._malformed,
            "candidates_grounded": self._ungrounded,
        }
        for name, cells in found.items():
            is_warning = name == "candidates_grounded"
            yield dg.AssetCheckResult(
                check_name=name,
                passed=not cells,
                severity=dg.AssetCheckSeverity.WARN if is_warning else dg.AssetCheckSeverity.ERROR,
                metadata={"candidates": self._n_candidates, **cells},
            )
