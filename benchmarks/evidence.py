"""What logged decisions say of two arms: 100,000 decisions among 20 tips, read from the lake, both arms asked anew.

Prints CPU seconds of each step. `bare` is what no way around can save: every stored vector unpacked once, and predicted
once by the challenger's model and once by a model for doubly robust estimates.

    OPENBLAS_NUM_THREADS=1 .venv/bin/python benchmarks/evidence.py [--days 10] [--decisions 10000] [--tips 20]
"""

import argparse
import datetime as dt
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import learning  # the world of the tests

from tip_experiments.policies.softmax import Softmax
from tip_serving.events.export import read_day
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES
from tip_serving.features import contract, vector
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.scoring.arms import DEFAULT_ARM, ReadyArm
from tip_serving.scoring.ranking import PredictedRewards
from tip_serving.scoring.reward_model import RewardModel
from tip_serving.training import evaluation, evidence, reward_model
from tip_serving.training.logged import DecisionLog

LATER = learning.START + dt.timedelta(days=300)
Made = TypeVar("Made")


def timed(what: str, work: Callable[[], Made]) -> tuple[float, Made]:
    """CPU seconds of the work, and what it made."""
    began = time.process_time()
    made = work()
    taken = time.process_time() - began
    print(f"{what:<34} {taken:8.2f} s CPU")
    return taken, made


def written(lake: Lake, n_days: int, n_decisions: int, n_tips: int) -> list[dt.date]:
    """One day of the world, and the same again on later days under other ids."""
    (day,) = learning.write(lake, learning.world(3, n_decisions, n_users=n_decisions // 10, n_tips=n_tips, n_days=0.99))
    days = [day]
    for number in range(1, n_days):
        days.append(day + dt.timedelta(days=number))
        for kind in (Kind.EXPOSURE, TIP_SCORES):
            frame = read_day(lake, kind, day)
            moments = [pl.col(name) + dt.timedelta(days=number) for name, dtype in frame.schema.items()
                       if dtype == pl.Datetime("us", "UTC")]  # fmt: skip
            moved = frame.with_columns(*moments, decision_id=pl.col("decision_id") + f"-{number}")
            write_table(lake, layout.events(kind, days[-1].isoformat()), moved)
    return days


def challenger() -> ReadyArm:
    """A model of the size that training makes."""
    made = reward_model.train(learning.training_table(learning.world(4, 6000, n_users=300)), 1, LATER)
    model = RewardModel(made.content, vector.names(), contract.contract_hash())
    print(f"challenger: {made.parameters['n_trees']} trees")
    return ReadyArm("new", model, None, "m", Softmax.over(["any"], PredictedRewards("m"), 0.1, floor=0.01), None)


def bare(lake: Lake, days: list[dt.date], arm: ReadyArm) -> int:
    """Vectors unpacked and predicted twice."""
    n = 0
    for part in DecisionLog(lake, days, LATER).parts():
        if arm.model is not None:
            arm.model.predict(part.vectors)
            arm.model.predict(part.vectors)
        n += part.n
    return n


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--decisions", type=int, default=10_000)
    parser.add_argument("--tips", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        days, arm = written(lake, asked.days, asked.decisions, asked.tips), challenger()
        least, n = timed("bare", lambda: bare(lake, days, arm))
        taken, found = timed("evidence", lambda: evidence.evidence(lake, days, DEFAULT_ARM, arm, LATER))
        rng = np.random.default_rng(0)
        judged, _ = timed("all estimators and the gate", lambda: evaluation.evaluated(found, "v", LATER, None, rng))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{n:,} decisions among {asked.tips}: evidence {taken / least:.2f} times bare, "
          f"{(taken + judged) / n * 1e6:.0f} us a decision in all, peak {peak:.0f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
