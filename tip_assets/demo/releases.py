"""How a demo releases: the same code and the same questions as anywhere, with minimums that fit a few hundred people.

Margins are wide and stages short, since so few people cannot rule out a small harm within days. Nothing is approved by
hand, and nothing is let through: an arm that the gate, the shadow or a guardrail stops has been stopped.
"""

import datetime as dt

from pydantic import BaseModel, ConfigDict

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.plan import Guardrails, RolloutPlan, ShadowLimits
from tip_serving.releasing.ports import Sources
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.state import proposals
from tip_serving.scoring import manifest as manifests

BY = "demo"
PLAN = RolloutPlan(
    min_decisions_per_stage=3,
    min_hours_per_stage=6.0,
    shadow_min_decisions=200,
    shadow_min_hours=6.0,
    guardrails=Guardrails(reward=0.03, early_reward=0.03, dismissed=0.03, errors=0.02),
    auto_approve=True,
    accepts_warnings=True,
)
SMALL_STEP = PLAN.model_copy(
    update={"guardrails": Guardrails(reward=0.12, early_reward=0.12, dismissed=0.12, errors=0.02)}
)
"""Of an arm that is much like the champion: some hundred people cannot rule out in days that it is a little worse."""

CARELESS = PLAN.model_copy(
    update={
        "shadow": ShadowLimits(max_score_shift=1.0),
        "guardrails": Guardrails(reward=0.01, early_reward=0.01, dismissed=0.01, errors=0.02, max_false_rollbacks=0.2),
    }
)
"""Lets an arm out of the shadow whose scores are nothing like the champion's, and then takes it back at little harm."""


class Advanced(BaseModel):
    """What was decided at one look, and what is served from then on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: tuple[str, ...]
    """Each in a few words."""
    manifest: str | None
    is_open: bool
    """Whether a proposal is still under way."""


def look(lake: Lake, sources: Sources, now: dt.datetime) -> Advanced:
    """Decide all that can be decided at `now`."""
    taken = advance_all(lake, sources, now)
    told = [f"{step.kind} {step.share:.0%}" if step.share else str(step.kind) for step in taken]
    is_open = any(one.is_open for one in proposals(lake))
    return Advanced(steps=tuple(told), manifest=served(lake), is_open=is_open)


def put_forward(lake: Lake, source_id: str, now: dt.datetime, note: str, plan: RolloutPlan = PLAN) -> str:
    """Propose what has this id for release; the id of the proposal."""
    return propose(lake, source_id, BY, now, plan, note).proposal_id


def served(lake: Lake) -> str | None:
    """The version of the manifest that is released; None where nothing is."""
    try:
        return manifests.parse(lake.read(layout.released_manifest())).version
    except MissingError:
        return None
