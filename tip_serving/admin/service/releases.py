"""Releases as people follow them and have their say: proposals, steps with their numbers, cards, approve, roll back.

State comes from the steps in the lake alone, whoever takes them. Approving and rolling back add a step; the rest of a
release is done by whoever advances it.
"""

import datetime as dt
from collections.abc import Callable
from contextlib import closing
from enum import StrEnum
from typing import NamedTuple

from tip_serving.admin.service.audit import AuditLog
from tip_serving.admin.service.errors import ConflictError, FaultsError, NotFoundError, UnavailableError
from tip_serving.admin.service.release_rows import CardLink, Release, ReleaseRow, Watched, release_row, step_row
from tip_serving.admin.service.rows import Page, page_of
from tip_serving.admin.service.users import ADMINS, READERS, User, require
from tip_serving.bench.spec import Fault
from tip_serving.lake import layout, storage
from tip_serving.lake.storage import Lake, LakeError, MissingError
from tip_serving.releasing import people
from tip_serving.releasing.gating import registered
from tip_serving.releasing.journal import Journal, JournalError, read_journal
from tip_serving.releasing.proposal import ProposalError, Source
from tip_serving.releasing.state import Phase, ReleaseState, proposals
from tip_serving.releasing.step import Step
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
        rows = sorted(
            map(release_row, proposals(self._lake, self._journal())),
            key=lambda row: (row.is_open, row.changed_at),
            reverse=True,
        )
        return page_of(rows[offset : offset + min(limit, MAX_LIMIT)], len(rows), offset)

    def release(self, user: User, proposal_id: str) -> Release:
        """One proposal. Raises NotFoundError."""
        require(user, READERS, "see releases")
        journal = self._journal()
        found = self._found(proposal_id, journal)
        turn = found.turn if found.has_begun else None
        return Release(
            row=release_row(found),
            note=found.proposal.note,
            cell=found.proposal.cell,
            plan=found.proposal.plan,
            arm=None if turn is None else turn.arm,
            base_version=None if turn is None else turn.base.manifest_version,
            steps=tuple(map(step_row, found.steps)),
            cards=self._cards(found),
            may_approve=found.is_asking,
            may_roll_back=journal.on_turn == proposal_id and found.phase in {Phase.ROLLOUT, Phase.FINISHED},
        )

    def watched(self, user: User, proposal_id: str) -> Watched:
        """What would be decided now, and by which numbers; nothing is decided by asking.

        Raises:
            NotFoundError: there is no such proposal.
            UnavailableError: the event store does not answer.
        """
        require(user, READERS, "see releases")
        found = self._found(proposal_id, self._journal())
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
        self._found(proposal_id, self._journal())
        if len(reason) > MAX_REASON:
            raise FaultsError("The reason is too long.", [Fault("reason", f"at most {MAX_REASON} characters")])
        try:
            step = say(self._lake, proposal_id, user.name, self._now(), reason.strip())
        except (ProposalError, storage.ConflictError) as error:
            raise ConflictError(str(error)) from None
        self._audit.note(user, action, proposal_id, {"step": step.number, "reason": reason.strip()})
        return self.release(user, proposal_id)

    def _journal(self) -> Journal:
        try:
            return read_journal(self._lake)
        except JournalError as error:
            raise LakeError(str(error)) from None

    def _found(self, proposal_id: str, journal: Journal) -> ReleaseState:
        found = next((one for one in proposals(self._lake, journal) if one.proposal_id == proposal_id), None)
        if found is None:
            raise NotFoundError(f"There is no release proposal {proposal_id!r:.90}.")
        return found

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
