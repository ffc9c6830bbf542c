"""Releases as people follow them and have their say: proposals, steps with their numbers, cards, approve, roll back.

State comes from the steps in the lake alone, whoever takes them. Approving and rolling back add a step; the rest of a
release is done by whoever advances it.
"""

import datetime as dt
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from typing import NamedTuple

from pydantic import ConfigDict

from tip_serving.admin.service.audit import AuditLog
from tip_serving.admin.service.errors import ConflictError, FaultsError, NotFoundError, UnavailableError
from tip_serving.admin.service.rows import Page, Plain, page_of
from tip_serving.admin.service.users import ADMINS, READERS, User, require
from tip_serving.bench.spec import Fault
from tip_serving.lake import layout, storage
from tip_serving.lake.storage import Lake, LakeError, MissingError
from tip_serving.releasing import people
from tip_serving.releasing.gating import registered
from tip_serving.releasing.journal import JournalError
from tip_serving.releasing.plan import RolloutPlan
from tip_serving.releasing.proposal import ProposalError, Source
from tip_serving.releasing.state import Phase, ReleaseState, proposals
from tip_serving.releasing.step import Finding, Step, StepKind
from tip_serving.scoring.manifest import Arm
from tip_serving.settings import Settings
from tip_serving.training.candidate import CandidateError, read_candidate
from tip_serving.training.cards.card import TITLES

MAX_LIMIT = 500
MAX_REASON = 500


class CardForm(StrEnum):
    """How a card is told."""

    JSON = "json"
    MARKDOWN = "md"
    HTML = "html"


class CardLink(Plain):
    """A card of one registered version."""

    name: str
    title: str
    version: str
    href: str
    """Of the page for people."""


class ReleaseRow(Plain):
    """One proposal, in a line."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "proposal_id": "3f9c0a51be27", "source": "candidate", "source_id": "a41c77d0e9b2",
                    "title": "candidate a41c77d0e9b2", "phase": "rollout", "is_open": True, "is_asking": False,
                    "share": 0.1, "reason": "10% of all users have it", "next": "50% of all users", "by": "ana",
                    "proposed_at": "2026-03-01T09:00:00Z", "changed_at": "2026-03-03T09:00:00Z",
                }
            ]
        }
    )  # fmt: skip

    proposal_id: str
    source: Source
    source_id: str
    title: str
    phase: Phase
    is_open: bool
    is_asking: bool
    """Whether a person's word is waited for."""
    share: float
    """Of all users that have it now."""
    reason: str
    next: str
    by: str
    proposed_at: dt.datetime
    changed_at: dt.datetime


class StepRow(Plain):
    """One thing that was decided."""

    number: int
    kind: StepKind
    at: dt.datetime
    by: str
    reason: str
    share: float | None
    findings: tuple[Finding, ...]


class Release(Plain):
    """One proposal with all that was decided about it."""

    row: ReleaseRow
    note: str
    cell: str | None
    plan: RolloutPlan
    arm: Arm | None
    """What is released; null before its turn."""
    base_version: str | None
    """Of the manifest that a rollback restores; null where nothing was released, or before its turn."""
    steps: tuple[StepRow, ...]
    cards: tuple[CardLink, ...]
    may_approve: bool
    """Whether the release waits for a word of a person."""
    may_roll_back: bool


class Watched(Plain):
    """A release as it stands between two steps."""

    words: str
    findings: tuple[Finding, ...]


class CardFile(NamedTuple):
    """A card as it lies in the lake."""

    data: bytes
    form: CardForm


class Releases:
    """The releases of one lake.

    Args:
        lake: where proposals and steps lie.
        settings: say where events are, for numbers between two steps.
        audit: takes down who approved and rolled back.
        clock: seconds since 1970.
    """

    def __init__(self, lake: Lake, settings: Settings, audit: AuditLog, clock: Callable[[], float]) -> None:
        self._lake = lake
        self._settings = settings
        self._audit = audit
        self._clock = clock

    def releases(self, user: User, offset: int = 0, limit: int = 100) -> Page[ReleaseRow]:
        """Every proposal, open ones first, then the latest.

        Args:
            user: an admin or a viewer.
            offset: how many to pass over.
            limit: at most so many, up to MAX_LIMIT.
        """
        require(user, READERS, "see releases")
        rows = sorted(map(_row, self._proposals()), key=lambda row: (row.is_open, row.changed_at), reverse=True)
        return page_of(rows[offset : offset + min(limit, MAX_LIMIT)], len(rows), offset)

    def release(self, user: User, proposal_id: str) -> Release:
        """One proposal. Raises NotFoundError."""
        require(user, READERS, "see releases")
        found = self._found(proposal_id)
        turn = found.turn if found.has_begun else None
        is_last = self._last_on_turn() == proposal_id
        return Release(
            row=_row(found),
            note=found.proposal.note,
            cell=found.proposal.cell,
            plan=found.proposal.plan,
            arm=None if turn is None else turn.arm,
            base_version=None if turn is None else turn.base.manifest_version,
            steps=tuple(map(_step, found.steps)),
            cards=self._cards(found),
            may_approve=found.is_asking,
            may_roll_back=is_last and found.phase in {Phase.ROLLOUT, Phase.FINISHED},
        )

    def watched(self, user: User, proposal_id: str) -> Watched:
        """What would be decided now, and by which numbers; nothing is decided by asking.

        Raises:
            NotFoundError: there is no such proposal.
            UnavailableError: the event store does not answer.
        """
        require(user, READERS, "see releases")
        found = self._found(proposal_id)
        if found.phase not in {Phase.SHADOW, Phase.ROLLOUT}:
            return Watched(words=found.next, findings=())
        from tip_serving.events.database import EventStoreError
        from tip_serving.releasing.advancing import watched
        from tip_serving.releasing.ports import NoChecks, NoRegistry
        from tip_serving.releasing.sources import open_sources

        try:
            sources = open_sources(self._settings, NoChecks(), NoRegistry())
            with closing(sources.events):
                seen = watched(self._lake, proposal_id, sources, self._now())
        except EventStoreError as error:
            raise UnavailableError(f"The event store does not answer: {error}") from None
        return Watched(words=seen.words, findings=seen.findings)

    def approve(self, user: User, proposal_id: str, reason: str) -> Release:
        """Let a release that waits for a person go on. Raises NotFoundError, FaultsError, ConflictError."""
        require(user, ADMINS, "approve releases")
        return self._said(user, proposal_id, "approve", reason, people.approve)

    def rollback(self, user: User, proposal_id: str, reason: str) -> Release:
        """Serve again what was served before it. Raises NotFoundError, FaultsError, ConflictError."""
        require(user, ADMINS, "roll releases back")
        if not reason.strip():
            raise FaultsError("A rollback needs a reason.", [Fault("reason", "say why, for those who read it later")])
        return self._said(user, proposal_id, "rollback", reason, people.rollback)

    def card(self, user: User, name: str, version: str, form: CardForm) -> CardFile:
        """What is known of a registered version. Raises NotFoundError."""
        require(user, READERS, "read model cards")
        try:
            return CardFile(self._lake.read(layout.card(name, version, form.value)), form)
        except MissingError:
            raise NotFoundError(f"There is no card of {name!r:.90}, version {version!r:.90}.") from None

    def _said(
        self,
        user: User,
        proposal_id: str,
        action: str,
        reason: str,
        say: Callable[[Lake, str, str, dt.datetime, str], Step],
    ) -> Release:
        self._found(proposal_id)
        if len(reason) > MAX_REASON:
            raise FaultsError("The reason is too long.", [Fault("reason", f"at most {MAX_REASON} characters")])
        try:
            step = say(self._lake, proposal_id, user.name, self._now(), reason.strip())
        except (ProposalError, storage.ConflictError) as error:
            raise ConflictError(str(error)) from None
        self._audit.note(user, action, proposal_id, {"step": step.number, "reason": reason.strip()})
        return self.release(user, proposal_id)

    def _found(self, proposal_id: str) -> ReleaseState:
        found = next((one for one in self._proposals() if one.proposal_id == proposal_id), None)
        if found is None:
            raise NotFoundError(f"There is no release proposal {proposal_id!r:.90}.")
        return found

    def _proposals(self) -> list[ReleaseState]:
        try:
            return proposals(self._lake)
        except JournalError as error:
            raise LakeError(str(error)) from None

    def _last_on_turn(self) -> str | None:
        begun = [step for found in self._proposals() for step in found.steps if step.kind is StepKind.BEGUN]
        return max(begun, key=lambda step: step.number).proposal_id if begun else None

    def _cards(self, found: ReleaseState) -> tuple[CardLink, ...]:
        versions = registered(found.turn.arm) if found.has_begun else {}
        if not versions and found.proposal.source is Source.CANDIDATE:
            try:
                versions = dict(read_candidate(self._lake, found.proposal.source_id).cards)
            except (CandidateError, MissingError):
                versions = {}
        there = {name: one for name, one in versions.items() if self._lake.exists(layout.card(name, one, "html"))}
        return tuple(
            CardLink(
                name=name,
                title=TITLES.get(name, name),
                version=version,
                href=f"/api/releases/cards/{layout.encode(name)}/{layout.encode(version)}?form=html",
            )
            for name, version in there.items()
        )

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._clock(), dt.UTC)


def _row(found: ReleaseState) -> ReleaseRow:
    return ReleaseRow(
        proposal_id=found.proposal_id,
        source=found.proposal.source,
        source_id=found.proposal.source_id,
        title=found.proposal.title,
        phase=found.phase,
        is_open=found.is_open,
        is_asking=found.is_asking,
        share=found.share,
        reason=found.reason,
        next=found.next,
        by=found.proposal.by,
        proposed_at=found.proposal.at,
        changed_at=found.steps[-1].at if found.steps else found.proposal.at,
    )


def _step(step: Step) -> StepRow:
    return StepRow(
        number=step.number,
        kind=step.kind,
        at=step.at,
        by=step.by,
        reason=step.reason,
        share=step.share,
        findings=step.findings,
    )
