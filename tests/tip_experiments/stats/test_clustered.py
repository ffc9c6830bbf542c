"""Clustered means against statsmodels and by hand."""

import numpy as np
import pytest
import statsmodels.api as sm

from tip_experiments.stats.clustered import clustered_mean


@pytest.mark.parametrize("seed", range(5))
def test_the_standard_error_is_that_of_a_regression_with_clustered_covariance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, 12 + 10 * seed, 300)
    values = rng.normal(3.0, 1.0, 300) + rng.normal(0.0, 0.8, clusters.max() + 1)[clusters]
    found = clustered_mean(values, clusters)
    assert found is not None
    reference = sm.OLS(values, np.ones(300)).fit(
        cov_type="cluster", cov_kwds={"groups": clusters, "use_correction": False}
    )
    n_clusters = np.unique(clusters).size
    expected = reference.bse[0] * np.sqrt(n_clusters / (n_clusters - 1))
    assert found.mean == pytest.approx(reference.params[0], abs=1e-12)
    assert found.standard_error == pytest.approx(expected, abs=1e-10)


def test_by_hand_three_clusters() -> None:
    found = clustered_mean(np.array([1.0, 3.0, 2.0, 4.0, 5.0]), np.array(["a", "a", "b", "b", "c"]))
    assert found is not None
    # mean 3; residual sums -2, 0, 2; variance 3/2 * 8 / 25
    assert (found.mean, found.standard_error) == (3.0, pytest.approx((1.5 * 8 / 25) ** 0.5))


def test_order_and_names_of_clusters_do_not_matter() -> None:
    rng = np.random.default_rng(1)
    values, clusters = rng.normal(size=60), rng.integers(0, 9, 60)
    shuffled = rng.permutation(60)
    renamed = np.array([f"scenario {9 - cluster}" for cluster in clusters])
    one, other = clustered_mean(values, clusters), clustered_mean(values[shuffled], renamed[shuffled])
    assert one is not None
    assert other is not None
    assert one.standard_error == pytest.approx(other.standard_error)


def test_repeating_every_observation_tells_nothing_new() -> None:
    rng = np.random.default_rng(2)
    values, clusters = rng.normal(size=40), np.repeat(np.arange(20), 2)
    once, often = clustered_mean(values, clusters), clustered_mean(np.tile(values, 10), np.tile(clusters, 10))
    assert once is not None
    assert often is not None
    assert often.standard_error == pytest.approx(once.standard_error)


def test_one_cluster_has_no_standard_error_and_no_values_no_mean() -> None:
    found = clustered_mean(np.array([1.0, 2.0]), np.array([7, 7]))
    assert found is not None
    assert (found.mean, found.standard_error) == (1.5, None)
    assert clustered_mean(np.array([]), np.array([])) is None


def test_shapes_that_differ_and_values_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="one length"):
        clustered_mean(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="stands at 1"):
        clustered_mean(np.array([1.0, np.nan, 2.0]), np.arange(3))
