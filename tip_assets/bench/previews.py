"""What a materialization shows of itself: counts, money, time, and a look at the content as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg
import polars as pl

from tip_serving.bench.results import CellResult

PREVIEW_ROWS = 5
_CELL_WIDTH = 160


def table(rows: Sequence[Mapping[str, object]]) -> dg.MarkdownMetadataValue:
    """Rows as a Markdown table; texts cannot break out of it."""
    if not rows:
        return dg.MetadataValue.md("nothing yet")
    names = list(rows[0])
    lines = ["| " + " | ".join(names) + " |", "|" + " --- |" * len(names)]
    lines += ["| " + " | ".join(_cell(row[name]) for name in names) + " |" for row in rows]
    return dg.MetadataValue.md("\n".join(lines))


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else " ".join(str(value).split())
    text = text if len(text) <= _CELL_WIDTH else text[: _CELL_WIDTH - 1] + "…"
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
    return escaped.replace("[", "\\[").replace("!", "&#33;")


def tips(candidates: pl.DataFrame) -> dg.MarkdownMetadataValue:
    """The first few tips of different scenarios."""
    shown = candidates.unique("scenario_id", keep="first", maintain_order=True).head(PREVIEW_ROWS)
    return table(shown.select("scenario_id", "text", "latency_ms").rows(named=True))


def cell_metadata(
    result: CellResult, candidates: pl.DataFrame, experiment: str, mlflow_url: str | None
) -> dict[str, Any]:
    """The metadata of one cell's materialization; units are in the keys."""
    known: dict[str, Any] = {
        "experiment": experiment,
        "status": result.status.value,
        "candidates": result.n_done,
        "failures": result.n_failed,
        "calls": result.n_called,
        "cost_usd": result.cost_usd,
        "latency_p50_ms": result.latency_p50_ms,
        "latency_p95_ms": result.latency_p95_ms,
        "prompt_tokens": result.prompt_tokens,
        "completion_tokens": result.completion_tokens,
        "prompt_hash": result.prompt_hash,
        "reason": result.reason,
    }
    shown: dict[str, Any] = {name: value for name, value in known.items() if value is not None}
    shown["tips"] = tips(candidates)
    if mlflow_url is not None:
        shown["mlflow_run"] = dg.MetadataValue.url(mlflow_url)
    return shown
