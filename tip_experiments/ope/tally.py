"""Sums over the log: all that values, standard errors, intervals and diagnostics are computed from.

`tally` walks the log once for any number of questions. A question is one estimator on one log, or two of them whose
difference is asked for; the rows of both are then the same, and their products are kept too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.ope.chunks import Chunk
from tip_experiments.ope.estimator import Columns, Estimator, Vector
from tip_experiments.ope.logs import LoggedRounds
from tip_experiments.ope.sums import ColumnSums

N_COLUMNS = 3  # plain, numerator, denominator


class Part(NamedTuple):
    """An estimator on a log, counted with a sign: +1, or -1 for what is subtracted."""

    log: LoggedRounds
    estimator: Estimator
    sign: float = 1.0


class PartSums(NamedTuple):
    """What is known of one part besides its columns."""

    sign: float
    has_ratio: bool
    logged: ColumnSums
    """The weights of the logged actions."""
    used: ColumnSums
    """The weights that the estimator uses."""
    witness: ColumnSums
    """Its witness; nothing where it has none."""


@dataclass(frozen=True, eq=False)
class Tally:
    """Sums of one question over its rows."""

    block_sizes: NDArray[np.float64]
    """(b,) rows in each block of consecutive rows; a block is a cluster where the log has clusters."""
    blocks: NDArray[np.float64]
    """(b, 3p) sums per block of plain, numerator and denominator of each of the p parts; 0 for unused columns."""
    products: NDArray[np.float64]
    """(3p, 3p) sums of products of the columns."""
    parts: tuple[PartSums, ...]
    is_clustered: bool = False
    """Whether blocks are what is independent, rather than rows."""

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.block_sizes.sum())

    @property
    def means(self) -> NDArray[np.float64]:
        """(3p,) means of the columns."""
        means: NDArray[np.float64] = self.blocks.sum(axis=0) / self.n
        return means

    def values(self, means: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...,) the estimate that each row of column means (..., 3p) gives; NaN where a denominator is 0."""
        value = np.zeros(means.shape[:-1])
        for index, part in enumerate(self.parts):
            plain, numerator, denominator = np.moveaxis(means[..., _of(index)], -1, 0)
            value = value + part.sign * plain
            if part.has_ratio:
                nan = np.full(np.shape(value), np.nan)
                value = value + part.sign * np.divide(numerator, denominator, out=nan, where=denominator != 0.0)
        return value

    @property
    def value(self) -> float:
        """The estimate."""
        return float(self.values(self.means))

    @property
    def standard_error(self) -> float:
        """Of the estimate, by linearisation of its ratios (delta method); over clusters where there are some.

        Source: for clusters, Liang & Zeger (1986), with the factor G / (G - 1) for G of them.
        """
        n_draws = self.block_sizes.size if self.is_clustered else self.n
        if n_draws < 2:  # noqa: PLR2004  one draw does not vary
            return inf
        gradient = self._gradient()
        if self.is_clustered:
            influence = (self.blocks - self.block_sizes[:, np.newaxis] * self.means) @ gradient
            return sqrt(n_draws / (n_draws - 1) * float(influence @ influence)) / self.n
        covariance = (self.products - self.n * np.outer(self.means, self.means)) / (self.n - 1)
        return sqrt(max(float(gradient @ covariance @ gradient), 0.0) / self.n)

    def _gradient(self) -> NDArray[np.float64]:
        gradient = np.zeros(self.means.size)
        for index, part in enumerate(self.parts):
            _, numerator, denominator = self.means[_of(index)]
            slopes = (1.0, 0.0, 0.0)
            if part.has_ratio:
                inverse = 1.0 / denominator if denominator else np.nan
                slopes = (1.0, inverse, -numerator * inverse**2)
            gradient[_of(index)] = part.sign * np.array(slopes)
        return gradient


def _of(part: int) -> slice:
    """Where the columns of a part stand among those of all parts."""
    return slice(part * N_COLUMNS, (part + 1) * N_COLUMNS)


class _Sums:
    """A tally in the making."""

    def __init__(self, parts: Sequence[Part], block_length: int) -> None:
        n, clusters = parts[0].log.n, parts[0].log.clusters
        width = N_COLUMNS * len(parts)
        self._is_clustered = clusters is not None
        if clusters is None:
            self._begins = np.arange(0, n, block_length)
        else:
            self._begins = np.flatnonzero(np.concatenate([[True], clusters[1:] != clusters[:-1]]))
        self._sizes = np.diff(np.append(self._begins, n)).astype(np.float64)
        self._blocks = np.zeros((self._sizes.size, width))
        self._products = np.zeros((width, width))
        self._used = [ColumnSums() for _ in parts]
        self._witness = [ColumnSums() for _ in parts]
        self._has_ratio = [False] * len(parts)

    def add(self, first: int, made: Sequence[Columns], shared: Sequence[Vector]) -> None:
        """Count the columns that each part made of a chunk whose logged actions weigh `shared`."""
        columns: list[tuple[int, Vector]] = []
        for part, its in enumerate(made):
            used = enumerate((its.plain, its.numerator, its.denominator), part * N_COLUMNS)
            columns += [(index, column) for index, column in used if column is not None]
            self._has_ratio[part] = its.denominator is not None
            if its.weights is not shared[part]:
                self._used[part].add(its.weights)
            if its.witness is not None:
                self._witness[part].add(its.witness)
        block, starts = self._starts(first, columns[0][1].size)
        for place, (index, column) in enumerate(columns):
            self._blocks[block : block + starts.size, index] += np.add.reduceat(column, starts)
            for other, earlier in columns[: place + 1]:
                product = column @ earlier
                self._products[index, other] += product
                if other != index:
                    self._products[other, index] += product

    def _starts(self, first: int, n: int) -> tuple[int, NDArray[np.int64]]:
        """The block that row `first` lies in, and where blocks begin within the `n` rows from there on, and 0."""
        block, end = (int(place) for place in np.searchsorted(self._begins, [first + 1, first + n]))
        later = self._begins[block:end] - first
        return block - 1, np.concatenate([np.zeros(1, dtype=np.int64), later])

    def done(self, parts: Sequence[Part], logged: Sequence[ColumnSums]) -> Tally:
        """The tally."""
        used = [its if its.n else own for its, own in zip(self._used, logged, strict=True)]
        about = zip([part.sign for part in parts], self._has_ratio, logged, used, self._witness, strict=True)
        sums = tuple(PartSums(*its) for its in about)
        return Tally(self._sizes, self._blocks, self._products, sums, self._is_clustered)


def tally(questions: Sequence[Sequence[Part]], block_length: int) -> list[Tally]:
    """The sums of each question, from one walk over the log.

    Args:
        questions: each one part or several; all logs hold the same rows, only targets, rewards and models may differ.
        block_length: rows per block, for intervals that resample blocks; of no account where the logs have clusters.
    """
    logs = list({id(part.log): part.log for question in questions for part in question}.values())
    sums = [_Sums(question, block_length) for question in questions]
    logged = {id(log): ColumnSums() for log in logs}
    for chunks in _side_by_side(logs):
        for key, chunk in chunks.items():
            logged[key].add(chunk.weights)
        for question, its in zip(questions, sums, strict=True):
            made = [part.estimator.columns(chunks[id(part.log)]) for part in question]
            of_parts = [chunks[id(part.log)] for part in question]
            its.add(of_parts[0].first, made, [chunk.weights for chunk in of_parts])
    return [
        its.done(question, [logged[id(part.log)] for part in question])
        for question, its in zip(questions, sums, strict=True)
    ]


def _side_by_side(logs: Sequence[LoggedRounds]) -> Iterator[dict[int, Chunk]]:
    """The chunk of each log over the same rows."""
    for chunks in zip(*(log.chunks() for log in logs), strict=True):
        yield {id(log): chunk for log, chunk in zip(logs, chunks, strict=True)}
