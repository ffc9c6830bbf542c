"""Standard errors and intervals: by hand, against resampling written out, and by how often they hold the truth."""

from collections.abc import Callable
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from support import logged

from tip_experiments import ope

MODELLED = ("dm", "dr", "sndr", "switch_dr", "dr_os")


def estimate(name: str, columns: dict[str, Any], **more: Any) -> ope.Estimate:
    kept = {key: value for key, value in columns.items() if key != "reward_model" or name in MODELLED}
    found: ope.Estimate = getattr(ope, name)(**kept, **more)
    return found


def weights_of(columns: dict[str, Any]) -> np.ndarray:
    found: np.ndarray = (
        columns["target"][np.arange(len(columns["actions"])), columns["actions"]] / columns["propensities"]
    )
    return found


def test_the_standard_error_of_a_mean_is_the_samples() -> None:
    columns = logged.draw(np.random.default_rng(0), 2_000).columns
    terms = weights_of(columns) * columns["rewards"]
    found = estimate("ips", columns)
    assert found.standard_error == pytest.approx(terms.std(ddof=1) / sqrt(2_000), abs=1e-10)
    assert found.interval == pytest.approx(
        (found.value - 1.959963985 * found.standard_error, found.value + 1.959963985 * found.standard_error)
    )


@pytest.mark.parametrize("name", ["snips", "sndr"])
def test_the_standard_error_of_a_ratio_is_that_of_its_linearisation(name: str) -> None:
    columns = logged.draw(np.random.default_rng(1), 2_000).columns
    weights, rounds = weights_of(columns), np.arange(2_000)
    plain = (columns["target"] * columns["reward_model"]).sum(axis=1) if name == "sndr" else np.zeros(2_000)
    missed = columns["rewards"] - (columns["reward_model"][rounds, columns["actions"]] if name == "sndr" else 0.0)
    ratio = (weights * missed).sum() / weights.sum()
    influence = plain + weights * (missed - ratio) / weights.mean()
    assert estimate(name, columns).standard_error == pytest.approx(influence.std(ddof=1) / sqrt(2_000), abs=1e-10)


@pytest.mark.parametrize("name", ["ips", "snips", "dr", "sndr"])
def test_the_standard_error_of_a_difference_is_that_of_paired_terms(name: str) -> None:
    columns = logged.draw(np.random.default_rng(2), 3_000).columns
    champion = ope.LoggedRounds(**columns)
    challenger = champion.with_target(np.full((3_000, 4), 0.25))
    estimator = {"ips": ope.IPS(), "snips": ope.SNIPS(), "dr": ope.DR(), "sndr": ope.SNDR()}[name]
    terms = []
    for target in (challenger.target, champion.target):
        weights = weights_of({**columns, "target": target})
        model = columns["reward_model"] if name in MODELLED else np.zeros((3_000, 4))
        missed = columns["rewards"] - model[np.arange(3_000), columns["actions"]]
        if name in {"snips", "sndr"}:
            weighted = weights * (missed - (weights @ missed) / weights.sum()) / weights.mean()
        else:
            weighted = weights * missed
        terms.append((target * model).sum(axis=1) + weighted)
    expected = (terms[0] - terms[1]).std(ddof=1) / sqrt(3_000)
    assert ope.difference(champion, challenger, estimator).standard_error == pytest.approx(expected, abs=1e-10)


def test_the_bootstrap_resamples_a_ratio_whole() -> None:
    """Written out: the same blocks drawn by an equal generator, numerator and denominator of each resample together."""
    columns = logged.draw(np.random.default_rng(3), 500).columns
    found = estimate("snips", columns, inference=ope.Bootstrap(np.random.default_rng(4), 300, rows_per_block=7))
    weights = weights_of(columns)
    starts = range(0, 500, 7)
    drawn = np.random.default_rng(4).integers(len(starts), size=(256, len(starts)))
    rng_of_rest = np.random.default_rng(4)
    rng_of_rest.integers(len(starts), size=(256, len(starts)))
    drawn = np.vstack([drawn, rng_of_rest.integers(len(starts), size=(44, len(starts)))])
    values = []
    for blocks in drawn:
        rows = np.concatenate([np.arange(starts[block], min(starts[block] + 7, 500)) for block in blocks])
        values.append((weights[rows] @ columns["rewards"][rows]) / weights[rows].sum())
    assert found.interval == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=1e-10)


def test_the_bootstrap_is_the_same_for_the_same_generator_and_another_for_another() -> None:
    columns = logged.draw(np.random.default_rng(5), 3_000).columns
    intervals = [
        estimate("sndr", columns, inference=ope.Bootstrap(np.random.default_rng(seed))).interval for seed in (1, 1, 2)
    ]
    assert intervals[0] == intervals[1] != intervals[2]


def test_blocks_that_straddle_chunks_hold_the_same_sums() -> None:
    """Rows per block beyond, at and below the rows that fit the cache at once."""
    columns = logged.draw(np.random.default_rng(6), 50_000).columns
    terms = weights_of(columns) * columns["rewards"]
    for rows in (20_000, 8_192, 999):
        found = estimate("ips", columns, inference=ope.Bootstrap(np.random.default_rng(7), 100, rows_per_block=rows))
        sums = np.add.reduceat(terms, np.arange(0, 50_000, rows))
        sizes = np.add.reduceat(np.ones(50_000), np.arange(0, 50_000, rows))
        drawn = np.random.default_rng(7).integers(sums.size, size=(100, sums.size))
        values = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
        assert found.interval == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])), abs=1e-10)


def test_longer_blocks_see_that_rounds_hang_together() -> None:
    rng = np.random.default_rng(8)
    n, run = 20_000, 100
    rewards = np.repeat(rng.random(n // run), run)
    columns = {"rewards": rewards, "actions": rng.integers(2, size=n), "propensities": np.full(n, 0.5),
               "target": np.full((n, 2), 0.5)}  # fmt: skip
    widths = []
    for rows in (1, 200):
        interval = ope.ips(**columns, inference=ope.Bootstrap(rng, 500, rows_per_block=rows)).interval
        assert interval is not None
        widths.append(interval[1] - interval[0])
    assert widths[1] / widths[0] == pytest.approx(sqrt(run), rel=0.3)


def test_bernstein_by_hand() -> None:
    columns = logged.draw(np.random.default_rng(9), 4_000).columns
    n, weights = 4_000, weights_of(columns)
    limit = log(4 / 0.05)

    def lower(terms: np.ndarray, width: float) -> float:
        return float(terms.mean()) - sqrt(2 * terms.var(ddof=1) * limit / n) - 7 * width * limit / (3 * (n - 1))

    clipped = np.minimum(weights, 2.0)
    low, high = lower(clipped * columns["rewards"], 2.0), 1.0 - lower(clipped * (1.0 - columns["rewards"]), 2.0)
    found = estimate("clipped_ips", columns, clip=2.0, inference=ope.Bernstein())
    assert found.interval == pytest.approx((low, high), abs=1e-10)
    found = estimate("ips", columns, inference=ope.Bernstein(largest_weight=10.0))
    assert found.interval is not None
    assert found.interval[0] == pytest.approx(lower(weights * columns["rewards"], 10.0), abs=1e-10)
    found = estimate("dr_os", columns, lambda_=100.0, inference=ope.Bernstein())
    assert found.interval is not None
    missed = weights * (columns["rewards"] - columns["reward_model"][np.arange(n), columns["actions"]])
    kept = 100 / (weights**2 + 100)
    terms = (columns["target"] * columns["reward_model"]).sum(axis=1) + kept * missed
    left_out = (1 - kept) * missed
    below = max(min(left_out.mean() - 1.959963985 * left_out.std(ddof=1) / sqrt(n), 0.0), (kept * weights).mean() - 1.0)
    assert found.interval[0] == pytest.approx(lower(terms, 1.0 + 2 * 5.0) + below, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "own", "inference", "complaint"),
    [
        ("ips", {}, ope.Bernstein(), "ips has none: use clipped_ips"),
        ("dr", {}, ope.Bernstein(), "dr has none"),
        ("snips", {}, ope.Bernstein(largest_weight=10.0), "of no use to ratios"),
        ("switch_dr", {"tau": np.inf}, ope.Bernstein(), "switch_dr has none"),
        ("ips", {}, ope.Bernstein(largest_weight=1.1), "largest_weight is 1.1, but a row weighs"),
    ],
)
def test_bernstein_without_a_bound_is_refused(name: str, own: dict[str, float], inference: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        estimate(name, logged.draw(np.random.default_rng(10), 1_000).columns, **own, inference=inference)


def test_bernstein_needs_a_model_of_rewards_in_their_range() -> None:
    columns = logged.draw(np.random.default_rng(11), 1_000).columns
    columns["reward_model"] = columns["reward_model"] * 3.0
    with pytest.raises(ValueError, match=r"needs? a reward_model in \[0, 1\]"):
        estimate("switch_dr", columns, inference=ope.Bernstein())


@pytest.mark.parametrize(
    "build",
    [
        lambda: ope.Normal(1.0), lambda: ope.Bernstein(0.0), lambda: ope.Bootstrap(np.random.default_rng(), 0),
        lambda: ope.Bootstrap(np.random.default_rng(), rows_per_block=0),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense_are_refused(build: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must lie in \(0, 1\)|at least 1"):
        build()


def test_a_slate_of_independent_positions_is_never_narrower_than_its_rows_allow() -> None:
    columns = logged.draw(np.random.default_rng(12), 4_000).columns
    positions = np.arange(4_000) % 2
    bootstrap = ope.Bootstrap(np.random.default_rng(13), 400)
    for inference in (ope.Normal(), bootstrap):
        found = estimate("ips", columns, positions=positions, inference=inference)
        independent = sqrt(sum(part.standard_error**2 for part in found.positions))
        assert found.interval is not None
        assert found.interval[1] - found.interval[0] > 2 * 1.96 * independent


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ips", "snips", "dr", "sndr"])
@pytest.mark.parametrize("is_bootstrap", [False, True])
def test_intervals_of_95_percent_hold_the_truth_95_percent_of_the_time(name: str, is_bootstrap: bool) -> None:
    rng = np.random.default_rng(14)
    given = held = 0
    for _ in range(1_000):
        inference = ope.Bootstrap(rng, 200) if is_bootstrap else ope.Normal()
        found = estimate(name, logged.draw(rng, 800).columns, inference=inference)
        if found.interval is not None:
            given += 1
            held += found.interval[0] <= logged.truth(logged.BETTER) <= found.interval[1]
    assert given >= 995
    assert 0.93 <= held / given <= 0.968


@pytest.mark.slow
def test_the_interval_of_a_difference_holds_the_truth_95_percent_of_the_time() -> None:
    rng = np.random.default_rng(15)
    held = np.zeros(2)
    gain = logged.truth(logged.BETTER) - logged.truth(logged.LOGGING)
    for _ in range(500):
        world = logged.draw(rng, 800)
        challenger = ope.LoggedRounds(**world.columns)
        champion = challenger.with_target(logged.LOGGING[world.contexts])
        for index, inference in enumerate((ope.Normal(), ope.Bootstrap(rng, 200))):
            interval = ope.difference(champion, challenger, ope.SNDR(), inference=inference).interval
            assert interval is not None, "chance refuses one log in 16,000"
            held[index] += interval[0] <= gain <= interval[1]
    assert (held >= 0.925 * 500).all()
    assert (held <= 0.973 * 500).all()


@pytest.mark.slow
def test_bernstein_bounds_of_clipped_weights_hold_the_value_itself_whatever_was_clipped() -> None:
    rng = np.random.default_rng(16)
    lenient = ope.Reliability(max_clipped_share=1.0)
    for clip in (0.8, 2.0, 10.0):
        given = held = 0
        for _ in range(300):
            found = estimate(
                "clipped_ips", logged.draw(rng, 800).columns, clip=clip, inference=ope.Bernstein(), reliability=lenient
            )
            if found.interval is not None:
                given += 1
                held += found.interval[0] <= logged.truth(logged.BETTER) <= found.interval[1]
        assert given >= 297
        assert held >= 0.95 * given


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dm", "switch_dr", "dr_os", "clipped_ips"])
@pytest.mark.parametrize("scale", [1.0, 0.93])
def test_intervals_hold_the_truth_whatever_is_left_to_a_model_or_clipped_away(name: str, scale: float) -> None:
    """The model is right, or a little too low: then the variance alone would leave the truth outside."""
    rng = np.random.default_rng(18)
    own = {"dm": {}, "switch_dr": {"tau": 1.5}, "dr_os": {"lambda_": 2.0}, "clipped_ips": {"clip": 2.2}}[name]
    given = held = 0
    for _ in range(400):
        world = logged.draw(rng, 800)
        found = estimate(name, {**world.columns, "reward_model": scale * world.expected}, **own)
        if found.interval is not None:
            given += 1
            held += found.interval[0] <= logged.truth(logged.BETTER) <= found.interval[1]
    assert given >= 100
    assert held / given >= 0.93


def test_the_direct_method_is_no_more_certain_than_the_log_is_of_its_model() -> None:
    world = logged.draw(np.random.default_rng(19), 2_000)
    columns = {**world.columns, "reward_model": world.expected}
    direct, robust = estimate("dm", columns), estimate("dr", columns)
    assert direct.standard_error < 0.3 * robust.standard_error
    assert direct.interval is not None
    assert robust.interval is not None
    assert direct.interval[0] <= robust.interval[0] + 2e-3
    assert direct.interval[1] >= robust.interval[1] - 2e-3


def test_the_interval_of_clipped_weights_reaches_up_by_what_was_clipped() -> None:
    columns = logged.draw(np.random.default_rng(20), 2_000).columns
    found = estimate("clipped_ips", columns, clip=2.0)
    lost = 1.0 - np.minimum(weights_of(columns), 2.0).mean()
    assert lost > 0.01
    low, high = found.value - 1.959963985 * found.standard_error, found.value + 1.959963985 * found.standard_error
    assert found.interval == pytest.approx((low, high + lost))


@pytest.mark.slow
def test_refusals_leave_coverage_intact_as_the_target_leaves_the_log_behind() -> None:
    """The further the target goes, the more logs are refused; the intervals of those that are not still hold."""
    rng = np.random.default_rng(17)
    for sharpness in (0.0, 0.5, 0.9, 1.0):
        target = (1.0 - sharpness) * logged.LOGGING + sharpness * np.eye(4)[[3, 0]]
        given = held = 0
        for _ in range(500):
            found = estimate("snips", logged.draw(rng, 700, target).columns)
            if found.interval is not None:
                given += 1
                held += found.interval[0] <= logged.truth(target) <= found.interval[1]
        assert given >= 400
        assert held / given >= 0.92
