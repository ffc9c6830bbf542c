"""What an experiment would take before it is started: calls, the share already there, money and time."""

from typing import NamedTuple

import polars as pl

from tip_serving.bench import scenarios
from tip_serving.bench.identity import Cell, needs
from tip_serving.bench.spec import Skip, Spec, skips
from tip_serving.bench.state import wanted_cells
from tip_serving.bench.workshop import Workshop
from tip_serving.generation.catalog import EMBEDDED
from tip_serving.prompts import registry

CHARACTERS_PER_TOKEN = 4.0  # a rule of thumb for European languages; others take more tokens
UNKNOWN_LATENCY_S = 1.5  # for a model that was never asked here
CPU_PER_CALL_S = 0.003  # of our own side, measured


class Estimate(NamedTuple):
    """What is asked for and what it takes."""

    n_cells: int
    n_needed: int
    n_there: int
    cost_usd: float | None
    """An upper bound: every answer as long as allowed. None where a price is unknown."""
    unpriced: tuple[str, ...]
    seconds: float
    skipped: tuple[Skip, ...]

    @property
    def n_calls(self) -> int:
        """Calls that are left to make."""
        return self.n_needed - self.n_there


def estimate(workshop: Workshop, spec: Spec) -> Estimate:
    """What `spec` takes; reads the lake and writes nothing."""
    chosen = scenarios.choose(workshop.lake, spec)
    cells = wanted_cells(spec, workshop.catalog)
    n_needed = n_there = 0
    cost, waiting_s = 0.0, 0.0
    unpriced: set[str] = set()
    for cell in cells:
        stored = workshop.store.load(cell)
        needed = needs(spec, cell, registry.get(cell.prompt), chosen)
        there = set(stored["candidate_id"])
        missing = [need for need in needed if need.candidate_id not in there]
        n_needed += len(needed)
        n_there += len(needed) - len(missing)
        waiting_s += len(missing) * _latency_s(cell, stored)
        for need in missing:
            n_tokens = sum(len(message.content) for message in need.request.messages) / CHARACTERS_PER_TOKEN
            call_cost = workshop.catalog.cost_usd(cell.model, round(n_tokens), need.request.max_tokens)
            cost += call_cost or 0.0
            if call_cost is None:
                unpriced.add(cell.model)
    n_calls = n_needed - n_there
    seconds = max(waiting_s / workshop.limits.concurrency, n_calls * CPU_PER_CALL_S)
    known_cost = None if unpriced else cost
    skipped = tuple(skips(spec, workshop.catalog))
    return Estimate(len(cells), n_needed, n_there, known_cost, tuple(sorted(unpriced)), seconds, skipped)


def _latency_s(cell: Cell, stored: pl.DataFrame) -> float:
    if cell.model.startswith(EMBEDDED):
        return 0.0
    median = stored["latency_ms"].median()
    return float(median) / 1e3 if isinstance(median, int | float) else UNKNOWN_LATENCY_S
