"""What a judge said of pairs: ratings of cells, plain and with length and style held equal."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from tip_experiments.stats import ratings as rating_stats
from tip_experiments.stats.comparisons import Comparisons
from tip_experiments.stats.ratings import Features, Ratings
from tip_serving.bench.identity import Cell
from tip_serving.bench.page.content import Pairwise, Rating

STYLE = ("log words", "digits", "questions", "exclamations")


def pairwise(verdicts: pl.DataFrame, cells: Sequence[Cell]) -> Pairwise | None:
    """The ratings of `cells` from one judge's standing verdicts; None where there are none.

    Args:
        verdicts: rows of `judging.verdicts.view` of one judge and rubric.
        cells: all cells of the experiment; verdicts about others are left out.
    """
    codes = {cell: code for code, cell in enumerate(cells)}
    first = _codes(verdicts, "first", codes)
    second = _codes(verdicts, "second", codes)
    is_kept = (first >= 0) & (second >= 0) & (first != second)
    kept = verdicts.filter(pl.Series(is_kept))
    if kept.is_empty():
        return None
    comparisons = Comparisons(
        first=first[is_kept],
        second=second[is_kept],
        outcome=kept["outcome"].to_numpy(),
        scenarios=(kept["scenario_id"].rank("dense").cast(pl.Int64) - 1).to_numpy(),
        n_cells=len(cells),
        texts=(_unordered(kept).rank("dense").cast(pl.Int64) - 1).to_numpy(),
    )
    plain, controlled = rating_stats.plain_and_controlled(comparisons, _features(kept))
    return _told(plain, controlled, cells)


def _codes(verdicts: pl.DataFrame, side: str, codes: dict[Cell, int]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    pairs = verdicts.select(f"{side}_model", f"{side}_prompt").iter_rows()
    return np.fromiter((codes.get(Cell(*pair), -1) for pair in pairs), np.int64, verdicts.height)


def _unordered(verdicts: pl.DataFrame) -> pl.Series:
    """A name of the two tips that is the same in both orders."""
    ids = (pl.col("first_id"), pl.col("second_id"))
    return verdicts.select(pl.min_horizontal(ids) + ":" + pl.max_horizontal(ids)).to_series()


def _features(verdicts: pl.DataFrame) -> Features:
    """What the first tip has more of than the second, in the order of STYLE."""
    sides = [np.array([style(text) for text in verdicts[f"{side}_text"]]) for side in ("first", "second")]
    return Features(STYLE, sides[0] - sides[1])


def style(text: str) -> tuple[float, ...]:
    """How a tip is written, as numbers in the order of STYLE; for wide scripts words are runs of two characters."""
    n_words = max(len(text.split()), sum(ord(sign) > 0x2E80 for sign in text) / 2, 1.0)  # noqa: PLR2004
    n_digits = sum(sign.isdigit() for sign in text)
    return (
        float(np.log(n_words)),
        float(n_digits),
        float(sum(text.count(sign) for sign in "?\uff1f")),
        float(text.count("!")),
    )


def _told(plain: Ratings, controlled: Ratings, cells: Sequence[Cell]) -> Pairwise:
    rated = []
    for cell, found, held in zip(cells, plain.cells, controlled.cells, strict=True):
        if found.logit is None:
            continue
        rated.append(
            Rating(
                cell=cell,
                rating=found.logit.value,
                low=found.logit.low,
                high=found.logit.high,
                controlled=held.logit.value if held.logit else None,
                controlled_low=held.logit.low if held.logit else None,
                controlled_high=held.logit.high if held.logit else None,
                n_verdicts=found.n_verdicts,
            )
        )
    position = plain.position
    share = None if plain.orders.share is None else 1 - plain.orders.share
    return Pairwise(
        ratings=tuple(sorted(rated, key=lambda rating: -rating.rating)),
        n_verdicts=plain.n_verdicts,
        tie_share=plain.n_ties / plain.n_verdicts,
        first_share=None if position is None else _probability(position.value),
        first_low=None if position is None or position.low is None else _probability(position.low),
        first_high=None if position is None or position.high is None else _probability(position.high),
        agree_share=share,
    )


def _probability(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))
