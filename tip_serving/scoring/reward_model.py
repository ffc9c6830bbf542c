"""A released reward model: LightGBM's C library called directly, 80 us for 20 candidates and no scipy.

The file is LightGBM's own text with one line of ours behind it, `tip_model:` and JSON: the feature contract that the
model was trained on, and the steps that calibrate its output. LightGBM reads over that line.
"""

import ctypes
import importlib.util
import json
import math
from collections.abc import Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_MARK = "tip_model:"
_FLOAT64, _ROW_MAJOR, _NORMAL, _ALL_TREES = 1, 1, 0, -1
_PARAMETERS = b"num_threads=1"  # a request is one thread's work; a pool would cost more than it saves on 20 rows


class ModelError(ValueError):
    """A file that is no reward model, or one that this build cannot serve."""


class Calibration(NamedTuple):
    """Straight pieces from the model's output to the expected reward; flat outside the first and the last point."""

    outputs: tuple[float, ...]
    """(m,) finite, growing."""
    rewards: tuple[float, ...]
    """(m,) finite, never falling, so that calibration does not change which tip is best."""


def stamp(text: str, contract_hash: str, calibration: Calibration | None) -> bytes:
    """The file of a reward model.

    Args:
        text: LightGBM's `model_to_string()`.
        contract_hash: of the features that it was trained on.
        calibration: None where the output is the expected reward as it stands.
    """
    note = {"contract_hash": contract_hash, "calibration": None if calibration is None else calibration._asdict()}
    return f"{text.rstrip()}\n{_MARK}{json.dumps(note, allow_nan=False)}\n".encode()


class RewardModel:
    """Predicts the reward of candidates from their feature vectors.

    Threads may predict; each call has a buffer of its own.

    Raises:
        ModelError: the file is no model, or was trained on other features than `names` under `contract_hash`.
    """

    def __init__(self, data: bytes, names: Sequence[str], contract_hash: str) -> None:
        self._library = _library()
        self._handle: ctypes.c_void_p | None = None
        text = _text(data)
        self._calibration = _checked_note(text, contract_hash)
        _check_names(text, names)
        self.n_features = len(names)
        self._handle = _load(data)
        self._check_outputs()

    def __del__(self) -> None:
        if self._handle is not None:
            self._library.LGBM_BoosterFree(self._handle)
            self._handle = None

    def predict(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n,) float64, the expected rewards.

        Args:
            vectors: (n, F) float64; NaN stands for what is not known.

        Raises:
            ModelError: they have another shape, or LightGBM refuses.
        """
        rows = np.ascontiguousarray(vectors, np.float64)
        if rows.ndim != 2 or rows.shape[1] != self.n_features:  # noqa: PLR2004  rows and columns
            raise ModelError(f"Vectors have shape {rows.shape}; expected (n, {self.n_features}).")
        if not len(rows):
            return np.empty(0)
        outputs: Any = _row_of(len(rows))()
        address = rows.__array_interface__["data"][0]
        n_written = ctypes.c_int64()
        status = self._library.LGBM_BoosterPredictForMat(
            self._handle, address, _FLOAT64, len(rows), self.n_features, _ROW_MAJOR, _NORMAL, 0, _ALL_TREES,
            _PARAMETERS, ctypes.byref(n_written), outputs,
        )  # fmt: skip
        if status or n_written.value != len(rows):
            raise ModelError(f"LightGBM predicted {n_written.value} of {len(rows)} rows: {_last_error(self._library)}")
        predicted: NDArray[np.float64] = np.frombuffer(outputs)
        if self._calibration is None:
            return predicted
        return np.interp(predicted, self._calibration.outputs, self._calibration.rewards)

    def _check_outputs(self) -> None:
        """Refuse a model of several classes: its predictions would overrun a buffer of one number a row."""
        n_outputs = ctypes.c_int()
        self._library.LGBM_BoosterGetNumClasses(self._handle, ctypes.byref(n_outputs))
        if n_outputs.value != 1:
            raise ModelError(f"The model has {n_outputs.value} outputs a row; a reward model has one.")


@lru_cache(maxsize=256)
def _row_of(n: int) -> type[ctypes.Array[ctypes.c_double]]:
    """Room for n numbers, which ctypes hands over in a quarter of the time that it takes numpy to name an address."""
    return ctypes.c_double * n


@cache
def _library() -> ctypes.PyDLL:
    """LightGBM's C library, without its Python package, whose import brings scipy."""
    # PyDLL keeps the interpreter during a call: a prediction takes microseconds, and whoever lets go of the interpreter
    # for it may get it back from another thread only after milliseconds.
    library = ctypes.PyDLL(_library_path())
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    library.LGBM_BoosterFree.argtypes = [ctypes.c_void_p]
    library.LGBM_BoosterPredictForMat.argtypes = [
        ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int32, ctypes.c_int32, ctypes.c_int, ctypes.c_int,
        ctypes.c_int, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    return library


def _library_path() -> str:
    spec = importlib.util.find_spec("lightgbm")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise ModelError("LightGBM is not installed; install the `serving` extra.")
    return str(Path(folders[0]) / "lib" / "lib_lightgbm.so")


def _last_error(library: ctypes.CDLL) -> str:
    said: bytes = library.LGBM_GetLastError()
    return said.decode(errors="replace")


def _load(data: bytes) -> ctypes.c_void_p:
    # Lets go of the interpreter, unlike predictions: a model of 3 MB takes 15 ms, in which requests are answered.
    library = ctypes.CDLL(_library_path())
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    handle, n_iterations = ctypes.c_void_p(), ctypes.c_int()
    if library.LGBM_BoosterLoadModelFromString(data, ctypes.byref(n_iterations), ctypes.byref(handle)):
        raise ModelError(f"LightGBM cannot load the model: {_last_error(library)}")
    return handle


def _text(data: bytes) -> str:
    """The file as text; what is cut short is told here, since LightGBM reads some of it without a word."""
    text = data.decode(errors="replace")
    if not text.startswith("tree\n") or "\nend of trees\n" not in text or "\x00" in text:
        raise ModelError("The file is not the text of a LightGBM model, or is cut short.")
    return text


def _checked_note(text: str, contract_hash: str) -> Calibration | None:
    """The calibration in the line behind the model, once the contract there is this build's."""
    _, mark, line = text.rpartition(f"\n{_MARK}")
    if not mark:
        raise ModelError(f"The model does not say on which features it was trained: it has no line {_MARK}")
    try:
        note: dict[str, Any] = json.loads(line)
        trained_on, calibration = note["contract_hash"], note["calibration"]
        points = None if calibration is None else Calibration(*(tuple(map(float, calibration[k])) for k in _FIELDS))
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"The line {_MARK} of the model cannot be read: {error!r}") from None
    if trained_on != contract_hash:
        raise ModelError(
            f"The model was trained on feature contract {trained_on}, this build has {contract_hash}. Train it again."
        )
    if points is not None and not _is_possible(points):
        raise ModelError(
            "The model's calibration needs two finite points or more, outputs growing, rewards not falling."
        )
    return points


_FIELDS = Calibration._fields


def _is_possible(points: Calibration) -> bool:
    if not 2 <= len(points.outputs) == len(points.rewards):  # noqa: PLR2004  one point is no line
        return False
    if not all(map(math.isfinite, points.outputs + points.rewards)):
        return False
    return bool((np.diff(points.outputs) > 0).all() and (np.diff(points.rewards) >= 0).all())


def _check_names(text: str, names: Sequence[str]) -> None:
    line = next((line for line in text.split("\n", 30) if line.startswith("feature_names=")), "feature_names=")
    found = line.removeprefix("feature_names=").split(" ")
    if found == list(names):
        return
    strange = [name for name in found if name not in names]
    absent = [name for name in names if name not in found]
    raise ModelError(
        f"The model reads {len(found)} features, this build has {len(names)}: not here {strange[:10]}, "
        f"not in the model {absent[:10]}"
        + ("" if strange or absent else "; they are the same in another order")
        + ". Train it again."
    )
