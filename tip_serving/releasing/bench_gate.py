"""What a cell of the bench is held against: the judge's board, since nobody has seen its tips yet.

The judge's word opens the way to the first people; from there on the guardrails watch it as they watch everything.
"""

from collections.abc import Iterator

from pydantic import ValidationError

from tip_experiments.policies import state as policy_state
from tip_serving.bench import deciding
from tip_serving.bench.deciding import DecisionError
from tip_serving.bench.deciding import Proposal as BenchProposal
from tip_serving.bench.identity import Cell
from tip_serving.bench.ranking.board import Judged
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, LakeError
from tip_serving.prompts import registry
from tip_serving.releasing.gating import failed, passed
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.ports import Sources
from tip_serving.releasing.step import Base, Finding, Outcome
from tip_serving.scoring.prompt_choice import read_arm


def findings(lake: Lake, source_id: str, base: Base, sources: Sources, plan: RolloutPlan) -> Iterator[Finding]:
    """Prompt, warnings of the board, and the lead over every cell in service."""
    try:
        proposed = BenchProposal.model_validate_json(lake.read(layout.proposal(source_id)))
    except (LakeError, ValidationError) as error:
        yield failed("proposal", f"what the bench proposed cannot be read: {error}")
        return
    yield _prompt(proposed)
    yield _warnings(proposed, plan)
    try:
        in_service = cells_in_service(lake, base, sources.default_cell)
    except (LakeError, ValueError) as error:
        yield failed("lead", f"which cells are in service cannot be read: {error}")
        return
    yield from _leads(proposed, in_service, sources, plan)


def cells_in_service(lake: Lake, base: Base, default_cell: str) -> list[Cell]:
    """The cells that write tips for the champion: all that its prompt policy may choose, or the default.

    Args:
        lake: holds the policy.
        base: what is served.
        default_cell: MODEL@PROMPT that writes where no policy is released.
    """
    default = read_arm(default_cell)
    if base.champion.prompt_policy is None:
        return [Cell(default.model or "", default.version)]
    policy = policy_state.loads(lake.read(base.champion.prompt_policy.path).decode())
    arms = map(read_arm, policy.arms)
    return [Cell(arm.model or default.model or "", arm.version) for arm in arms]


def _prompt(proposed: BenchProposal) -> Finding:
    """Whether the prompt that was judged is the one that would write."""
    if proposed.prompt not in registry.versions():
        return failed("prompt", f"{proposed.prompt} is not registered here; there are {', '.join(registry.versions())}")
    ours = registry.get(proposed.prompt).content_hash
    if ours != proposed.prompt_hash:
        return failed("prompt", f"{proposed.prompt} was judged as {proposed.prompt_hash}, here it is {ours}")
    return passed("prompt", f"{proposed.prompt} is the one that was judged")


def _warnings(proposed: BenchProposal, plan: RolloutPlan) -> Finding:
    if not proposed.warnings:
        return passed("warnings", f"the board of {proposed.judge} has none")
    told = f"the board of {proposed.judge} warns: {'; '.join(proposed.warnings)}"
    if plan.accepts_warnings:
        return passed("warnings", f"{told}. They were accepted with the proposal")
    return failed("warnings", f"{told}. Propose it with its warnings accepted if it shall be shown all the same")


def _leads(proposed: BenchProposal, in_service: list[Cell], sources: Sources, plan: RolloutPlan) -> Iterator[Finding]:
    """Its lead over each cell in service, with a lower bound, on scenarios that both have."""
    cell = Cell(proposed.model, proposed.prompt)
    others = [one for one in in_service if one != cell]
    if not others:
        yield failed("lead", f"{cell.written} is in service already, alone")
        return
    judged = sources.judged(proposed.experiment, proposed.judge, proposed.rubric_version)
    for other in others:
        yield _lead(judged, cell, other, plan, in_service)


def _lead(judged: Judged, cell: Cell, other: Cell, plan: RolloutPlan, in_service: list[Cell]) -> Finding:
    name = f"lead over {other.written}"
    try:
        verdict = deciding.gate(judged, cell, other, plan.minimal_gain, plan.guardrails.confidence)
    except DecisionError as error:
        return Finding(
            name=name, outcome=Outcome.UNDETERMINED,
            sentence=f"{name}: {error}. Bench it together with what is in service: "
            f"{', '.join(one.written for one in in_service)}",
        )  # fmt: skip
    return Finding(
        name=name, outcome=Outcome.PASSED if verdict.is_passed else Outcome.FAILED,
        sentence=f"{name}: {verdict.reason}",
    )  # fmt: skip
