"""Rounds of one person hang together: with clusters people are the draws, in errors, intervals and the gate."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support import logged

from tip_experiments import gate, ope
from tip_experiments.ope.tally import Part, tally


def _people(rng: np.random.Generator, n_people: int, n_each: int, spread: float) -> dict[str, Any]:
    """Rounds of people who take tips gladly or hardly ever, whichever tip it is."""
    columns = logged.draw(rng, n_people * n_each).columns
    clusters = np.repeat(np.arange(n_people), n_each)
    mood = rng.normal(0.0, spread, n_people)[clusters]
    columns["rewards"] = (rng.random(clusters.size) < np.clip(0.45 + mood, 0.0, 1.0)).astype(float)
    del columns["reward_model"]
    return {**columns, "clusters": clusters}


def _estimate(columns: dict[str, Any], **more: Any) -> ope.Estimate:
    (found,) = ope.evaluate(ope.LoggedRounds.of(**columns), [ope.SNIPS()], **more)
    return found


def test_by_hand_the_error_of_a_mean_over_three_people() -> None:
    half = np.full((5, 2), 0.5)
    (found,) = ope.evaluate(
        ope.LoggedRounds.of(
            rewards=[0.0, 1.0, 0.5, 1.0, 1.0], actions=[0, 1, 0, 1, 0], propensities=[0.5] * 5, target=half,
            clusters=[7, 7, 3, 3, 9],
        ),
        [ope.IPS()],
        reliability=ope.Reliability(min_effective_sample_size=0.0, max_share_of_largest_square=1.0),
    )  # fmt: skip
    # mean 0.7; residual sums -0.4, 0.1, 0.3; variance 3/2 * 0.26 / 25
    assert found.value == pytest.approx(0.7)
    assert found.standard_error == pytest.approx((1.5 * 0.26 / 25) ** 0.5)


@pytest.mark.parametrize("estimator", [ope.IPS(), ope.SNIPS(), ope.DR(), ope.SNDR()])
def test_each_round_a_person_of_its_own_is_the_error_without_clusters(estimator: Any) -> None:
    columns = logged.draw(np.random.default_rng(1), 20_000).columns
    plain, clustered = (
        ope.evaluate(ope.LoggedRounds.of(**columns, clusters=clusters), [estimator])[0]
        for clusters in (None, np.arange(20_000))
    )
    assert clustered.value == pytest.approx(plain.value, rel=1e-9)
    assert clustered.standard_error == pytest.approx(plain.standard_error, rel=1e-9)


def test_rounds_told_twice_tell_nothing_new() -> None:
    columns = _people(np.random.default_rng(2), 60, 5, 0.2)
    twice = {name: np.repeat(values, 2, axis=0) for name, values in columns.items()}
    assert _estimate(twice).standard_error == pytest.approx(_estimate(columns).standard_error)


def test_blocks_are_people_however_the_log_falls_into_chunks() -> None:
    rng = np.random.default_rng(3)
    columns = _people(rng, 3000, 7, 0.2)
    log = ope.LoggedRounds.of(**columns)
    (its,) = tally([[Part(log, ope.IPS())]], 1)
    weights = columns["target"][np.arange(log.n), columns["actions"]] / columns["propensities"]
    expected = np.bincount(columns["clusters"], weights * columns["rewards"])
    assert its.blocks[:, 0] == pytest.approx(expected)
    assert its.block_sizes.tolist() == [7.0] * 3000


def test_the_difference_of_two_policies_is_clustered_too() -> None:
    columns = _people(np.random.default_rng(4), 80, 10, 0.3)
    champion = ope.LoggedRounds.of(**columns)
    challenger = champion.with_target(np.full((800, 4), 0.25))
    found = ope.difference(champion, challenger, ope.IPS())
    weights = [log.target[np.arange(800), log.actions] / log.propensities for log in (champion, challenger)]
    terms = (weights[1] - weights[0]) * columns["rewards"]
    sums = np.bincount(columns["clusters"], terms - terms.mean())
    assert found.standard_error == pytest.approx(np.sqrt(80 / 79 * (sums**2).sum()) / 800)


def test_some_of_the_rows_keep_their_people() -> None:
    log = ope.LoggedRounds.of(**_people(np.random.default_rng(5), 20, 4, 0.1))
    kept = log.only(np.arange(80) % 2 == 0)
    assert kept.clusters is not None
    assert kept.clusters.tolist() == np.repeat(np.arange(20), 2).tolist()


def test_people_who_come_back_are_refused_with_their_rows() -> None:
    columns = _people(np.random.default_rng(6), 4, 3, 0.1)
    columns["clusters"] = np.array([1, 1, 2, 2, 1, 3, 3, 3, 2, 4, 4, 4])
    with pytest.raises(ope.LogError, match=r"clusters come back after another one in 2 rows .* 4: 1, 8: 2"):
        ope.LoggedRounds.of(**columns)


def test_bernstein_bounds_which_need_independent_rounds_are_refused() -> None:
    columns = _people(np.random.default_rng(7), 50, 4, 0.1)
    with pytest.raises(ValueError, match="independent rows; the log has clusters"):
        ope.evaluate(ope.LoggedRounds.of(**columns), [ope.ClippedIPS()], inference=ope.Bernstein())


def test_one_person_alone_says_nothing_of_others() -> None:
    assert _estimate(_people(np.random.default_rng(8), 1, 400, 0.1)).standard_error == np.inf


def _worlds(n_worlds: int, inference: Any) -> NDArray[np.float64]:
    """How often 95 % intervals hold the truth, with clusters and without."""
    rng = np.random.default_rng(9)
    truth = float(np.clip(0.45 + rng.normal(0.0, 0.3, 1_000_000), 0.0, 1.0).mean())
    held = np.zeros(2)
    for _ in range(n_worlds):
        columns = _people(rng, 100, 20, 0.3)
        for place, clusters in enumerate((columns["clusters"], None)):
            found = _estimate({**columns, "clusters": clusters}, inference=inference(rng))
            assert found.interval is not None
            held[place] += found.interval[0] <= truth <= found.interval[1]
    return held / n_worlds


@pytest.mark.slow
@pytest.mark.parametrize("inference", [lambda _: ope.Normal(), lambda rng: ope.Bootstrap(rng, 300)])
def test_intervals_over_people_hold_the_truth_where_those_over_rounds_do_not(inference: Any) -> None:
    with_people, without = _worlds(400, inference)
    assert 0.92 <= with_people <= 0.975
    assert without < with_people - 0.1


@pytest.mark.slow
def test_the_gate_releases_no_better_policy_as_rarely_as_it_may_where_tastes_hang_together() -> None:
    """People differ in what they like, so a policy that is no better on average is better on some people's rounds."""
    rng = np.random.default_rng(10)
    released = {True: 0, False: 0}
    for _ in range(150):
        n_people, n_each = 60, 25
        clusters = np.repeat(np.arange(n_people), n_each)
        actions = rng.integers(0, 2, clusters.size)
        taste = np.where(rng.random(n_people) < 0.5, 0, 1)[clusters]
        rewards = (rng.random(clusters.size) < np.where(actions == taste, 0.7, 0.3)).astype(float)
        one, other = np.tile([0.2, 0.8], (clusters.size, 1)), np.tile([0.8, 0.2], (clusters.size, 1))
        for is_clustered in released:
            verdict = gate.decide(
                rewards=rewards, actions=actions, propensities=np.full(clusters.size, 0.5),
                champion=gate.Contender("champion", one), challenger=gate.Contender("challenger", other),
                clusters=clusters if is_clustered else None, rng=rng,
                policy=gate.GatePolicy(max_spread=1.0, n_resamples=300),
            )  # fmt: skip
            released[is_clustered] += verdict.decision is gate.Decision.RELEASE
    assert released[True] / 150 <= 0.1  # 5 % may be, and chance
    assert released[False] > 2 * released[True]
