"""What a training set may be used for: its mature rows, parted by time, and the hash that names them.

A row is mature once its window is over, and was when its day's table was made: where that was before all of it was
settled, the rows up to its last settled failure are mature, since that one proves that their windows had passed. Later
ones are left out, for of them only the good news has arrived.
"""

import datetime as dt
import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from tip_serving.features import contract, vector
from tip_serving.training.candidate import DataWindow
from tip_serving.training.cards.card import Part
from tip_serving.training.reward import WINDOW

SHARES = (0.6, 0.2)
"""Of the rows, for fitting and for calibration; the rest is the test."""
_MIN_ROWS = {"training": 200, "calibration": 100, "test": 100}
_MIN_USERS = {"training": 20, "calibration": 10, "test": 10}
_MIN_OF_EACH = {"training": 20, "calibration": 10, "test": 10}
_ORDER = ("at", "user", "decision_id")


class TrainingError(ValueError):
    """Nothing can be trained on these rows; lists every reason."""

    def __init__(self, what: str, reasons: Sequence[str]) -> None:
        super().__init__(f"{what} cannot be trained: {'; '.join(reasons)}.")
        self.reasons = tuple(reasons)


class Parts(NamedTuple):
    """Rows by time: no row's outcome window reaches into a later part."""

    training: pl.DataFrame
    calibration: pl.DataFrame
    test: pl.DataFrame
    n_purged: int
    """Rows between two parts, whose outcome was not known when the later one began."""

    @property
    def untouched_since(self) -> dt.datetime:
        """Where the test begins."""
        first: dt.datetime = self.test["at"].min()  # type: ignore[assignment]  # a part has rows
        return first


def mature(table: pl.DataFrame, now: dt.datetime) -> pl.DataFrame:
    """The rows whose reward stands, of the contract in force, in order of moment.

    Args:
        table: the training set.
        now: aware; a success whose window is still open is left out, as failures of its age are not known yet.
    """
    day = pl.col("at").dt.date()
    is_over = pl.col("is_settled").all().over(day)
    is_failure = pl.col("is_settled") & (pl.col("reward") == 0.0)
    is_mature = is_over | (pl.col("at") <= pl.col("at").filter(is_failure).max().over(day))
    return (
        table.filter(pl.col("at") + WINDOW < now)
        .filter(is_mature & pl.col("is_settled") & pl.col("reward").is_not_null())
        .filter(pl.col("contract_hash") == contract.contract_hash())
        .sort(_ORDER)
    )


def parted(rows: pl.DataFrame, what: str) -> Parts:
    """The rows by time, for what is to be trained.

    Args:
        rows: mature, in order of moment.
        what: is trained, for the error.

    Raises:
        TrainingError: a part has too few rows, people, successes or failures; lists all that is missing.
    """
    if rows.is_empty():
        raise TrainingError(what, ["there is no decision whose reward is settled"])
    n_fit = round(SHARES[0] * rows.height)
    n_seen = round(sum(SHARES) * rows.height)
    moments = rows["at"]
    first_calibration, first_test = moments[min(n_fit, rows.height - 1)], moments[min(n_seen, rows.height - 1)]
    at = pl.col("at")
    parts = Parts(
        rows.filter(at + WINDOW <= first_calibration),
        rows.filter((at >= first_calibration) & (at + WINDOW <= first_test)),
        rows.filter(at >= first_test),
        0,
    )
    if reasons := _too_little(parts):
        raise TrainingError(what, [*reasons, *_too_short(parts, moments)])
    return parts._replace(n_purged=rows.height - sum(part.height for part in parts[:3]))


def _too_little(parts: Parts) -> list[str]:
    reasons = []
    for name, part in zip(("training", "calibration", "test"), parts[:3], strict=True):
        n_users, n_good = part["user"].n_unique(), int((part["reward"] >= 0.5).sum())  # noqa: PLR2004  a success
        for found, least, unit in (
            (part.height, _MIN_ROWS[name], "decisions"),
            (n_users, _MIN_USERS[name], "people"),
            (n_good, _MIN_OF_EACH[name], "successes"),
            (part.height - n_good, _MIN_OF_EACH[name], "failures"),
        ):
            if found < least:
                reasons.append(f"{found} {unit} for {name}, at least {least} are needed")
    return reasons


def _too_short(parts: Parts, moments: pl.Series) -> list[str]:
    """That the windows between the parts leave nothing of them, where that is so."""
    if all(part.height for part in parts[:3]):
        return []
    days = (moments[-1] - moments[0]) / dt.timedelta(days=1)
    hours = WINDOW / dt.timedelta(hours=1)
    return [f"the decisions span {days:.1f} days, and {hours:g} hours have to lie between one part and the next"]


def features(rows: pl.DataFrame) -> NDArray[np.float64]:
    """(n, F) float64, the vectors."""
    table: NDArray[np.float64] = rows.select(vector.names()).to_numpy().astype(np.float64, copy=False)
    return np.ascontiguousarray(table)


def rewards(rows: pl.DataFrame) -> NDArray[np.float64]:
    """(n,) float64 in [0, 1]."""
    return rows["reward"].to_numpy().astype(np.float64)


def people(rows: pl.DataFrame) -> NDArray[np.int64]:
    """(n,) int64, equal for rows of one person."""
    codes: NDArray[np.int64] = rows["user"].rank("dense").cast(pl.Int64).to_numpy() - 1
    return codes


def window_of(rows: pl.DataFrame) -> DataWindow:
    """The days that the rows span, and the hash of every value in them."""
    first, last = rows["at"].min(), rows["at"].max()
    if not isinstance(first, dt.datetime) or not isinstance(last, dt.datetime):
        raise TypeError("A data window needs rows; found none.")
    return DataWindow(
        first_day=first.date(),
        last_day=last.date(),
        n_rows=rows.height,
        n_users=rows["user"].n_unique(),
        sha256=content_hash(rows),
    )


def content_hash(rows: pl.DataFrame) -> str:
    """64 hexadecimal digits over the names and every value of the rows, whatever library wrote them."""
    digest = hashlib.sha256()
    for column in rows.iter_columns():
        digest.update(f"{column.name}:{column.len()}\0".encode())
        if column.dtype == pl.String:
            digest.update("\0".join("\1" if value is None else value for value in column).encode())
        else:
            digest.update(column.is_null().to_numpy().tobytes())
            numbers = column.to_physical().fill_null(0)
            digest.update(
                np.ascontiguousarray(numbers.to_numpy()).astype("<f8" if numbers.dtype.is_float() else "<i8").tobytes()
            )
    return digest.hexdigest()


def described(parts: Parts) -> tuple[Part, ...]:
    """What the rows were used for."""
    return tuple(
        Part(
            name=name,
            first_at=part["at"].min(),
            last_at=part["at"].max(),
            n_rows=part.height,
            n_users=part["user"].n_unique(),
            reward_rate=float(rewards(part).mean()),
        )
        for name, part in zip(("training", "calibration", "test"), parts[:3], strict=True)
    )
