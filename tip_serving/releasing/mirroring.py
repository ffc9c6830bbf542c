"""What became of a proposal, told where people look things up: model cards and the registry.

A mirror: it follows the steps, is brought up to date at every look, and says the same however often it is asked.
"""

from collections.abc import Iterator

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, LakeError
from tip_serving.releasing.gating import registered
from tip_serving.releasing.ports import CHALLENGER, CHAMPION, Registry, RegistryError
from tip_serving.releasing.proposal import Source
from tip_serving.releasing.state import Phase, ReleaseState
from tip_serving.releasing.step import Step, Turn
from tip_serving.training.candidate import Candidate, CandidateError, read_candidate
from tip_serving.training.cards.card import HistoryEntry
from tip_serving.training.cards.keeping import CardError, append_history, read_card

RELEASE_TAG = "tip.release"


def mirror(lake: Lake, found: ReleaseState, registry: Registry) -> list[str]:
    """Bring cards and registry up to the steps of this proposal; what could not be told, in words.

    Nothing here keeps a release from going on, or back.
    """
    if not found.has_begun:
        return []
    faults: list[str] = []
    for name, version in _versions(lake, found).items():
        try:
            _append(lake, name, version, found)
            told = f"{found.proposal_id}: {found.phase}, step {found.steps[-1].number}"
            if registry.tags(name, version).get(RELEASE_TAG) != told:
                _log_card(lake, name, version, registry)
                registry.tag(name, version, {RELEASE_TAG: told})  # last: what died before it is told again
        except (LakeError, CardError, RegistryError) as error:
            faults.append(f"{name} {version}: {error}")
    faults += _point(found, registry)
    return faults


def _point(found: ReleaseState, registry: Registry) -> Iterator[str]:
    """Set the aliases: the champion is who is served, the challenger who wants to be."""
    turn = found.turn
    aliases = [(CHALLENGER, turn.arm)] if found.is_open else []
    if found.phase is Phase.FINISHED:
        aliases.append((CHAMPION, turn.arm))
    elif found.phase is Phase.ROLLED_BACK:
        aliases.append((CHAMPION, turn.base.champion))
        yield from _dethroned(turn, registry)
    for alias, arm in aliases:
        for name, version in registered(arm).items():
            try:
                registry.set_alias(name, alias, version)
            except RegistryError as error:
                yield f"{alias} of {name}: {error}"


def _dethroned(turn: Turn, registry: Registry) -> Iterator[str]:
    """Take the alias from what was the champion for a while, where nothing registered takes its place."""
    restored = registered(turn.base.champion)
    for name, version in registered(turn.arm).items():
        try:
            if name not in restored:
                registry.remove_alias(name, CHAMPION, version)
        except RegistryError as error:
            yield f"{CHAMPION} of {name}: {error}"


def _versions(lake: Lake, found: ReleaseState) -> dict[str, str]:
    """The registered versions that the proposal is about: those with a card."""
    if found.proposal.source is not Source.CANDIDATE:
        return {}
    try:
        candidate: Candidate = read_candidate(lake, found.proposal.source_id)
    except (LakeError, CandidateError):
        return {}
    return {
        name: version for name, version in candidate.cards.items() if lake.exists(layout.card(name, version, "json"))
    }


def _append(lake: Lake, name: str, version: str, found: ReleaseState) -> None:
    """Add the steps that the card does not have."""
    there = set(read_card(lake, name, version).history)
    for step in found.steps:
        if (entry := entry_of(step)) not in there:
            append_history(lake, name, version, entry)


def entry_of(step: Step) -> HistoryEntry:
    """A step as a card tells it."""
    share = "" if step.share is None else f" {step.share:.0%}"
    return HistoryEntry(at=step.at, event=f"release {step.kind}{share}", detail=step.reason, by=step.by)


def _log_card(lake: Lake, name: str, version: str, registry: Registry) -> None:
    for form in ("json", "md", "html"):
        registry.log_artifact(name, version, f"card.{form}", lake.read(layout.card(name, version, form)))
