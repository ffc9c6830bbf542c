"""The reward model: LightGBM's C library says what its Python package says, and refuses what was not trained for us."""

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import pytest
from support.released import model_file, rows, trained

from tip_serving.features import contract, vector
from tip_serving.scoring.reward_model import Calibration, ModelError, RewardModel, stamp

HASH = contract.contract_hash()


def loaded(data: bytes, contract_hash: str = HASH) -> RewardModel:
    return RewardModel(data, vector.names(), contract_hash)


def test_predictions_are_those_of_the_python_package_bit_for_bit() -> None:
    questions = rows(50)
    expected = trained(1).predict(questions, num_threads=1)
    assert np.array_equal(loaded(model_file(1)).predict(questions), expected)
    assert np.ptp(expected) > 0.1


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_any_number_of_rows_is_predicted_alone_as_among_others(n: int) -> None:
    model, questions = loaded(model_file(1)), rows(n)
    alone = [model.predict(questions[position : position + 1])[0] for position in range(n)]
    assert model.predict(questions).tolist() == alone
    assert model.predict(np.asfortranarray(questions)).tolist() == alone
    assert model.predict(rows(2 * n)[::2]).tolist() == model.predict(np.ascontiguousarray(rows(2 * n)[::2])).tolist()


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(ModelError, match=r"shape \(3, 2\)"):
        loaded(model_file(1)).predict(np.zeros((3, 2)))
    with pytest.raises(ModelError, match="expected"):
        loaded(model_file(1)).predict(np.zeros(len(vector.names())))


def test_threads_predict_at_once_without_disturbing_one_another() -> None:
    model = loaded(model_file(1))
    questions = [rows(20, seed) for seed in range(8)]
    expected = [model.predict(rows_of).tolist() for rows_of in questions]
    wrong: list[int] = []

    def predict(position: int) -> None:
        answers = [model.predict(questions[position]).tolist() for _ in range(300)]
        wrong.extend(position for answer in answers if answer != expected[position])

    threads = [threading.Thread(target=predict, args=(position,)) for position in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_calibration_moves_scores_along_its_pieces_and_keeps_their_order() -> None:
    outputs = trained(1).predict(rows(50), num_threads=1)
    pieces = Calibration((0.2, 0.5, 0.8), (0.01, 0.02, 0.4))
    found = loaded(model_file(1, calibration=pieces)).predict(rows(50))
    by_hand = [
        0.01 if x <= 0.2 else 0.4 if x >= 0.8 else 0.01 + (x - 0.2) / 30 if x < 0.5 else 0.02 + (x - 0.5) * 0.38 / 0.3
        for x in outputs
    ]
    assert found == pytest.approx(by_hand, abs=1e-12)
    assert (np.diff(found[np.argsort(outputs)]) >= 0).all()


@pytest.mark.parametrize(
    "pieces",
    [((0.2,), (0.1,)), ((0.2, 0.2), (0.1, 0.2)), ((0.2, 0.5), (0.4, 0.1)), ((0.2, 0.5), (0.1, 0.2, 0.3)),
     ((0.2, float("1e999")), (0.1, 0.2))],
)  # fmt: skip
def test_a_calibration_that_is_no_growing_line_is_refused(
    pieces: tuple[tuple[float, ...], tuple[float, ...]],
) -> None:
    data = model_file(1, calibration=Calibration((0.0, 1.0), (0.0, 1.0)))
    head, _, _ = data.rpartition(b"tip_model:")
    note = '{"contract_hash": "%s", "calibration": {"outputs": %s, "rewards": %s}}' % (  # noqa: UP031
        HASH, str(list(pieces[0])).replace("inf", "1e999"), list(pieces[1]),
    )  # fmt: skip
    with pytest.raises(ModelError, match="calibration"):
        loaded(head + b"tip_model:" + note.encode())


def test_a_model_of_another_contract_is_refused_with_both_hashes() -> None:
    with pytest.raises(ModelError, match=f"contract 0123456789abcdef, this build has {HASH}"):
        loaded(model_file(1, "0123456789abcdef"))


def test_a_model_of_other_features_is_refused_by_name() -> None:
    names = ("stray", *vector.names()[1:])
    data = stamp(trained(1, names).model_to_string(), HASH, None)
    with pytest.raises(ModelError, match=rf"\['stray'\], not in the model \['{vector.names()[0]}'\]"):
        loaded(data)


def test_the_same_features_in_another_order_are_refused() -> None:
    data = stamp(trained(1, vector.names()[::-1]).model_to_string(), HASH, None)
    with pytest.raises(ModelError, match="the same in another order"):
        loaded(data)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _: b"", "not the text"),
        (lambda _: b"\x00\xff" * 500, "not the text"),
        (lambda data: data[: len(data) // 2], "cut short"),
        (lambda data: data.rpartition(b"tip_model:")[0], "does not say on which features"),
        (lambda data: data + b"tip_model:{", "cannot be read"),
        (lambda data: data.rpartition(b"tip_model:")[0] + b"tip_model:[]\n", "cannot be read"),
    ],
)
def test_a_file_that_is_no_model_is_refused(spoil: Callable[[bytes], bytes], reason: str) -> None:
    with pytest.raises(ModelError, match=reason):
        loaded(spoil(model_file(1)))


def test_a_model_of_several_classes_is_refused_before_it_overruns_a_buffer() -> None:
    rng = np.random.default_rng(0)
    data = lightgbm.Dataset(rng.random((300, len(vector.names()))), rng.integers(3, size=300),
                            feature_name=list(vector.names()))  # fmt: skip
    settings = {"objective": "multiclass", "num_class": 3, "verbose": -1, "num_threads": 1}
    booster = lightgbm.train(settings, data, 2)
    with pytest.raises(ModelError, match="3 outputs"):
        loaded(stamp(booster.model_to_string(), HASH, None))


def test_models_that_come_and_go_leave_no_memory_behind(tmp_path: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from tip_serving.features import contract, vector
from tip_serving.scoring.reward_model import RewardModel
data = Path(sys.argv[1]).read_bytes()
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(50):
    RewardModel(data, vector.names(), contract.contract_hash())
before = peak()
for _ in range(400):
    RewardModel(data, vector.names(), contract.contract_hash())
print(peak() - before, "scipy" in sys.modules, "lightgbm" in sys.modules)
"""
    path = tmp_path / "model.txt"
    path.write_bytes(model_file(1))
    command = [sys.executable, "-c", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    grown_kb, has_scipy, has_package = done.stdout.split()
    # 400 models of 30 kB each, kept, would be more than ten times this.
    assert int(grown_kb) < 1_500
    assert (has_scipy, has_package) == ("False", "False")
