"""Feature vectors as an event carries them: bit for bit, NaN included, and without repeating what all rows share.

Most features describe the person and the moment and are equal for every tip of a decision; those are kept once.
"""

import hashlib
import sys
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

_BITS = np.dtype("<u8")  # compared and kept as bits: NaN equals itself and -0.0 is not 0.0
_VALUES = np.dtype("<f8")
_Count = Annotated[int, msgspec.Meta(ge=0)]


class PackedVectors(msgspec.Struct, frozen=True, kw_only=True):
    """One row of features per tip; numbers are little-endian 64-bit floats, in JSON as base64."""

    n_rows: _Count
    varying: tuple[_Count, ...]
    """The columns in which the rows differ."""
    first_row: bytes
    """All columns of the first row."""
    other_rows: bytes
    """The varying columns of the remaining rows, row by row."""


def pack(vectors: NDArray[np.float64], n_shared: int = 0) -> PackedVectors:
    """The rows in the form of an event.

    Args:
        vectors: (n_tips, n_features) float64; NaN where a number is missing.
        n_shared: the first so many columns are known to be equal in all rows, and are not compared.

    Raises:
        ValueError: not a table of float64.
    """
    bits = _table(vectors).view(_BITS)
    if len(bits) == 0:
        return PackedVectors(n_rows=0, varying=(), first_row=b"", other_rows=b"")
    # Column after column as bytes: one whose rows are all alike equals itself moved by a row.
    columns, length = bits[:, n_shared:].T.tobytes(), len(bits) * _BITS.itemsize
    varying = [
        place
        for place, at in enumerate(range(0, len(columns), length), n_shared)
        if columns[at : at + length - _BITS.itemsize] != columns[at + _BITS.itemsize : at + length]
    ]
    return PackedVectors(
        n_rows=len(bits),
        varying=tuple(varying),
        first_row=bits[0].tobytes(),
        other_rows=bits[1:].take(varying, axis=1).tobytes(),
    )


def unpack(packed: PackedVectors) -> NDArray[np.float64]:
    """The (n_tips, n_features) float64 table that `pack` was given; (0, 0) where it had no rows.

    Raises:
        ValueError: the parts do not fit one another.
    """
    if packed.n_rows == 0:
        return np.empty((0, 0))
    first = np.frombuffer(packed.first_row, _BITS)
    bits = np.repeat(first[np.newaxis], packed.n_rows, axis=0)
    varying = list(packed.varying)
    bits[1:, varying] = np.frombuffer(packed.other_rows, _BITS).reshape(packed.n_rows - 1, len(varying))
    return bits.view(_VALUES).astype(np.float64, copy=False)


def digest(packed: PackedVectors) -> str:
    """16 hex digits over the shape and every bit of the table; another table has others."""
    shape = f"{packed.n_rows}:{packed.varying}:".encode()
    whole = b"".join((shape, packed.first_row, packed.other_rows))
    return hashlib.blake2b(whole, digest_size=8).hexdigest()


def _table(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    if vectors.ndim != 2 or vectors.dtype != np.float64:  # noqa: PLR2004  rows and columns
        raise ValueError(
            f"Feature vectors cannot be kept: found {vectors.dtype} of shape {vectors.shape}, expected a table of "
            "float64 with one row per tip"
        )
    little = vectors if sys.byteorder == "little" else vectors.astype(_VALUES)
    return np.ascontiguousarray(little)
