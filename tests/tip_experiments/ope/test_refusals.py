"""What the log cannot carry is refused in words; what it can is not."""

from math import inf
from typing import Any

import numpy as np
import pytest
from support import logged

from tip_experiments import ope

WEIGHTED = ("ips", "snips", "clipped_ips", "dm", "dr", "sndr", "switch_dr", "dr_os")


def heavy_tailed(rng: np.random.Generator, n: int = 10_000) -> dict[str, Any]:
    """A target that nearly always does what the log nearly never did: two rounds carry all the weight."""
    actions = np.zeros(n, dtype=int)
    propensities = np.full(n, 1.0 - 1e-6)
    actions[:2], propensities[:2] = 1, 1e-6
    target = np.tile([0.01, 0.99], (n, 1))
    rewards = rng.random(n)
    return {
        "rewards": rewards, "actions": actions, "propensities": propensities, "target": target,
        "reward_model": np.full((n, 2), 0.5),
    }  # fmt: skip


def estimate(name: str, columns: dict[str, Any], **more: Any) -> ope.Estimate:
    kept = {key: value for key, value in columns.items() if key != "reward_model" or name in WEIGHTED[3:]}
    found: ope.Estimate = getattr(ope, name)(**kept, **more)
    return found


@pytest.mark.parametrize("name", ["ips", "snips", "dr", "sndr", "dm"])
@pytest.mark.parametrize("inference", [ope.Normal(), ope.Bootstrap(np.random.default_rng(0), 200)])
def test_weights_worth_two_rounds_of_ten_thousand_are_refused_in_words(name: str, inference: Any) -> None:
    found = estimate(name, heavy_tailed(np.random.default_rng(1)), inference=inference)
    assert found.diagnostics.effective_sample_size == pytest.approx(2.0, abs=0.1)
    assert not found.is_reliable
    assert found.interval is None
    assert found.standard_error == inf
    assert np.isfinite(found.value)
    assert found.verdict.startswith(
        "Refused. The weights are worth 2.0 equally weighted rounds of 10000 (50 are needed)"
    )


@pytest.mark.parametrize("name", ["clipped_ips", "switch_dr", "dr_os"])
def test_taming_the_weights_of_a_target_that_the_log_never_followed_is_refused_too(name: str) -> None:
    found = estimate(name, heavy_tailed(np.random.default_rng(1)))
    assert found.interval is None
    reason = "Clipping at 10 leaves" if name == "clipped_ips" else "The model alone speaks for 99% of the policy's mass"
    assert reason in found.verdict


def two_among_balanced(rng: np.random.Generator, smallest: float) -> dict[str, Any]:
    """All rounds weigh 1 but two, so that taming those two leaves weights that look like 10,000 sound rounds."""
    propensities = np.full(10_000, 0.5)
    propensities[:2] = smallest
    return {
        "rewards": rng.random(10_000), "actions": rng.integers(2, size=10_000), "propensities": propensities,
        "target": np.full((10_000, 2), 0.5), "reward_model": np.full((10_000, 2), 0.5),
    }  # fmt: skip


def pareto_tailed(rng: np.random.Generator, shape: float) -> dict[str, Any]:
    """Propensities that nothing was drawn by: without a mean of their inverse."""
    return two_among_balanced(rng, 0.5) | {"propensities": 1.0 / (1.0 + rng.pareto(shape, 10_000))}


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize(
    "columns",
    [
        two_among_balanced(np.random.default_rng(20), 1e-7),
        two_among_balanced(np.random.default_rng(21), 5e-6),
        pareto_tailed(np.random.default_rng(22), 0.4),
    ],
    ids=["two of 1e-7", "two of 5e-6", "pareto"],
)
def test_weights_worth_two_rounds_are_refused_by_estimators_that_tame_them_too(
    name: str, columns: dict[str, Any]
) -> None:
    weights = 0.5 / columns["propensities"]
    assert weights.sum() ** 2 / (weights @ weights) < 6
    found = estimate(name, columns)
    assert found.interval is None
    assert found.standard_error == inf
    assert f"The mean weight is {weights.mean():.3f}" in found.verdict


def test_how_far_a_mean_weight_may_lie_from_1_in_spite_of_its_error_is_the_callers_to_set() -> None:
    columns = two_among_balanced(np.random.default_rng(20), 1e-7)
    assert estimate("clipped_ips", columns, reliability=ope.Reliability(mean_weight_limit=inf)).is_reliable


def test_one_round_that_makes_up_the_variance_is_refused_though_many_count() -> None:
    columns = logged.draw(np.random.default_rng(2), 20_000).columns
    columns["propensities"] = columns["propensities"].copy()
    columns["propensities"][0] = columns["target"][0, columns["actions"][0]] / 180.0
    found = estimate("ips", columns)
    assert found.diagnostics.effective_sample_size > 5_000
    assert found.diagnostics.largest_weight == pytest.approx(180.0)
    assert any(reason.startswith("The heaviest round, of weight 180, makes up") for reason in found.refusals)


@pytest.mark.parametrize("name", WEIGHTED)
def test_propensities_that_were_not_logged_as_drawn_show_in_the_mean_weight(name: str) -> None:
    columns = logged.draw(np.random.default_rng(3), 5_000).columns
    columns["propensities"] = columns["propensities"] / 1.3
    found = estimate(name, columns)
    assert found.diagnostics.mean_weight == pytest.approx(1.3, abs=0.05)
    assert any(reason.startswith("The mean weight is 1.") for reason in found.refusals)


def test_a_mean_weight_that_noise_explains_is_no_reason() -> None:
    refused = 0
    for seed in range(300):
        found = estimate("ips", logged.draw(np.random.default_rng(seed), 300).columns)
        refused += not found.is_reliable
    assert refused <= 2


def test_actions_never_logged_are_refused_with_their_share() -> None:
    world = logged.draw(np.random.default_rng(4), 5_000)
    columns = {**world.columns, "target": np.tile([0.3, 0.2, 0.1, 0.1, 0.3], (5_000, 1))}
    del columns["reward_model"]
    found = ope.snips(**columns)
    assert found.diagnostics.unsupported_share == pytest.approx(0.3)
    assert any("puts 30.0% of its mass on what the log does not cover" in reason for reason in found.refusals)


def test_the_full_vector_tells_what_cannot_be_explored_in_some_contexts_only() -> None:
    rng = np.random.default_rng(5)
    contexts = rng.integers(2, size=6_000)
    probabilities = np.array([[0.5, 0.5, 0.0], [0.4, 0.3, 0.3]])[contexts]
    actions = (probabilities.cumsum(axis=1) > rng.random((6_000, 1))).argmax(axis=1)
    columns = {
        "rewards": rng.random(6_000),
        "actions": actions,
        "propensities": probabilities[np.arange(6_000), actions],
        "target": np.tile([0.48, 0.48, 0.04], (6_000, 1)),
    }
    assert ope.ips(**columns).diagnostics.unsupported_share == 0.0, "every action was logged somewhere"
    found = ope.ips(**columns, probabilities=probabilities)
    assert found.diagnostics.unsupported_share == pytest.approx(0.04 * (contexts == 0).mean())
    assert any("on what the log does not cover" in reason for reason in found.refusals)


def test_an_action_never_drawn_by_chance_is_no_reason_where_it_could_have_been() -> None:
    rng = np.random.default_rng(6)
    probabilities = np.full((3_000, 10_000), 1e-4)
    actions = rng.integers(10_000, size=3_000)
    columns = {"rewards": rng.random(3_000), "actions": actions, "propensities": np.full(3_000, 1e-4)}
    found = ope.ips(**columns, target=probabilities, probabilities=probabilities)
    assert found.is_reliable
    assert not ope.ips(**columns, target=probabilities).is_reliable


def test_replay_refuses_a_log_that_was_not_uniform() -> None:
    columns = logged.draw(np.random.default_rng(7), 5_000).columns
    del columns["reward_model"]
    found = ope.replay(**columns)
    assert "Replay holds only for actions drawn uniformly; here propensities run from 0.1 to 0.4" in found.verdict


@pytest.mark.parametrize("inference", [ope.Normal(), ope.Bootstrap(np.random.default_rng(14), 50)])
def test_replay_without_agreement_is_refused_and_not_zero(inference: Any) -> None:
    n = 200
    columns = {"rewards": np.ones(n), "actions": np.arange(n) % 2, "propensities": np.full(n, 1 / 3)}
    found = ope.replay(**columns, target=np.tile([0, 0, 1], (n, 1)), inference=inference)
    assert np.isnan(found.value)
    assert found.interval is None
    assert "no round agrees with the policy" in found.verdict


def test_the_direct_method_is_refused_where_the_log_contradicts_its_model() -> None:
    world = logged.draw(np.random.default_rng(8), 20_000)
    assert not ope.dm(**{**world.columns, "reward_model": world.expected * 0.5}).is_reliable
    found = ope.dm(**{**world.columns, "reward_model": world.expected})
    assert found.is_reliable
    assert found.value == pytest.approx(logged.truth(logged.BETTER), abs=0.01)
    assert ope.dr(**{**world.columns, "reward_model": world.expected * 0.5}).is_reliable


@pytest.mark.parametrize(("name", "own"), [("switch_dr", {"tau": 1.5}), ("dr_os", {"lambda_": 1.0})])
def test_a_model_that_stands_in_for_large_weights_has_to_fit_there(name: str, own: dict[str, float]) -> None:
    world = logged.draw(np.random.default_rng(13), 20_000)
    wrong = ope.switch_dr if name == "switch_dr" else ope.dr_os
    found = wrong(**{**world.columns, "reward_model": world.expected * 0.3}, **own)
    assert "Where the model stands in for the log, logged rewards move the answer by +0." in found.verdict
    assert wrong(**{**world.columns, "reward_model": world.expected}, **own).is_reliable


def test_clipping_that_takes_away_too_much_is_refused_with_what_it_may_hide() -> None:
    columns = logged.draw(np.random.default_rng(9), 20_000).columns
    found = estimate("clipped_ips", columns, clip=1.2)
    lost = (
        1.0 - np.minimum(columns["target"][np.arange(20_000), columns["actions"]] / columns["propensities"], 1.2).mean()
    )
    assert f"the answer may be too low by as much as {lost:.3f}" in found.verdict
    assert estimate("clipped_ips", columns, clip=3.0).is_reliable


def test_weights_of_a_small_log_that_happen_to_be_small_are_not_called_clipped() -> None:
    refused = {"ips": 0, "clipped_ips": 0}
    for seed in range(200):
        columns = logged.draw(np.random.default_rng(seed), 150).columns
        for name in refused:
            refused[name] += not estimate(name, columns).is_reliable
    assert refused["clipped_ips"] <= refused["ips"] + 1


@pytest.mark.parametrize("n", [300, 20_000])
def test_weight_that_went_unseen_counts_as_clipped(n: int) -> None:
    """All weights here are 0.8: the rounds that would carry the rest did not occur."""
    columns = two_among_balanced(np.random.default_rng(23), 0.5)
    columns = {key: value[np.arange(n) % 10_000] for key, value in columns.items()}
    columns["propensities"] = np.full(n, 0.5 / 0.8)
    found = estimate("clipped_ips", columns, reliability=ope.Reliability(mean_weight_tolerance=0.5))
    assert found.verdict.startswith("Refused. Clipping at 10 leaves a mean weight of 0.800")


def test_the_limits_are_the_callers_to_set() -> None:
    columns = logged.draw(np.random.default_rng(10), 60).columns
    assert not estimate("ips", columns).is_reliable
    lenient = estimate("ips", columns, reliability=ope.Reliability(min_effective_sample_size=10.0))
    assert lenient.is_reliable
    assert lenient.interval is not None


def test_a_reliable_answer_says_what_it_rests_on() -> None:
    found = estimate("dr", logged.draw(np.random.default_rng(11), 10_000).columns)
    assert found.is_reliable
    assert found.interval is not None
    low, high = found.interval
    assert found.verdict.startswith(f"{found.value:.4f} ({low:.4f} to {high:.4f}), from 10000 rounds worth ")


def test_a_difference_says_which_policy_the_log_cannot_carry() -> None:
    columns = logged.draw(np.random.default_rng(12), 5_000).columns
    champion = ope.LoggedRounds.of(**{**columns, "target": np.eye(5)[columns["actions"]], "reward_model": None})
    challenger = champion.with_target(np.tile([0, 0, 0, 0, 1.0], (5_000, 1)))
    found = ope.difference(champion, challenger, ope.IPS())
    assert found.interval is None
    assert any(reason.startswith("Challenger: The policy puts 100.0%") for reason in found.refusals)
    assert not any(reason.startswith("Champion: The policy puts") for reason in found.refusals)
