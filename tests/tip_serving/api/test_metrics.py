"""The figures hear of events: what was decided by whom, what fell back, and whose arm failed."""

from support.released import NOON

from tip_serving.api.metrics import Meter
from tip_serving.events.exposure import Exposure
from tip_serving.events.feedback import Feedback
from tip_serving.scoring.shadow import ShadowState


def _exposure(error: str | None, **fell_back: str) -> Exposure:
    return Exposure(
        event_id="e", at=NOON, user="u", decision_id="d", kind="score", arm="new", contract_hash="c",
        manifest_version="r1", policy_version=None, model_version=None, tip_ids=("x",), propensities=(1.0,),
        scores=(1.0,), order=(0,), error=error, fell_back=fell_back,
    )  # fmt: skip


def _figures(meter: Meter) -> dict[str, float]:
    lines = [line for line in meter.render().decode().splitlines() if line.startswith("tip_")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_an_arm_that_failed_is_counted_by_kind_and_one_that_did_not_is_not() -> None:
    meter = Meter()
    for error in ("ModelError", None, "ModelError", "PolicyError"):
        meter.event(_exposure(error))
    found = _figures(meter)
    assert found['tip_decisions_total{arm="new",kind="score",manifest="r1"}'] == 4
    assert {name: value for name, value in found.items() if name.startswith("tip_arm_errors")} == {
        'tip_arm_errors_total{arm="new",error="ModelError",kind="score"}': 2,
        'tip_arm_errors_total{arm="new",error="PolicyError",kind="score"}': 1,
    }


def test_fallbacks_and_reactions_are_counted_by_name() -> None:
    meter = Meter()
    meter.event(_exposure(None, tips_7d="stale", language="missing"))
    meter.event(_exposure(None, tips_7d="stale"))
    meter.event(Feedback(event_id="f", at=NOON, user="u", decision_id="d", tip_id="x", reaction="done"))
    found = _figures(meter)
    assert found['tip_feature_fallbacks_total{feature="tips_7d",reason="stale"}'] == 2
    assert found['tip_feature_fallbacks_total{feature="language",reason="missing"}'] == 1
    assert found['tip_feedback_total{reaction="done"}'] == 1


def test_what_the_shadow_scored_and_what_it_dropped_is_shown() -> None:
    meter = Meter()
    meter.shadow_state(ShadowState(scored=3, dropped=1))
    meter.shadow_state(ShadowState(scored=7, dropped=2))
    found = _figures(meter)
    assert (found['tip_shadow{outcome="scored"}'], found['tip_shadow{outcome="dropped"}']) == (7, 2)
