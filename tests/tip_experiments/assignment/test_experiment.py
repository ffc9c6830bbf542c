"""What the definition of an experiment refuses."""

from typing import Any

import pytest

from tip_experiments.assignment.buckets import BucketRange
from tip_experiments.assignment.experiment import Experiment, ExperimentError, Filter, Holdout, Namespace


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"key": ""}, "the key is empty"),
        ({"variations": ()}, "there is no variation"),
        ({"variations": ("a", "")}, "a variation has no name"),
        ({"variations": ("a", "a")}, "variations repeat in a, a"),
        ({"hash_attribute": ""}, "the hash attribute is empty"),
        ({"coverage": 1.1}, "coverage is 1.1"),
        ({"coverage": float("nan")}, "coverage is nan"),
        ({"weights": (1.0,)}, "1 weights for 2 variations"),
        ({"weights": (0.7, 0.6)}, "weights sum to 1.3"),
        ({"weights": (1.5, -0.5)}, "not all within 0 to 1"),
        ({"weights": (float("nan"), 0.5)}, "not all within 0 to 1"),
        ({"ranges": (BucketRange(0, 1),)}, "1 ranges for 2 variations"),
        ({"ranges": (BucketRange(0, 0.6), BucketRange(0.5, 1))}, r"\(0, 0.6\) and \(0.5, 1\) overlap"),
        ({"ranges": (BucketRange(0.6, 0.1), BucketRange(0.7, 1))}, r"\(0.6, 0.1\)\] are not parts of the line"),
        ({"namespace": Namespace("n", 0.5, 0.1)}, "namespace 'n'"),
        ({"filters": (Filter("s", (BucketRange(0, 2),)),)}, "filter 's'"),
        ({"holdouts": (Holdout("h", -0.1),)}, "hold-out 'h' takes -0.1"),
        ({"namespace": ("n", 0.5, 0.1)}, "namespace 'n'"),
        ({"holdouts": (("h", -0.1),)}, "hold-out 'h' takes -0.1"),
        ({"hash_version": 3}, "hash version 3 is unknown"),
        ({"min_bucket_version": 1}, "from 1 to 0"),
        ({"bucket_version": -1, "min_bucket_version": -1}, "from -1 to -1"),
    ],
)
def test_a_definition_that_cannot_be_meant_is_refused(fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ExperimentError, match=fault):
        Experiment(**{"key": "tips", "variations": ("v1", "v2"), **fields})


def test_all_faults_are_told_at_once() -> None:
    with pytest.raises(ExperimentError) as error:
        Experiment(key="tips", variations=("v1", "v1"), coverage=2, weights=(0.5,), min_bucket_version=4)
    assert all(word in str(error.value) for word in ("'tips'", "repeat", "coverage is 2", "1 weights", "from 4 to 0"))
