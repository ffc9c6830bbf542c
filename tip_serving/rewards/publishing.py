"""From the lake to the tables of this room: reads, computes, writes; what the assets call."""

import datetime as dt
from typing import NamedTuple

import polars as pl

from tip_serving.bench import leaderboard
from tip_serving.events import export
from tip_serving.events.store import TIP_SCORES
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.rewards import tables
from tip_serving.rewards.comparing import comparisons
from tip_serving.rewards.judging import Against, Judged, judges_against_people
from tip_serving.rewards.rates import rates
from tip_serving.rewards.shares import Weights, sample_ratios
from tip_serving.rewards.tally import tally


class Rewards(NamedTuple):
    """The tables of what people did."""

    rates: pl.DataFrame
    comparisons: pl.DataFrame
    sample_ratios: pl.DataFrame
    n_days: int
    n_without_author: int
    """Shown tips of which nobody knows who wrote them; they are in no cell."""


def publish_rewards(lake: Lake, weights: Weights, now: dt.datetime) -> Rewards:
    """Write what people did with tips, of all days that the lake has.

    Args:
        lake: holds the days of `tip_scores`.
        weights: of the arms of each manifest version that is known.
        now: aware; which rewards are certain.
    """
    days = export.days(lake, TIP_SCORES)
    summed = tally(lake, days, now)
    found = Rewards(
        rates=rates(summed, now),
        comparisons=comparisons(summed),
        sample_ratios=sample_ratios(summed, weights),
        n_days=len(days),
        n_without_author=int(
            summed.filter(pl.col("model").is_null() | pl.col("prompt_version").is_null())["n_shown"].sum()
        ),
    )
    tables.write(lake, "prompt_rewards", found.rates)
    tables.write(lake, "comparisons", found.comparisons)
    tables.write(lake, "sample_ratios", found.sample_ratios)
    return found


def publish_judges(lake: Lake) -> Against:
    """Write every judge against people, from the boards of all experiments and the rates that are in the lake."""
    found = judges_against_people(boards(lake), tables.read(lake, "prompt_rewards"))
    tables.write(lake, "judge_against_people", found.cells)
    tables.write(lake, "judge_worth", found.worth)
    return found


def boards(lake: Lake) -> list[Judged]:
    """The boards of every experiment that was ranked."""
    found = []
    for folder in lake.folders(layout.EXPERIMENTS):
        experiment = layout.decode(folder)
        try:
            found += [Judged(experiment, board) for board in leaderboard.read_boards(lake, experiment)]
        except MissingError:
            continue
    return found
