"""The race: by hand, resumed in pieces, and in simulation whether it keeps its error rate and saves judging."""

import itertools
import math

import numpy as np
import pytest
from numpy.typing import NDArray

from tip_experiments.racing import Need, Race, start

Floats = NDArray[np.float64]


def _draw(rng: np.random.Generator, qualities: Floats, n_scenarios: int) -> Floats:
    """(arms, scenarios): whole points from 1 to 5; hard scenarios are hard for all."""
    noise = rng.normal(0.0, 0.8, (qualities.size, n_scenarios))
    return np.clip(np.round(qualities[:, None] + rng.normal(0.0, 0.6, n_scenarios) + noise), 1.0, 5.0)


def _judged(race: Race, needs: tuple[Need, ...], scores: Floats) -> Race:
    arms = np.repeat([need.arm for need in needs], [len(need.scenarios) for need in needs])
    scenarios = np.concatenate([need.scenarios for need in needs])
    return race.observe(arms, scenarios, scores[arms, scenarios])


def _raced(scores: Floats, *, size: int, error_rate: float, low: float = 1.0, high: float = 5.0) -> Race:
    race = start(*scores.shape, low=low, high=high, error_rate=error_rate)
    while needs := race.next_round(size):
        race = _judged(race, needs, scores)
    return race


def _all_seen(scores: Floats, **options: float) -> Race:
    race = start(*scores.shape, low=1.0, high=5.0, **options)  # type: ignore[arg-type]
    arms, scenarios = np.indices(scores.shape).reshape(2, -1)
    return race.observe(arms, scenarios, scores.ravel())


def test_by_hand_two_arms_as_far_apart_as_the_scale_allows() -> None:
    # each scenario multiplies the four stakes by 1.9, 1.45, 1.225, 1.1125; their mean passes 20 at the seventh
    wealth = [sum(factor**n for factor in (1.9, 1.45, 1.225, 1.1125)) / 4 for n in range(8)]
    assert wealth[6] < 20.0 < wealth[7]
    for n in range(1, 8):
        race = _all_seen(np.array([[5.0] * n, [1.0] * n]), error_rate=0.05)
        assert (race.winner == 0) == (n == 7)
    (dropped,) = race.dropped
    assert dropped[:4] == (1, 0, 4.0, 7)
    assert dropped.odds == pytest.approx(wealth[7])
    assert dropped.reason == (
        f"1.00 points against 5.00 of arm 0 on the 7 scenarios they share: {wealth[7]:.3g} to 1 that it is not the "
        "best, and an error rate of 0.05 asks for 20 to 1."
    )


def test_evidence_against_an_arm_is_the_average_over_its_rivals() -> None:
    two = _all_seen(np.array([[5.0] * 12, [1.0] * 12]))
    three = _all_seen(np.array([[5.0] * 12, [1.0] * 12, [1.0] * 12]))
    # against the third the bets come to nothing: a wealth of 1
    assert three.dropped[0].odds == pytest.approx((two.dropped[0].odds + 1.0) / 2.0)


def test_no_betting_on_what_is_equal_in_expectation_gains_on_average() -> None:
    # every sequence of 6 fair scenarios, weighed alike: the wealth of the bets has mean 1, so Ville's bound holds
    odds = []
    for signs in itertools.product((1.0, 5.0), repeat=6):
        race = _all_seen(np.array([list(signs), [6.0 - sign for sign in signs]]))
        odds.append(math.exp(race._log_odds[0]))
    assert np.mean(odds) == pytest.approx(1.0)


def test_order_and_pieces_in_which_scores_come_make_no_difference() -> None:
    rng = np.random.default_rng(1)
    scores = _draw(rng, np.linspace(2.5, 4.0, 6), 60)
    whole = _all_seen(scores)
    arms, scenarios = np.indices(scores.shape).reshape(2, -1)
    pieces = start(6, 60, low=1.0, high=5.0)
    for rows in np.array_split(rng.permutation(scores.size), 7):
        pieces = pieces.observe(arms[rows], scenarios[rows], scores.ravel()[rows])
    assert pieces.survivors == whole.survivors
    assert pieces.dropped == whole.dropped
    assert len(whole.dropped) > 0


def test_a_race_taken_up_again_asks_for_what_the_interrupted_one_lacked() -> None:
    scores = _draw(np.random.default_rng(2), np.array([3.6, 3.2, 2.0]), 40)
    race = start(3, 40, low=1.0, high=5.0)
    race = _judged(race, race.next_round(10), scores)
    needs = race.next_round(10)
    half = race.observe(np.zeros(4, np.int64), np.arange(10, 14), scores[0, 10:14])
    again = start(3, 40, low=1.0, high=5.0).observe(
        *np.array([(arm, scenario) for arm in range(3) for scenario in range(10)] + [(0, s) for s in range(10, 14)]).T,
        np.concatenate([scores[:, :10].ravel(), scores[0, 10:14]]),
    )
    assert needs == tuple(Need(arm, tuple(range(10, 20))) for arm in range(3))
    assert half.next_round(10) == again.next_round(10)
    assert half.next_round(10) == (Need(0, tuple(range(14, 20))), *needs[1:])


def test_the_unit_and_the_direction_of_arms_do_not_matter() -> None:
    scores = _draw(np.random.default_rng(3), np.linspace(2.0, 4.0, 5), 80)
    one = _raced(scores, size=10, error_rate=0.05)
    tenfold = _raced(scores * 10.0 - 3.0, size=10, error_rate=0.05, low=7.0, high=47.0)
    reversed_arms = _raced(scores[::-1], size=10, error_rate=0.05)
    assert tenfold.survivors == one.survivors
    assert sorted(4 - arm for arm in reversed_arms.survivors) == list(one.survivors)
    assert (tenfold.counts == one.counts).all()


def test_a_scenario_counts_once_all_its_scores_are_in() -> None:
    race = start(2, 20, low=1.0, high=5.0, n_per_scenario=2)
    arms, scenarios = np.indices((2, 20)).reshape(2, -1)
    scores = np.where(arms == 0, 5.0, 1.0)
    once = race.observe(arms, scenarios, scores)
    assert once.survivors == (0, 1)
    assert once.next_round(3) == (Need(0, (0, 1, 2)), Need(1, (0, 1, 2)))
    assert once.observe(arms, scenarios, scores).winner == 0


def test_a_dropped_arm_is_asked_for_no_more_and_a_decided_race_for_nothing() -> None:
    scores = _draw(np.random.default_rng(4), np.array([3.5, 3.4, 1.2]), 60)
    race = start(3, 60, low=1.0, high=5.0)
    while 2 in race.survivors:
        race = _judged(race, race.next_round(5), scores)
    assert [need.arm for need in race.next_round(5)] == [0, 1]
    assert race.counts[2].sum() < 40
    decided = _all_seen(np.array([[5.0] * 30, [1.0] * 30]))
    assert decided.winner == 0
    assert decided.next_round(5) == ()


def test_what_cannot_be_scored_is_not_asked_for_and_counts_against_nobody() -> None:
    race = start(2, 4, low=1.0, high=5.0)
    unscorable = [(0, 0), (1, 0), (0, 1)]
    assert race.next_round(2, unscorable) == (Need(0, (2,)), Need(1, (1, 2)))
    seen = race.observe(np.array([0, 0, 1, 1, 1]), np.array([2, 3, 1, 2, 3]), np.array([1.0, 1.0, 5.0, 1.0, 1.0]))
    assert seen.next_round(2, unscorable) == ()
    assert seen._log_odds == pytest.approx([0.0, 0.0])


def test_an_arm_without_scores_stays_and_keeps_the_race_open() -> None:
    race = start(3, 30, low=1.0, high=5.0).observe(
        np.repeat([0, 1], 30), np.tile(np.arange(30), 2), np.repeat([5.0, 1.0], 30)
    )
    assert race.survivors == (0, 2)
    assert race.winner is None
    assert race.next_round(30) == (Need(2, tuple(range(30))),)


def test_arms_that_each_lose_somewhere_leave_the_least_beaten() -> None:
    # 0 beats 1 on the first, 1 beats 2 on the second, 2 beats 0 on the third part, which is the shortest
    parts = [(0, 1, 0, 40), (1, 2, 40, 80), (2, 0, 80, 110)]
    race = start(3, 110, low=1.0, high=5.0)
    for better, worse, begin, end in parts:
        span = np.arange(begin, end)
        for arm, score in ((better, 5.0), (worse, 1.0)):
            race = race.observe(np.full(span.size, arm), span, np.full(span.size, score))
    assert race.survivors == (0,)


def test_alike_scores_drop_nobody_however_many_there_are() -> None:
    race = _all_seen(np.tile(np.resize([1.0, 3.0, 5.0], 500), (10, 1)))
    assert race.survivors == tuple(range(10))
    assert race.next_round(5) == ()
    assert race.winner is None
    assert start(1, 5, low=1.0, high=5.0).winner == 0


def test_what_does_not_fit_is_refused_with_every_fault() -> None:
    with pytest.raises(ValueError, match=r"n_arms.*n_per_scenario.*error_rate.*scale"):
        start(0, 3, low=5.0, high=1.0, error_rate=1.0, n_per_scenario=0)
    race = start(2, 3, low=1.0, high=5.0)
    with pytest.raises(ValueError, match=r"no arm.*0: 2.*no scenario.*1: 3.*no score.*0: 6\.0, 2: nan"):
        race.observe(np.array([2, 0, 1]), np.array([0, 3, 1]), np.array([6.0, 1.0, np.nan]))
    with pytest.raises(ValueError, match="one length"):
        race.observe(np.array([0]), np.array([0, 1]), np.array([1.0]))
    with pytest.raises(ValueError, match="size 0"):
        race.next_round(0)
    with pytest.raises(ValueError, match=r"unscorable.*1: \[0 3\]"):
        race.next_round(1, [(1, 2), (0, 3)])


@pytest.mark.slow
@pytest.mark.parametrize("error_rate", [0.05, 0.2])
@pytest.mark.parametrize("kind", ["alike", "skewed", "one point in fifty", "one better by little"])
def test_the_best_arm_is_dropped_at_most_as_often_as_the_error_rate_says(kind: str, error_rate: float) -> None:
    rng = np.random.default_rng(7)
    n_races, n_arms, n_scenarios, n_lost = 400, 5, 120, 0
    for _ in range(n_races):
        shape = (n_arms, n_scenarios)
        if kind == "alike":
            scores = _draw(rng, np.full(n_arms, 3.0), n_scenarios)
        elif kind == "skewed":
            scores = np.where(rng.random(shape) < 0.9, 5.0, 1.0)
        elif kind == "one point in fifty":  # the best scores higher rarely, and then much
            scores = np.full(shape, 2.0)
            scores[0] = np.where(rng.random(n_scenarios) < 0.02, 5.0, 1.95)
        else:
            scores = _draw(rng, np.r_[3.05, np.full(n_arms - 1, 3.0)], n_scenarios)
        n_lost += 0 not in _raced(scores, size=10, error_rate=error_rate).survivors
    # three standard errors of a share at the error rate
    assert n_lost / n_races <= error_rate + 3.0 * math.sqrt(error_rate * (1.0 - error_rate) / n_races)


@pytest.mark.slow
def test_in_an_easy_world_a_race_finds_the_best_with_less_than_half_of_the_judging() -> None:
    rng = np.random.default_rng(8)
    winners, shares = [], []
    for _ in range(60):
        race = _raced(_draw(rng, np.r_[4.0, np.full(19, 3.0)], 200), size=10, error_rate=0.05)
        winners.append(race.winner)
        shares.append(race.counts.sum() / race.counts.size)
    assert winners.count(0) >= 57
    assert np.mean(shares) < 0.5
