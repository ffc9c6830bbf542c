"""A faulty log raises one error that holds every fault of every kind, each with its first ten rows."""

from typing import Any

import numpy as np
import pytest
from support import logged

from tip_experiments import ope


def columns(n: int = 200) -> dict[str, Any]:
    world = logged.draw(np.random.default_rng(0), n)
    return {**world.columns, "probabilities": logged.LOGGING[world.contexts]}


def fault_of(given: dict[str, Any]) -> ope.LogError:
    with pytest.raises(ope.LogError) as caught:
        ope.dr(**given)
    return caught.value


def test_a_clean_log_passes() -> None:
    assert ope.dr(**columns()).is_reliable


@pytest.mark.parametrize(
    ("column", "value", "complaint"),
    [
        ("rewards", np.nan, "rewards are NaN"),
        ("rewards", -0.5, "rewards are negative"),
        ("rewards", 1.5, "rewards are above 1"),
        ("rewards", np.inf, "rewards are above 1"),
        ("propensities", np.nan, "propensities are NaN"),
        ("propensities", 0.0, "propensities are 0"),
        ("propensities", -0.1, "propensities are negative"),
        ("propensities", 1.1, "propensities are above 1"),
        ("propensities", 1e-200, "propensities are below 1e-100"),
        ("actions", 4, r"actions are unknown (known: 0..3)"),
        ("actions", -1, r"actions are unknown (known: 0..3)"),
        ("reward_model", np.nan, "reward_model must be finite; it is not"),
        ("reward_model", np.inf, "reward_model must be finite; it is not"),
        ("target", np.nan, "target holds NaN"),
        ("target", -0.1, "target holds a negative probability"),
        ("target", 1.2, "target holds a probability above 1"),
        ("target", 0.0, "target does not sum to 1"),
        ("probabilities", 0.9, "probabilities does not sum to 1"),
    ],
)
def test_a_wrong_value_is_named_with_its_row(column: str, value: float, complaint: str) -> None:
    given = columns()
    given[column] = given[column].copy()
    row = 17
    given[column][(row, 0) if given[column].ndim == 2 else row] = value
    error = fault_of(given)
    (fault,) = [fault for fault in error.faults if str(fault).startswith(complaint)]
    assert fault.rows == (17,)
    assert f"{complaint} in 1 rows (row: value), the first: 17: " in str(error)
    is_probability = column in {"propensities", "target", "probabilities"}
    assert isinstance(error, ope.PropensityError) == is_probability


def test_every_kind_of_fault_comes_at_once_with_its_first_ten_rows() -> None:
    given = {key: value.copy() for key, value in columns().items()}
    given["rewards"][5:40] = 2.0
    given["rewards"][50] = np.nan
    given["propensities"][100:103] = 0.0
    given["actions"][7] = 9
    given["target"][60] = 0.3
    given["reward_model"][61, 2] = np.nan
    error = fault_of(given)
    assert isinstance(error, ope.PropensityError)
    found = {f"{fault.column} {fault.complaint}": fault for fault in error.faults}
    assert sorted(found) == [
        "actions are unknown (known: 0..3)", "propensities are 0", "reward_model must be finite; it is not",
        "rewards are NaN", "rewards are above 1", "target does not sum to 1",
    ]  # fmt: skip
    assert found["rewards are above 1"].n_rows == 35
    assert found["rewards are above 1"].rows == tuple(range(5, 15))
    assert "100: 0.0, 101: 0.0, 102: 0.0" in str(error)
    assert "60: 1.2" in str(error), "a row that does not sum to 1 shows its sum"


def test_propensities_that_the_full_vector_contradicts_are_named() -> None:
    given = columns()
    given["propensities"] = given["propensities"].copy()
    given["propensities"][3] = 0.9
    (fault,) = fault_of(given).faults
    assert fault.rows == (3,)
    assert "are not what `probabilities` says" in fault.complaint
    assert fault.found[0].startswith("0.9 against 0.")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"actions": np.zeros(199, int)}, "the shape (200,), by the rewards and the target; found (199,)"),
        ({"target": np.ones(200)}, "target must have the shape (200, 200)"),
        ({"target": np.ones((200, 0))}, "target must have the shape (200, 0)"),
        ({"reward_model": np.ones((200, 3))}, "reward_model must have the shape (200, 4)"),
        ({"rewards": np.ones((200, 1))}, "rewards must be a vector of at least one row; found the shape (200, 1)"),
        ({"actions": np.zeros(200)}, "actions must hold whole numbers; found float64"),
        ({"rewards": np.array(["good"] * 200)}, "rewards must hold numbers; found <U4"),
        ({"positions": np.zeros(3, int)}, "positions must have the shape (200,)"),
        ({"target": [[0.5, 0.5]] * 199 + [[1.0]]}, "target must be an array: setting an array element"),
        ({"actions": [0] * 199 + [None]}, "actions must hold whole numbers; found object"),
        ({"rewards": np.ma.masked_equal(np.ones(200), 1.0)}, "rewards must be complete; found masked values"),
    ],
)  # fmt: skip
def test_shapes_and_types_that_do_not_fit_are_named(changes: dict[str, Any], complaint: str) -> None:
    assert complaint in str(fault_of({**columns(), **changes}))


def test_several_wrong_shapes_come_at_once() -> None:
    error = fault_of({**columns(), "actions": np.zeros(3, int), "propensities": np.ones(4)})
    assert isinstance(error, ope.PropensityError)
    assert [fault.column for fault in error.faults] == ["actions", "propensities"]


def test_an_empty_log_is_refused() -> None:
    empty = {key: value[:0] for key, value in columns().items()}
    for given in (empty, {key: [] for key in empty}):
        error = fault_of(given)
        assert [str(fault) for fault in error.faults] == [
            "rewards must be a vector of at least one row; found the shape (0,)"
        ]
        assert not isinstance(error, ope.PropensityError)


def test_numbers_that_are_missing_from_lists_are_named_with_their_rows() -> None:
    given = {key: value.tolist() for key, value in columns().items()}
    given["rewards"][4] = given["propensities"][6] = None
    faults = {fault.column: fault for fault in fault_of(given).faults}
    assert (faults["rewards"].complaint, faults["rewards"].rows) == ("are NaN", (4,))
    assert (faults["propensities"].complaint, faults["propensities"].rows) == ("are NaN", (6,))


def test_several_columns_that_are_no_arrays_come_at_once() -> None:
    ragged = [[0.25] * 4] * 199 + [[1.0]]
    error = fault_of({**columns(), "target": ragged, "reward_model": ragged})
    assert [fault.column for fault in error.faults] == ["target", "reward_model"]


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (np.eye(3), r"p_e must have the shape \(4, 2 or more\)"),
        (np.ones((4, 1)), r"p_e must have the shape \(4, 2 or more\)"),
        (np.full((4, 2), 0.4), "p_e does not sum to 1 in 4 rows"),
        (np.tile([1.0, 0.0], (4, 1)), "embedding could not have been logged"),
    ],
)
def test_a_table_of_categories_that_does_not_fit_is_refused(table: np.ndarray, complaint: str) -> None:
    given = columns()
    del given["reward_model"]
    with pytest.raises(ope.LogError, match=complaint):
        ope.mips(**given, embedding=given["actions"] % 2, p_e=table)


def test_a_negative_category_is_refused() -> None:
    given = columns()
    del given["reward_model"]
    with pytest.raises(ope.LogError, match="embedding are unknown"):
        ope.mips(**given, embedding=given["actions"] - 2)


def test_rounding_of_a_certain_choice_is_no_fault() -> None:
    given = columns()
    del given["probabilities"]
    given["target"] = np.eye(4)[given["actions"]] * (1.0 + 4e-16)
    given["propensities"] = np.full(200, 1.0 + 2e-16)
    assert ope.dr(**given).value > 0.0
