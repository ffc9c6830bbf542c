"""The gate on logs whose truth is known: what it releases, what it keeps, and when it says that it does not know."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support import logged

from tip_experiments.gate import Contender, Decision, GatePolicy, GuardedMetric, Outcome, Reason, Verdict, decide
from tip_experiments.ope import LogError, PropensityError

WORSE = np.array([[0.1, 0.1, 0.7, 0.1], [0.7, 0.1, 0.1, 0.1]])


def judged(seed: int, n: int, target: NDArray[np.float64] = logged.BETTER, **more: Any) -> Verdict:
    """The verdict on `target` against the policy that wrote the log."""
    rng = np.random.default_rng(seed)
    world = logged.draw(rng, n)
    columns = {key: world.columns[key] for key in ("rewards", "actions", "propensities", "reward_model")}
    more = {key: value(world) if callable(value) else value for key, value in more.items()}
    champion = Contender("v1", logged.LOGGING[world.contexts])
    given = {**columns, "champion": champion, "challenger": Contender("v2", target[world.contexts]), "rng": rng, **more}
    return decide(**given)


def equal_policies() -> NDArray[np.float64]:
    """A policy unlike the logging one that earns exactly as much."""
    better, worse, aim = logged.truth(logged.BETTER), logged.truth(WORSE), logged.truth(logged.LOGGING)
    share = (aim - worse) / (better - worse)
    return share * logged.BETTER + (1.0 - share) * WORSE


def named(verdict: Verdict, name: str) -> Reason:
    (reason,) = [reason for reason in verdict.reasons if reason.name == name]
    return reason


@pytest.mark.parametrize("model", [None, lambda world: world.expected * 0.5])
def test_a_clear_win_is_released(model: Any) -> None:
    verdict = judged(0, 6_000, reward_model=model)
    assert verdict.decision is Decision.RELEASE
    assert {reason.outcome for reason in verdict.reasons} == {Outcome.PASSED}
    assert [reason.name for reason in verdict.reasons] == [
        "effective sample size of v1", "tail of v1", "mean weight of v1", "support of v1",
        "effective sample size of v2", "tail of v2", "mean weight of v2", "support of v2", "agreement", "gain",
    ]  # fmt: skip
    truth = logged.truth(logged.BETTER) - logged.truth(logged.LOGGING)
    assert verdict.gain.value == pytest.approx(truth, abs=4 * verdict.gain.standard_error)
    assert verdict.gain.interval is not None
    assert verdict.gain.interval[0] > 0.0
    assert verdict.gain.value == pytest.approx(verdict.challenger.value - verdict.champion.value)


def test_a_worse_challenger_is_not_released_and_the_champion_kept() -> None:
    verdict = judged(1, 6_000, WORSE)
    assert verdict.decision is Decision.KEEP
    assert [reason.name for reason in verdict.reasons if reason.outcome is Outcome.FAILED] == ["gain"]


def test_a_small_sample_in_luck_is_not_enough() -> None:
    def lucky(world: logged.World) -> NDArray[np.float64]:
        """The challenger's favourites won every time."""
        return np.asarray(world.columns["actions"] == logged.BETTER[world.contexts].argmax(axis=1), dtype=float)

    verdict = judged(2, 80, rewards=lucky)
    assert verdict.gain.value > 0.2
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    reason = named(verdict, "effective sample size of v2")
    assert reason.outcome is Outcome.UNDETERMINED
    assert "of 80 (200 are needed)" in reason.sentence
    assert judged(2, 6_000, rewards=lucky).decision is Decision.RELEASE, "the same luck over many rounds is none"


def test_a_gain_that_noise_explains_is_not_enough() -> None:
    verdict = judged(3, 1_500, 0.95 * equal_policies() + 0.05 * logged.BETTER)
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    assert named(verdict, "gain").outcome is Outcome.UNDETERMINED


def test_a_challenger_that_goes_where_the_log_never_went_is_not_judged() -> None:
    rng = np.random.default_rng(4)
    n = 5_000
    actions = rng.integers(2, size=n)
    verdict = decide(
        rewards=rng.random(n), actions=actions, propensities=np.full(n, 0.5), rng=rng,
        champion=Contender("v1", np.tile([0.5, 0.5, 0.0], (n, 1))),
        challenger=Contender("v2", np.tile([0.0, 0.2, 0.8], (n, 1))),
        slices={"half": np.arange(n) % 2},
        guardrails=[GuardedMetric("complaints", rng.random(n), 0.1)],
    )  # fmt: skip
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    assert verdict.challenger.interval is None
    assert named(verdict, "support of v2").outcome is Outcome.UNDETERMINED
    assert "80.0% of its mass" in named(verdict, "support of v2").sentence
    for unread in ("gain", "slices", "guardrail complaints"):
        assert named(verdict, unread) == Reason(
            unread, Outcome.UNDETERMINED, "Not read, because the log cannot carry an answer."
        )


def test_propensities_that_were_not_logged_as_drawn_stop_the_release() -> None:
    verdict = judged(5, 6_000, propensities=lambda world: world.columns["propensities"] / 1.3)
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    reason = named(verdict, "mean weight of v1")
    assert reason.outcome is Outcome.UNDETERMINED
    assert "The mean weight is 1.300" in reason.sentence


def test_estimators_further_apart_than_allowed_stop_the_release() -> None:
    assert named(judged(6, 6_000), "agreement").outcome is Outcome.PASSED
    verdict = judged(6, 6_000, policy=GatePolicy(max_spread=1e-4))
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE
    reason = named(verdict, "agreement")
    assert reason.outcome is Outcome.UNDETERMINED
    assert reason.sentence.startswith("The gain is ips +0.")
    assert "(0.0001 at most)" in reason.sentence


def complaints(rate_of_harm: float) -> Any:
    """Complaints come more often where the challenger would rather go."""

    def draw(world: logged.World) -> list[GuardedMetric]:
        rng = np.random.default_rng(99)
        likes = logged.BETTER[world.contexts].argmax(axis=1) == world.columns["actions"]
        values = rng.random(likes.size) < 0.05 + rate_of_harm * likes
        return [GuardedMetric("complaints", values.astype(float), 0.05, is_higher_better=False)]

    return draw


def test_a_win_that_harms_a_guardrail_is_not_released() -> None:
    verdict = judged(7, 6_000, guardrails=complaints(0.5))
    assert verdict.decision is Decision.KEEP
    assert named(verdict, "gain").outcome is Outcome.PASSED
    reason = named(verdict, "guardrail complaints")
    assert reason.outcome is Outcome.FAILED
    assert "worse (lower is better)" in reason.sentence


def test_a_guardrail_that_keeps_its_margin_lets_the_release_pass() -> None:
    verdict = judged(8, 6_000, guardrails=complaints(0.0))
    assert verdict.decision is Decision.RELEASE
    assert named(verdict, "guardrail complaints").outcome is Outcome.PASSED


def test_a_guardrail_that_may_have_lost_its_margin_is_not_enough() -> None:
    verdict = judged(9, 6_000, guardrails=complaints(0.15))
    assert named(verdict, "guardrail complaints").outcome is Outcome.UNDETERMINED
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE


def languages(world: logged.World) -> dict[str, NDArray[np.str_]]:
    return {"language": np.where(np.arange(world.contexts.size) % 5 == 0, "fr", "en")}


def rewards_with_a_harmed_language(world: logged.World) -> NDArray[np.float64]:
    """In every fifth round the challenger's favourite fails and all else succeeds."""
    likes = logged.BETTER[world.contexts].argmax(axis=1) == world.columns["actions"]
    is_french = np.arange(likes.size) % 5 == 0
    return np.where(is_french, ~likes, world.columns["rewards"])


def test_a_win_that_harms_one_slice_is_not_released() -> None:
    verdict = judged(10, 12_000, rewards=rewards_with_a_harmed_language, reward_model=None, slices=languages)
    assert named(verdict, "gain").outcome is Outcome.PASSED
    assert verdict.decision is Decision.KEEP
    assert named(verdict, "slice language=en").outcome is Outcome.PASSED
    reason = named(verdict, "slice language=fr")
    assert reason.outcome is Outcome.FAILED
    assert reason.sentence.startswith("2400 rounds, worth ")
    assert "adjusted for 2 slices" in reason.sentence


@pytest.mark.parametrize("none", [None, float("nan")])
def test_rounds_without_a_label_are_a_slice_too_where_harm_may_not_hide(none: object) -> None:
    def unlabelled(world: logged.World) -> dict[str, list[object]]:
        return {"language": [none if label == "fr" else label for label in languages(world)["language"].tolist()]}

    def years(world: logged.World) -> dict[str, NDArray[np.float64]]:
        return {"born": np.where(languages(world)["language"] == "fr", np.nan, 1990.0)}

    for column, slices in (("language", unlabelled), ("born", years)):
        verdict = judged(10, 12_000, rewards=rewards_with_a_harmed_language, reward_model=None, slices=slices)
        reason = named(verdict, f"slice {column} missing")
        assert reason.outcome is Outcome.FAILED
        assert reason.sentence.startswith("2400 rounds, worth ")
        assert "adjusted for 2 slices" in reason.sentence
        assert verdict.decision is Decision.KEEP


def test_slices_that_win_alike_let_the_release_pass() -> None:
    verdict = judged(11, 12_000, slices=languages)
    assert verdict.decision is Decision.RELEASE
    assert named(verdict, "coverage of slices").sentence.startswith("Slices that the log cannot judge: none; 0.0%")


def test_a_few_small_slices_are_named_and_many_stop_the_release() -> None:
    def few(world: logged.World) -> dict[str, NDArray[np.str_]]:
        return {"app": np.where(np.arange(world.contexts.size) < 40, "watch", "phone")}

    def many(world: logged.World) -> dict[str, NDArray[np.int64]]:
        return {"user": np.arange(world.contexts.size) // 40}

    verdict = judged(12, 6_000, slices=few)
    assert verdict.decision is Decision.RELEASE
    assert "app=watch (40 rounds); 0.7% of rounds" in named(verdict, "coverage of slices").sentence
    verdict = judged(12, 3_000, slices=many)
    assert named(verdict, "coverage of slices").outcome is Outcome.UNDETERMINED
    assert verdict.decision is Decision.NOT_ENOUGH_EVIDENCE


@pytest.mark.slow
def test_many_slices_of_a_win_do_not_stop_it_by_chance() -> None:
    """Twenty slices at 5 % each would stop two releases of three where the policies are the same in all of them."""
    stopped = 0
    for seed in range(20):
        verdict = judged(seed, 10_000, logged.LOGGING * 0.7 + 0.3 * logged.BETTER,
                         slices=lambda world: {"bucket": np.arange(world.contexts.size) % 20})  # fmt: skip
        stopped += verdict.decision is Decision.KEEP
    assert stopped <= 2


def test_the_same_generator_gives_the_same_verdict_and_another_the_same_but_for_the_resamples() -> None:
    one, again = judged(13, 3_000), judged(13, 3_000)
    assert one == again
    other = judged(13, 3_000, rng=np.random.default_rng(5))
    assert other.gain.value == one.gain.value
    assert other.gain.interval != one.gain.interval


def test_a_minimal_gain_raises_the_bar() -> None:
    truth = logged.truth(logged.BETTER) - logged.truth(logged.LOGGING)
    assert judged(14, 6_000, policy=GatePolicy(minimal_gain=truth)).decision is Decision.NOT_ENOUGH_EVIDENCE
    assert judged(14, 6_000, policy=GatePolicy(minimal_gain=0.5)).decision is Decision.KEEP


def test_the_verdict_reads_as_a_list_of_requirements() -> None:
    text = str(judged(15, 6_000))
    assert text.splitlines()[0] == "RELEASE"
    assert "      passed  gain: Challenger minus champion is +0." in text
    assert "with a 95% lower bound of +0." in text


def test_a_faulty_policy_is_refused_with_its_name() -> None:
    with pytest.raises(PropensityError, match="target does not sum to 1") as caught:
        judged(16, 100, logged.BETTER * 0.9)
    assert caught.value.__notes__ == ["The target is that of v2."]


def test_a_faulty_guardrail_is_refused_with_its_name() -> None:
    with pytest.raises(LogError, match="rewards are above 1") as caught:
        judged(17, 100, guardrails=[GuardedMetric("dwell time", np.full(100, 30.0), 0.1)])
    assert caught.value.__notes__ == ["The rewards are the values of guardrail dwell time."]
    with pytest.raises(ValueError, match="margin of guardrail dwell time must lie"):
        GuardedMetric("dwell time", np.ones(100), 0.0)


def test_slices_without_a_label_per_round_are_refused() -> None:
    with pytest.raises(ValueError, match="Slices by language need 6000 labels; found the shape"):
        judged(18, 6_000, slices={"language": ["en"]})


def test_contenders_of_one_name_are_refused() -> None:
    target = np.full((1, 2), 0.5)
    with pytest.raises(ValueError, match="must have different names; both are 'v1'"):
        decide(
            rewards=[1.0], actions=[0], propensities=[0.5], rng=np.random.default_rng(),
            champion=Contender("v1", target), challenger=Contender("v1", target),
        )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("n", "model"), [(800, None), (800, lambda world: world.expected), (3_000, None)])
def test_challengers_that_are_no_better_are_released_less_often_than_the_level(n: int, model: Any) -> None:
    target = equal_policies()
    assert logged.truth(target) == pytest.approx(logged.truth(logged.LOGGING))
    policy = GatePolicy(n_resamples=300)
    verdicts = [judged(seed, n, target, reward_model=model, policy=policy).decision for seed in range(400)]
    released = verdicts.count(Decision.RELEASE)
    assert released <= 0.05 * 400 + 1.645 * np.sqrt(400 * 0.05 * 0.95)
    assert released >= 4, "a gate that never opens would pass this test"


@pytest.mark.slow
def test_a_gain_worth_having_is_found_in_most_logs() -> None:
    verdicts = [judged(seed, 3_000).decision for seed in range(40)]
    assert verdicts.count(Decision.RELEASE) >= 38
    assert Decision.KEEP not in verdicts
