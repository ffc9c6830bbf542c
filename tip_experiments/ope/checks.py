"""Is this a log? Shapes first; where those fit, every value. A clean log costs one pass, a faulty one a second."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tip_experiments.ope.chunks import of_logged, row_slices
from tip_experiments.ope.errors import Fault, rows_fault

if TYPE_CHECKING:
    from tip_experiments.ope.logs import LoggedRounds

COLUMNS = ("rewards", "actions", "propensities", "target", "reward_model", "probabilities", "positions", "embedding",
           "clusters")  # fmt: skip
_WHOLE = {"actions", "positions", "embedding", "clusters"}
_SUM_TOLERANCE = 1e-6  # room for float32; policies of this package keep 1e-12
_ROUNDING = 1e-9  # a certain choice may come out as 1 + 2e-16
_TINIEST = 1e-100  # the squared weight of anything smaller overflows


class Checked(NamedTuple):
    """What one pass over the values found."""

    faults: list[Fault]
    unsupported_share: float
    model_range: tuple[float, float] | None


def as_arrays(columns: Mapping[str, Any]) -> tuple[dict[str, NDArray[Any]], list[Fault]]:
    """Columns as arrays, and the faults of those that are none; a number that is missing (None) becomes NaN."""
    arrays, faults = {}, []
    for name, values in columns.items():
        if np.ma.is_masked(values):
            faults.append(Fault(name, "must be complete; found masked values"))
            continue
        try:
            array = np.asarray(values)
        except ValueError as error:
            faults.append(Fault(name, f"must be an array: {error}"))
            continue
        if array.dtype == object and name not in _WHOLE:
            with suppress(TypeError, ValueError):  # no numbers either; `shape_faults` says so
                array = array.astype(np.float64)
        arrays[name] = array
    return arrays, faults


def shape_faults(log: "LoggedRounds") -> list[Fault]:
    """Columns whose shape or type does not fit the others."""
    return list(_shape_faults(log))


def _shape_faults(log: "LoggedRounds") -> Iterator[Fault]:
    n = log.rewards.size
    if log.rewards.ndim != 1 or n == 0:
        yield Fault("rewards", f"must be a vector of at least one row; found the shape {log.rewards.shape}")
    if n == 0:
        return  # what the other columns should look like is anybody's guess
    n_actions = log.target.shape[-1] if log.target.ndim else 0
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(("rewards", "actions", "propensities"), (n,))
    shapes |= dict.fromkeys(("positions", "embedding", "clusters"), (n,))
    shapes |= dict.fromkeys(("target", "reward_model", "probabilities"), (n, n_actions))
    for name, shape in shapes.items():
        column = getattr(log, name)
        if column is None:
            continue
        is_whole = name in _WHOLE
        if column.dtype.kind not in ("iu" if is_whole else "fiub"):
            yield Fault(name, f"must hold {'whole numbers' if is_whole else 'numbers'}; found {column.dtype}")
        if name != "rewards" and (column.shape != shape or 0 in shape):
            yield Fault(name, f"must have the shape {shape}, by the rewards and the target; found {column.shape}")


def check_values(log: "LoggedRounds") -> Checked:
    """All faults of the values of a log whose shapes fit, and what the same pass can tell."""
    faults = [*_reward_faults(log), *_propensity_faults(log), *_action_faults(log), *_cluster_faults(log)]
    masses = np.zeros(log.n_actions)
    impossible = 0.0
    is_clean = {"target": True, "probabilities": True}
    low, high = np.inf, -np.inf
    for rows in row_slices(log.n, log.n_actions):
        target = log.target[rows]
        is_clean["target"] &= _is_clean(target)
        masses += np.ones(target.shape[0]) @ target
        if log.probabilities is not None:
            probabilities = log.probabilities[rows]
            is_clean["probabilities"] &= _is_clean(probabilities)
            if not probabilities.min() > 0.0:
                impossible += float(target[probabilities <= 0.0].sum())
        if log.reward_model is not None:
            model = log.reward_model[rows]
            low, high = np.minimum(low, model.min()), np.maximum(high, model.max())
    for name in (name for name, clean in is_clean.items() if not clean):
        faults += _matrix_faults(name, getattr(log, name))
    if log.reward_model is not None and not np.isfinite([low, high]).all():
        model = log.reward_model
        wrong = ~np.asarray(np.isfinite(model).all(axis=1))
        faults += rows_fault("reward_model", "must be finite; it is not", wrong, lambda row: model[row])
    if faults:
        return Checked(faults, np.nan, None)
    faults += _disagreements(log)
    if log.probabilities is None:
        seen = np.bincount(log.actions.astype(np.int64, copy=False), minlength=log.n_actions) > 0
        impossible = float(masses[~seen].sum())
    return Checked(faults, impossible / log.n, None if log.reward_model is None else (float(low), float(high)))


def _reward_faults(log: "LoggedRounds") -> Iterator[Fault]:
    rewards = log.rewards
    if rewards.min() >= 0.0 and rewards.max() <= 1.0:
        return
    yield from rows_fault("rewards", "are NaN", np.isnan(rewards), rewards.__getitem__)
    yield from rows_fault("rewards", "are negative", rewards < 0.0, rewards.__getitem__)
    yield from rows_fault("rewards", "are above 1", rewards > 1.0, rewards.__getitem__)


def _propensity_faults(log: "LoggedRounds") -> Iterator[Fault]:
    logged = log.propensities
    if logged.min() >= _TINIEST and logged.max() <= 1.0 + _ROUNDING:
        return
    yield from rows_fault("propensities", "are NaN", np.isnan(logged), logged.__getitem__)
    yield from rows_fault("propensities", "are 0", logged == 0.0, logged.__getitem__)
    yield from rows_fault("propensities", "are negative", logged < 0.0, logged.__getitem__)
    too_small = (logged > 0.0) & (logged < _TINIEST)
    yield from rows_fault("propensities", f"are below {_TINIEST:g}", too_small, logged.__getitem__)
    yield from rows_fault("propensities", "are above 1", logged > 1.0 + _ROUNDING, logged.__getitem__)


def _action_faults(log: "LoggedRounds") -> Iterator[Fault]:
    for name, end in (("actions", log.n_actions), ("embedding", np.inf)):
        column = getattr(log, name)
        if column is None or (column.min() >= 0 and column.max() < end):
            continue
        limits = f"0..{end - 1}" if name == "actions" else "0 and above"
        yield from rows_fault(name, f"are unknown (known: {limits})", (column < 0) | (column >= end), column.item)


def _cluster_faults(log: "LoggedRounds") -> Iterator[Fault]:
    """Rows whose cluster was there before and had ended."""
    if log.clusters is None:
        return
    begins = np.concatenate([[True], log.clusters[1:] != log.clusters[:-1]])
    rows = np.flatnonzero(begins)
    _, first = np.unique(log.clusters[rows], return_index=True)
    again = np.ones(rows.size, dtype=bool)
    again[first] = False
    wrong = np.zeros(log.n, dtype=bool)
    wrong[rows[again]] = True
    yield from rows_fault("clusters", "come back after another one", wrong, log.clusters.item)


def _is_clean(probabilities: NDArray[np.float64]) -> bool:
    """Whether rows hold no negative number and sum to 1; NaN fails either comparison."""
    sums = probabilities @ np.ones(probabilities.shape[1])
    return bool(probabilities.min() >= 0.0 and abs(sums - 1.0).max() <= _SUM_TOLERANCE)


def _matrix_faults(name: str, matrix: NDArray[np.float64]) -> Iterator[Fault]:
    nan, negative, above, off = (np.zeros(matrix.shape[0], dtype=bool) for _ in range(4))
    for rows in row_slices(*matrix.shape):
        part = matrix[rows]
        nan[rows] = np.isnan(part).any(axis=1)
        negative[rows] = (part < 0.0).any(axis=1)
        above[rows] = (part > 1.0 + _ROUNDING).any(axis=1)
        off[rows] = abs(part.sum(axis=1) - 1.0) > _SUM_TOLERANCE
    yield from rows_fault(name, "holds NaN", nan, matrix.__getitem__)
    yield from rows_fault(name, "holds a negative probability", negative, matrix.__getitem__)
    yield from rows_fault(name, "holds a probability above 1", above, matrix.__getitem__)
    yield from rows_fault(name, "does not sum to 1", off & ~nan, lambda row: float(matrix[row].sum()))


def _disagreements(log: "LoggedRounds") -> Iterator[Fault]:
    """Rows whose propensity is not what the full vector gives the logged action."""
    if log.probabilities is None:
        return
    probabilities, wrong = log.probabilities, np.zeros(log.n, dtype=bool)
    for rows in row_slices(log.n, log.n_actions):
        full = of_logged(probabilities[rows], log.actions[rows])
        wrong[rows] = abs(full - log.propensities[rows]) > _SUM_TOLERANCE * full
    yield from rows_fault(
        "propensities", "are not what `probabilities` says of the logged action", wrong,
        lambda row: f"{log.propensities[row]} against {probabilities[row, log.actions[row]]}",
    )  # fmt: skip


def table_faults(table: NDArray[np.float64], log: "LoggedRounds") -> list[Fault]:
    """All faults of `p_e` (K, E), the categories that actions come with, for a log that has what mips needs."""
    if log.embedding is None or log.probabilities is None:
        raise ValueError("p_e is read together with embedding and probabilities")
    n_categories = int(log.embedding.max()) + 1
    if table.ndim != 2 or table.shape[0] != log.n_actions or table.shape[1] < n_categories:  # noqa: PLR2004  a matrix
        wanted = f"({log.n_actions}, {n_categories} or more)"
        return [Fault("p_e", f"must have the shape {wanted}, by the target and the embedding; found {table.shape}")]
    if not _is_clean(table):
        return list(_matrix_faults("p_e", table))
    impossible = np.zeros(log.n, dtype=bool)
    for rows in row_slices(log.n, log.n_actions):
        categories = log.embedding[rows]
        reached = (log.probabilities[rows] * table.T[categories]).sum(axis=1)
        impossible[rows] = reached <= 0.0
    return list(rows_fault("embedding", "could not have been logged, by p_e and probabilities,", impossible,
                           log.embedding.__getitem__))  # fmt: skip
