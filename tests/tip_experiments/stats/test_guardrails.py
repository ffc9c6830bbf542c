"""Guardrails: pass, fail and not yet, each when the data say so and no sooner."""

import math

import numpy as np
import pytest

from tip_experiments.stats.guardrails import Guardrail, GuardrailStatus, guarded
from tip_experiments.stats.moments import ArmEstimate, Moments
from tip_experiments.stats.sequential import ConfidenceSequence

SEQUENCE = ConfidenceSequence(10_000)


def _arm(value: float, error: float = 0.01) -> ArmEstimate:
    return ArmEstimate(value, error, 5_000)


@pytest.mark.parametrize(
    ("treatment", "status", "words"),
    [
        (1.0, GuardrailStatus.PASSES, "clicks: pass. At most 0.0"),
        (1.3, GuardrailStatus.PASSES, "clicks: pass. At most -0.2"),
        (0.7, GuardrailStatus.FAILS, "clicks: fail. At least 0.2"),
        (0.9, GuardrailStatus.NOT_YET, "clicks: not yet. The loss lies between 0.0"),
    ],
)
def test_a_metric_may_lose_a_tenth_and_no_more(treatment: float, status: GuardrailStatus, words: str) -> None:
    found = guarded(Guardrail("clicks", 0.1), _arm(1.0), _arm(treatment), SEQUENCE)
    assert (found.status, found.words[: len(words)]) == (status, words)


def test_where_less_is_better_more_is_harm() -> None:
    latency = Guardrail("latency_ms", 5.0, is_higher_better=False)
    assert guarded(latency, _arm(100, 0.5), _arm(120, 0.5), SEQUENCE).status is GuardrailStatus.FAILS
    assert guarded(latency, _arm(100, 0.5), _arm(80, 0.5), SEQUENCE).status is GuardrailStatus.PASSES


def test_a_relative_margin_is_a_share_of_the_control() -> None:
    guardrail = Guardrail("tips", 0.1, is_relative=True)
    assert guarded(guardrail, _arm(50, 0.2), _arm(48.5, 0.2), SEQUENCE).status is GuardrailStatus.PASSES
    failed = guarded(guardrail, _arm(50, 0.2), _arm(43, 0.2), SEQUENCE)
    assert failed.status is GuardrailStatus.FAILS
    assert "10.00% may be" in failed.words


def test_a_relative_loss_stays_a_loss_where_the_control_is_negative() -> None:
    guardrail = Guardrail("balance", 0.1, is_relative=True)
    assert guarded(guardrail, _arm(-50, 0.2), _arm(-70, 0.2), SEQUENCE).status is GuardrailStatus.FAILS
    assert guarded(guardrail, _arm(-50, 0.2), _arm(-40, 0.2), SEQUENCE).status is GuardrailStatus.PASSES


def test_a_share_of_what_could_be_nothing_is_not_told_yet() -> None:
    found = guarded(Guardrail("tips", 0.1, is_relative=True), _arm(0.05), _arm(0.05), SEQUENCE)
    assert (found.status, found.harm_at_least, found.harm_at_most) == (GuardrailStatus.NOT_YET, None, None)
    assert "too close to 0" in found.words


def test_before_the_burn_in_nothing_is_told() -> None:
    early = [ArmEstimate(value, 0.001, 50) for value in (1.0, 0.2)]
    found = guarded(Guardrail("clicks", 0.1), *early, ConfidenceSequence(10_000, burn_in=200))
    assert found.status is GuardrailStatus.NOT_YET
    assert "100 units tell nothing so far" in found.words


@pytest.mark.parametrize("margin", [0.0, -0.1, math.inf, math.nan])
def test_a_margin_that_could_never_be_kept_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="expected a positive number"):
        Guardrail("clicks", margin)


@pytest.mark.slow
def test_harm_of_just_the_margin_passes_and_fails_in_at_most_5_percent_however_often_one_asks() -> None:
    rng = np.random.default_rng(10)
    runs, looks, step = 400, 100, 50
    guardrail, sequence = Guardrail("minutes", 0.2), ConfidenceSequence(5_000)
    passed = failed = 0
    for _ in range(runs):
        control, treatment = Moments(), Moments()
        seen = set()
        for _ in range(looks):
            control += Moments.of(rng.exponential(1.0, step))
            treatment += Moments.of(rng.exponential(1.0, step) - 0.2)
            seen.add(guarded(guardrail, control.estimate(), treatment.estimate(), sequence).status)
        passed, failed = passed + (GuardrailStatus.PASSES in seen), failed + (GuardrailStatus.FAILS in seen)
    assert passed / runs < 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / runs)
    assert failed / runs < 0.05 + 2.6 * math.sqrt(0.05 * 0.95 / runs)
    assert passed + failed > 0
