"""What the linear policies remember: for each arm the sums of a ridge regression of rewards on features.

Sums are integers, in units of 2^-30. So feedback in any order and in any batches leads to the same bits, and so does
the regression made of them: nothing but + - * / element by element, in a fixed order, no BLAS and no LAPACK.
A feature should vary by about one: products below 1e-6 drown in the unit, above 1024 a context is refused.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from tip_experiments.policies.errors import PolicyError, StateError
from tip_experiments.policies.feedback import Checked
from tip_experiments.policies.roster import Prior
from tip_experiments.policies.units import UNITS, check_sums, powers

_ROWS_AT_ONCE = 256  # 256 rows of products of 64 features are 4 MB; and their sum stays below 2^58


class Fit(NamedTuple):
    """The regressions, a function of the sums; D = d + 1, the first feature is the constant 1."""

    coefficients: NDArray[np.float64]
    """(D, K) float64, posterior means."""
    covariances: NDArray[np.float64]
    """(T, K) float64, T = D (D + 1) / 2: upper triangles of the inverse precisions, off-diagonal entries doubled."""
    misfits: NDArray[np.float64]
    """(K,) float64 >= 0, squared error of the fit plus that of the prior."""
    digests: tuple[bytes, ...]
    """(K,) a hash of the sums of each arm."""


@dataclass(frozen=True, eq=False)
class LinearSums:
    """Sums of K arms over D features, and the regressions that follow from them."""

    sums: NDArray[np.int64]
    """(K, T + D + 1) int64: upper triangle of the products of features, features times reward, squared reward."""
    fit: Fit

    @classmethod
    def of(cls, sums: NDArray[np.int64], priors: Sequence[Prior], n_features: int, ridge: float) -> Self:
        """The sums with their regressions."""
        return cls(sums, _fit(sums, priors, n_features + 1, ridge))

    @classmethod
    def empty(cls, priors: Sequence[Prior], n_features: int, ridge: float) -> Self:
        """No feedback yet."""
        return cls.of(np.zeros((len(priors), width(n_features)), np.int64), priors, n_features, ridge)

    @classmethod
    def from_memory(cls, memory: Sequence[bytes], priors: Sequence[Prior], n_features: int, ridge: float) -> Self:
        """What `memory` wrote.

        Raises:
            StateError: there are too few or too many bytes.
        """
        expected = [8 * width(n_features)] * len(priors)
        if (found := [len(block) for block in memory]) != expected:
            raise StateError(f"The memory of linear arms has {found} bytes; expected {expected}.")
        sums = np.frombuffer(b"".join(memory), "<i8").reshape(len(priors), -1).astype(np.int64)
        return cls.of(sums, priors, n_features, ridge)

    def memory(self) -> list[bytes]:
        """The sums of each arm, little-endian."""
        return [row.astype("<i8").tobytes() for row in self.sums]

    @property
    def counts(self) -> NDArray[np.float64]:
        """(K,) float64, observations of each arm, discounted ones in part."""
        return self.sums[:, 0] / UNITS

    def updated(self, feedback: Checked, priors: Sequence[Prior], ridge: float, keep: float) -> Self:
        """With `feedback` added; `keep` is what remains of a sum's weight when one more observation arrives.

        Raises:
            FeedbackError: a sum would leave its integers.
        """
        n = len(feedback.positions)
        if n == 0:
            return self
        weights = powers(keep, n)
        sums = np.rint(self.sums * weights[n]).astype(np.int64) if keep < 1 else self.sums.copy()
        touched = sorted(set(feedback.positions.tolist()))
        for arm in touched:
            rows = np.flatnonzero(feedback.positions == arm)
            for start in range(0, len(rows), _ROWS_AT_ONCE):
                part = rows[start : start + _ROWS_AT_ONCE]
                products = _products(feedback.contexts[part], feedback.rewards[part])
                products *= (weights[n - 1 - part] * UNITS)[:, None]
                sums[arm] += np.rint(products, out=products).astype(np.int64).sum(axis=0)
                check_sums(sums[arm])
        if keep < 1:
            touched = list(range(len(sums)))
        n_features = feedback.contexts.shape[1]
        part_fit = _fit(sums[touched], [priors[arm] for arm in touched], n_features + 1, ridge)
        return replace(self, sums=sums, fit=_merged(self.fit, part_fit, touched))

    def moved(self, origins: Sequence[int], priors: Sequence[Prior], n_features: int, ridge: float) -> Self:
        """For arms that stay (position in these sums) or are new (-1)."""
        empty = np.zeros((1, self.sums.shape[1]), np.int64)
        return self.of(np.concatenate([self.sums, empty])[list(origins)], priors, n_features, ridge)


def width(n_features: int) -> int:
    """How many sums there are of one arm."""
    n_columns = n_features + 1
    return n_columns * (n_columns + 1) // 2 + n_columns + 1


def _products(contexts: NDArray[np.float64], rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, T + D + 1) what each row adds to the sums."""
    features = np.concatenate([np.ones((len(contexts), 1)), contexts], axis=1)
    upper, right = np.triu_indices(features.shape[1])
    by_reward = np.concatenate([features, rewards[:, None]], axis=1) * rewards[:, None]
    return np.concatenate([features[:, upper] * features[:, right], by_reward], axis=1)


def _merged(whole: Fit, part: Fit, touched: Sequence[int]) -> Fit:
    """`whole` with the arms `touched` replaced by those of `part`."""
    coefficients, covariances, misfits = whole.coefficients.copy(), whole.covariances.copy(), whole.misfits.copy()
    coefficients[:, touched], covariances[:, touched], misfits[touched] = part[:3]
    digests = list(whole.digests)
    for arm, digest in zip(touched, part.digests, strict=True):
        digests[arm] = digest
    return Fit(coefficients, covariances, misfits, tuple(digests))


def _fit(sums: NDArray[np.int64], priors: Sequence[Prior], n_columns: int, ridge: float) -> Fit:
    """Regressions in which the constant has the prior's mean and weight, and every feature 0 and the ridge."""
    if n_columns < 1 or not ridge > 0:
        raise PolicyError(
            f"A linear policy cannot have {n_columns - 1} features and ridge {ridge}; expected at least 0 and above 0."
        )
    upper, right = np.triu_indices(n_columns)
    means, ns = np.array(priors, np.float64).T
    values = sums / UNITS
    precisions = np.empty((len(sums), n_columns, n_columns))
    precisions[:, upper, right] = precisions[:, right, upper] = values[:, : len(upper)]
    precisions[:, 0, 0] += ns
    inner = np.arange(1, n_columns)
    precisions[:, inner, inner] += ridge
    moments = values[:, len(upper) : -1]
    moments[:, 0] += means * ns
    inverses = inverse(precisions)
    coefficients = np.add.reduce(np.ascontiguousarray(inverses.transpose(2, 0, 1)) * moments.T[:, :, None], axis=0)
    # A running sum: `add.reduce` would add in another order for one arm than for several.
    explained = np.add.accumulate(coefficients * moments, axis=1)[:, -1]
    misfits = np.maximum(values[:, -1] + means**2 * ns - explained, 0.0)
    covariances = inverses[:, upper, right] * np.where(upper == right, 1.0, 2.0)
    digests = tuple(blake2b(row.astype("<i8").tobytes(), digest_size=16).digest() for row in sums)
    return Fit(np.ascontiguousarray(coefficients.T), np.ascontiguousarray(covariances.T), misfits, digests)


def inverse(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
    """(m, D, D) inverses of symmetric positive definite matrices, by sweeps, which need no pivoting for these.

    LAPACK is faster from some twenty features on, but its last digits depend on how it was built.
    """
    swept = matrices.copy()
    for pivot in range(matrices.shape[1]):
        scale = 1.0 / swept[:, pivot, pivot]
        column = swept[:, :, pivot].copy()
        row = swept[:, pivot, :] * scale[:, None]
        swept -= column[:, :, None] * row[:, None, :]
        swept[:, pivot, :] = row
        swept[:, :, pivot] = -column * scale[:, None]
        swept[:, pivot, pivot] = scale
    return swept
