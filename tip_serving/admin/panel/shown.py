"""Experiments and cells in a reader's words: what the service answers, ready for the views. No number is made here."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from tip_serving.admin.service.bench import Foreseen, Whole
from tip_serving.admin.service.catalogs import ModelRow
from tip_serving.admin.service.rows import CellRow, ExperimentRow, Links, Page
from tip_serving.bench.page import words
from tip_serving.bench.state import CellPhase

PHASES = ("waiting", "running", "collected", "ranked", "cancelled", "brought", "refused", "damaged")
_TONES = {
    "running": "running", "collected": "running", "ranked": "done", "brought": "done", "refused": "bad",
    "damaged": "bad", "complete": "done", "failed": "bad",
}  # fmt: skip
_SENTENCES = {
    "waiting": "It waits for a worker; nobody has begun.",
    "running": "Tips are being written.",
    "collected": "All cells have ended; the ranking is being made.",
    "ranked": "The ranking rests on all that is there.",
    "cancelled": "Somebody stopped it. What was made stays, and it can go on.",
    "brought": "Measured elsewhere and brought here.",
    "refused": "Its spec cannot be run.",
    "damaged": "A file of it cannot be read.",
}
CALLS_SHOWN = 5
_OPEN = frozenset({"waiting", "running", "cancelled"})
_MINUTE_S, _HOUR_S = 60, 3600


def listing(page: Page[ExperimentRow], limit: int, *, is_sifted: bool) -> dict[str, Any]:
    """A page of the table of experiments."""
    running = sum(row.phase == "running" for row in page.items)
    return {
        "n_all": page.n_total or (1 if is_sifted else 0),
        "sentence": f"{words.counted(running, 'experiment is', 'experiments are')} running."
        if running
        else "Which model and prompt write the better tips?",
        "counted": words.counted(page.n_total, "experiment"),
        "phases": PHASES,
        "number": page.offset // limit + 1,
        "n_pages": -(-page.n_total // limit),
        "rows": [_experiment(row) for row in page.items],
    }


def _experiment(row: ExperimentRow) -> dict[str, Any]:
    spec = row.spec
    about = (
        f"{words.counted(len(spec.models), 'model')}, {words.counted(len(spec.prompts), 'prompt')}, "
        f"{words.counted(spec.n_scenarios, 'situation')}"
        if spec
        else " ".join(row.faults)[:200]
    )
    return {
        "name": row.experiment,
        "href": f"/experiments/{quote(row.experiment, safe='')}",
        "about": about,
        "phase": row.phase,
        "tone": _TONES.get(row.phase, "off"),
        "failed": f"{words.counted(row.n_cells_failed, 'cell')} failed" if row.n_cells_failed else "",
        "share": _share(row),
        "counts": f"{row.n_done:,} of {row.n_needed:,}",
        "cells": f"{row.n_cells_done} / {row.n_cells}",
        "cost": words.money(row.cost_usd),
        "created": _when(row.created_at),
        "created_iso": row.created_at.isoformat() if row.created_at else "",
    }


def _share(row: ExperimentRow) -> float:
    return round(row.n_done / row.n_needed, 4) if row.n_needed else 0.0


def _when(at: datetime | None) -> str:
    return f"{at:%d %b %Y, %H:%M} UTC" if at else words.NONE


def experiment(whole: Whole) -> dict[str, Any]:
    """All that the page of one experiment shows above its results."""
    row, cells = whole.row, whole.cells
    spec = row.spec
    facts = [
        ("Tips", f"{row.n_done:,}", f"of {row.n_needed:,}"),
        ("Cells", f"{row.n_cells_done}", f"of {row.n_cells} done, {row.n_cells_failed} failed"),
        ("Cost", words.money(row.cost_usd), f"stops at ${spec.max_cost_usd:g}" if spec and spec.max_cost_usd else ""),
        ("Started", f"{row.created_at:%d %b, %H:%M}", f"{row.created_at:%Y}, UTC")
        if row.created_at
        else ("Started", words.NONE, ""),
        ("Took", span((row.finished_at - row.created_at).total_seconds()), "")
        if row.finished_at and row.created_at and spec
        else ("Took", words.NONE, ""),
    ]
    if spec:
        facts.append(("Temperature", f"{spec.temperature:g}", f"seed {spec.sampling_seed}"))
    return {
        "name": row.experiment,
        "phase": row.phase,
        "tone": _TONES.get(row.phase, "off"),
        "sentence": _SENTENCES[row.phase],
        "faults": row.faults,
        "facts": [{"term": term, "value": value, "note": note} for term, value, note in facts],
        "share": _share(row),
        "is_open": row.phase in _OPEN and row.n_needed > 0,
        "can_retry": row.n_cells_failed > 0 and not row.is_cancelled,
        "can_resume": row.is_cancelled,
        "can_cancel": row.phase in {"waiting", "running"},
        "links": _links(row.links, row.experiment),
        "skipped": [{"model": skip.model, "reason": skip.reason} for skip in row.skipped],
        "grid": _grid(cells) if cells else None,
        "failures": [_failure(one) for one in cells if one.phase is CellPhase.FAILED],
    }


def _grid(cells: Sequence[CellRow]) -> dict[str, Any]:
    models, prompts = (list(dict.fromkeys(names)) for names in zip(*((c.model, c.prompt) for c in cells), strict=True))
    of_cell = {(cell.model, cell.prompt): cell for cell in cells}
    counted = Counter(cell.phase.value for cell in cells)
    return {
        "prompts": prompts,
        "lines": [
            {"model": model, "cells": [_cell(of_cell.get((model, prompt))) for prompt in prompts]} for model in models
        ],
        "counts": [{"text": f"{n} {phase}", "tone": _TONES.get(phase, "off")} for phase, n in counted.items()],
    }


def _cell(row: CellRow | None) -> dict[str, Any]:
    """A field of the grid by its phase; what judges said of it is laid over it."""
    if row is None:
        return {"key": "", "phase": "none", "share": None, "figure": words.NONE, "note": ""}
    counts, is_running = f"{row.n_done:,} of {row.n_needed:,}", row.phase is CellPhase.RUNNING
    return {
        "key": _key(row),
        "phase": row.phase.value,
        "share": round(row.n_done / row.n_needed, 3) if is_running and row.n_needed else None,
        "figure": counts if is_running else row.phase.value,
        "note": "being written" if is_running else counts,
    }


def cell(whole: Whole, key: str | None) -> dict[str, Any] | None:
    """All that is known of one cell; None where there is no such cell."""
    row = next((one for one in whole.cells if _key(one) == key), None)
    if row is None:
        return None
    facts = [
        ("Tips", f"{row.n_done:,}", f"of {row.n_needed:,}"),
        ("Cost", words.money(row.cost_usd), ""),
        ("Latency", words.duration(row.latency_p50_ms), f"95% within {words.duration(row.latency_p95_ms)}"),
        ("Tokens", f"{row.prompt_tokens:,} read", f"{row.completion_tokens:,} written"),
    ]
    return {
        "key": key,
        "model": row.model,
        "prompt": row.prompt,
        "phase": row.phase.value,
        "tone": _TONES.get(row.phase, "off"),
        "reason": row.reason or "",
        "facts": [{"term": term, "value": value, "note": note} for term, value, note in facts],
        "links": _links(row.links, whole.row.experiment, key),
    }


def _key(row: CellRow) -> str:
    return f"{row.model}|{row.prompt}"


def _links(links: Links, experiment: str, key: str | None = None) -> list[dict[str, str]]:
    """Where to look elsewhere; a page of ours asks MLflow for its address, and says so where it does not answer."""
    of_cell = f"?cell={quote(key, safe='')}" if key else ""
    mlflow = f"/experiments/{quote(experiment, safe='')}/mlflow{of_cell}"
    return [{"name": "Dagster", "href": links.dagster}, {"name": "MLflow", "href": mlflow}]


def _failure(row: CellRow) -> dict[str, Any]:
    calls = row.failures[:CALLS_SHOWN]
    return {
        "key": _key(row),
        "model": row.model,
        "prompt": row.prompt,
        "missing": f"{row.n_failed:,} of {row.n_needed:,} missing",
        "reason": row.reason or "no reason was noted",
        "told": "The call that failed" if len(calls) == 1 else f"The first {len(calls)} calls that failed",
        "calls": [{"kind": call.kind, "message": call.message} for call in calls],
    }


def model(row: ModelRow) -> dict[str, Any]:
    """A model as one chooses it."""
    told = ["offline, no key needed"] if row.is_embedded else []
    if row.size_b:
        told.append(f"{row.size_b:g} billion parameters")
    if not row.is_embedded:
        told.append(_price(row.input_usd_per_mtok, row.output_usd_per_mtok))
    if row.missing_keys:
        told.append(f"needs {', '.join(row.missing_keys)}")
    return {"name": row.model, "about": " \u00b7 ".join(told)}


def _price(input_usd: float | None, output_usd: float | None) -> str:
    if input_usd is None or output_usd is None:
        return "price unknown"
    return f"${input_usd:g} in, ${output_usd:g} out per million tokens"


def bill(found: Foreseen) -> dict[str, Any]:
    """What an experiment takes, before it is started."""
    first = "A worker begins within ten seconds or so." if found.n_calls else "Nothing has to be written: all is there."
    remarks = [first]
    remarks += [f"{skip.model} is left out: {skip.reason}." for skip in found.skipped]
    if found.unpriced:
        remarks.append(f"No price is known of {', '.join(found.unpriced)}, so no cost either.")
    if found.is_rough:
        remarks.append("Worked out on a part of the situations.")
    return {
        "calls": f"{found.n_calls:,}",
        "cells": f"{found.n_cells:,}",
        "there": f"{found.n_there:,} of {found.n_needed:,}" if found.n_there else "",
        "cost": words.money(found.cost_usd),
        "time": span(found.seconds),
        "remarks": remarks,
    }


def span(seconds: float) -> str:
    """A stretch of time as one says it."""
    if seconds < 1:
        return "a second"
    if seconds < 2 * _MINUTE_S:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE_S:.0f} min" if seconds < 2 * _HOUR_S else f"{seconds / _HOUR_S:.1f} h"
