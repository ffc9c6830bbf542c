"""From scored candidates to a leaderboard with its page, as it grows from 10,000 to 1,000,000 candidates.

Candidates and scores lie in a lake on a disk before the clock starts. Each size runs in a process of its own, and
beside it a floor: reading the same files and averaging by cell. Prints seconds, their ratio, peak memory and the page's
size.

    .venv/bin/python benchmarks/leaderboard.py [--sizes 10000,100000,1000000]
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402  after the path
import polars as pl  # noqa: E402

from tip_serving.bench import brought, results  # noqa: E402
from tip_serving.bench.brought import Brought  # noqa: E402
from tip_serving.bench.identity import Cell  # noqa: E402
from tip_serving.bench.judging.rubric import load_rubric  # noqa: E402
from tip_serving.bench.judging.scores import SCORES  # noqa: E402
from tip_serving.bench.results import VIEW_SCHEMA, CellResult, CellStatus  # noqa: E402
from tip_serving.bench.store import CANDIDATE_SCHEMA  # noqa: E402
from tip_serving.bench.workshop import Workshop  # noqa: E402
from tip_serving.lake import layout  # noqa: E402
from tip_serving.lake.storage import Lake  # noqa: E402
from tip_serving.lake.tables import read_table, write_table  # noqa: E402
from tip_serving.settings import Settings  # noqa: E402

EXPERIMENT = "tip-bench-large"
N_MODELS, N_PROMPTS = 10, 5
N_TIPS = 10
TEXT = "Begin with the quarterly report: open it and write only its three headings, ten minutes."


def fill(home: Path, n_candidates: int) -> None:
    """An experiment of 50 cells and as many scenarios as it takes, scored by one judge under the rubric."""
    lake, rng, now = Lake(str(home / "lake")), np.random.default_rng(0), datetime.now(UTC)
    n_scenarios = n_candidates // (N_MODELS * N_PROMPTS * N_TIPS)
    difficulty = rng.normal(0, 0.4, n_scenarios)
    cells = [Cell(f"vendor/model-{model}", f"v{prompt}") for model in range(N_MODELS) for prompt in range(N_PROMPTS)]
    rubric = load_rubric()
    for number, cell in enumerate(cells):
        n = n_scenarios * N_TIPS
        scenario = np.repeat(np.arange(n_scenarios), N_TIPS)
        latent = 2.6 + 0.03 * number + difficulty[scenario] + rng.normal(0, 0.6, n)
        frame = pl.DataFrame(
            {
                "candidate_id": [hashlib.sha256(f"{cell.key}:{index}".encode()).hexdigest()[:24] for index in range(n)],
                "scenario_id": [f"{index:016x}" for index in scenario],
                "sample_index": np.tile(np.arange(N_TIPS), n_scenarios),
            }
        ).with_columns(text=pl.lit(TEXT + " ") + pl.col("candidate_id"))
        constants = {"model": cell.model, "prompt": cell.prompt, "prompt_hash": "", "finish_reason": "stop",
                     "temperature": 0.7, "max_tokens": 160, "seed": 0, "latency_ms": 800.0, "prompt_tokens": 400,
                     "completion_tokens": 25, "cost_usd": 0.0001, "n_attempts": 1, "paid_by": EXPERIMENT,
                     "created_at": now}  # fmt: skip
        whole = frame.with_columns(pl.lit(value).alias(name) for name, value in constants.items())
        whole = whole.select(pl.col(name).cast(dtype) for name, dtype in CANDIDATE_SCHEMA.items())
        write_table(lake, layout.candidates_table(*cell, "part"), whole)
        write_table(lake, layout.cell_view(EXPERIMENT, *cell), whole.select(list(VIEW_SCHEMA)))
        points = np.clip(np.round(latent[:, np.newaxis] + rng.normal(0, 0.5, (n, len(rubric.names)))), 1, 5)
        given = frame.select("candidate_id").with_columns(
            *(pl.Series(name, points[:, place]) for place, name in enumerate(rubric.names)),
            score=pl.Series(points.mean(axis=1)), judge=pl.lit("ana"), rubric_version=pl.lit(rubric.version),
            comment=pl.lit("a word on why"), cost_usd=pl.lit(None, dtype=pl.Float64), experiment=pl.lit(EXPERIMENT),
            imported_at=pl.lit(now, dtype=pl.Datetime("us", "UTC")),
        )  # fmt: skip
        SCORES.add(lake, f"part-{number}", given, "ana", rubric.version)
        result = CellResult(model=cell.model, prompt=cell.prompt, prompt_hash="", status=CellStatus.COMPLETE,
                            n_needed=n, n_done=n, n_called=n, cost_usd=n * 0.0001, latency_p50_ms=800.0,
                            latency_p95_ms=900.0, prompt_tokens=400 * n, completion_tokens=25 * n)  # fmt: skip
        results.save(lake, EXPERIMENT, result)
    held = Brought(experiment=EXPERIMENT, cells=tuple(cells), n_scenarios=n_scenarios, n_candidates=n_candidates,
                   judges=("ana",), source_sha256="", brought_at=now)  # fmt: skip
    lake.write(layout.brought(EXPERIMENT), held.model_dump_json().encode())


def rank(home: Path) -> None:
    """The leaderboard, its boards and its page."""
    Workshop.open(Settings(tip_home=home)).rank(EXPERIMENT)


def floor(home: Path) -> None:
    """The same files read, and the mean of each cell."""
    lake = Lake(str(home / "lake"))
    stored = [read_table(lake, layout.candidates_table(*cell, "part")) for cell in brought.load(lake, EXPERIMENT).cells]
    scores = SCORES.latest(lake, "ana", load_rubric().version)
    joined = pl.concat(stored).join(scores, on="candidate_id")
    joined.group_by("model", "prompt").agg(pl.col("score").mean())


def _measure(what: str, home: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--child", what, "--home", str(home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    if done.returncode:
        raise SystemExit(done.stderr)
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def main() -> None:
    """Measure each size against its floor."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--sizes", default="10000,100000,1000000")
    parser.add_argument("--child", choices=["rank", "floor"])
    parser.add_argument("--home", type=Path)
    arguments = parser.parse_args()
    if arguments.child:
        started = time.perf_counter()
        {"rank": rank, "floor": floor}[arguments.child](arguments.home)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
        print(json.dumps({"seconds": time.perf_counter() - started, "peak_mb": peak}))
        return
    print("50 cells x scenarios x 10 tips; a floor reads the same files and averages by cell")
    for size in map(int, arguments.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            fill(home, size)
            ranked, least = _measure("rank", home), _measure("floor", home)
            page = len(Lake(str(home / "lake")).read(layout.leaderboard_page(EXPERIMENT))) / 1e6
        ratio = ranked["seconds"] / least["seconds"]
        print(
            f"{size:>9,} candidates   {ranked['seconds']:6.2f} s   {ratio:5.1f} x floor   "
            f"peak {ranked['peak_mb']:5.0f} MB (floor {least['peak_mb']:.0f})   page {page:.2f} MB"
        )


if __name__ == "__main__":
    main()
