"""Packed vectors: every bit comes back, whatever the numbers are, and equal columns are kept once."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tip_serving.events.vectors import PackedVectors, digest, pack, unpack

_TABLES = arrays(
    np.uint64, st.tuples(st.integers(1, 6), st.integers(0, 8)), elements=st.sampled_from([0, 1, 1 << 63, 0x7FF8 << 48,
    0x7FF0 << 48, 0x7FF8_0000_0000_0001, 0x3FF0 << 48]) | st.integers(0, 2**64 - 1),
).map(lambda bits: bits.view(np.float64))  # fmt: skip


@given(_TABLES)
def test_every_bit_comes_back_through_json(table: np.ndarray) -> None:
    through = msgspec.json.decode(msgspec.json.encode(pack(table)), type=PackedVectors)
    assert unpack(through).shape == table.shape
    assert unpack(through).tobytes() == table.tobytes()


@given(_TABLES, st.data())
def test_the_digest_changes_with_any_bit(table: np.ndarray, data: st.DataObject) -> None:
    assert digest(pack(table)) == digest(pack(table.copy(order="F")))
    if table.size:
        other = table.copy()
        place = data.draw(st.integers(0, table.size - 1))
        other.view(np.uint64).flat[place] ^= np.uint64(1 << data.draw(st.integers(0, 63)))
        assert digest(pack(other)) != digest(pack(table))


@given(_TABLES, st.integers(0, 8))
def test_columns_that_are_known_to_be_shared_need_no_look(table: np.ndarray, n_shared: int) -> None:
    n_shared = min(n_shared, table.shape[1])
    table[:, :n_shared] = table[0, :n_shared]
    assert pack(table, n_shared) == pack(table)


def test_the_digest_knows_the_shape() -> None:
    assert digest(pack(np.zeros((2, 3)))) != digest(pack(np.zeros((3, 2))))


def test_columns_that_all_rows_share_are_kept_once() -> None:
    table = np.array([[1.0, np.nan, 3.0], [1.0, np.nan, 4.0], [1.0, np.nan, 5.0]])
    packed = pack(table)
    assert packed.varying == (2,)
    assert len(packed.first_row) == 3 * 8
    assert len(packed.other_rows) == 2 * 8


def test_no_rows_come_back_as_no_rows() -> None:
    assert unpack(pack(np.empty((0, 5)))).shape == (0, 0)


@pytest.mark.parametrize("wrong", [np.zeros(3), np.zeros((2, 2), np.float32), np.zeros((2, 2), np.int64)])
def test_only_tables_of_float64_are_taken(wrong: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected a table of float64"):
        pack(wrong)
