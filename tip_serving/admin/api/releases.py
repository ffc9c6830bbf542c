"""Routes of releases: list, follow, read cards, approve, roll back."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from tip_serving.admin.api.answers import JSON, NOT_MODIFIED, answer, tagged
from tip_serving.admin.api.caller import Admins, Caller, roles
from tip_serving.admin.api.experiments import Limit, Offset
from tip_serving.admin.api.problems import documented
from tip_serving.admin.service.release_rows import Release, ReleaseRow, Watched
from tip_serving.admin.service.releases import MAX_REASON, CardForm
from tip_serving.admin.service.rows import Page, Plain
from tip_serving.admin.service.users import Role
from tip_serving.training.cards.card import Card

ROUTES = APIRouter(prefix="/api/releases", tags=["releases"])
_READERS, _ADMINS = roles(Role.ADMIN, Role.VIEWER), roles(Role.ADMIN)

Proposal = Annotated[str, Path(max_length=100, examples=["3f9c0a51be27"])]
Segment = Annotated[str, Path(max_length=100)]
_TYPES = {CardForm.JSON: JSON, CardForm.MARKDOWN: "text/markdown", CardForm.HTML: "text/html"}
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"


class Word(Plain):
    """What a person says with a decision."""

    reason: Annotated[str, Field(max_length=MAX_REASON, description="Kept with the step and in the card.")]


_APPROVAL = {"looked at": {"summary": "With what was looked at", "value": {"reason": "Card and shadow run looked at."}}}
_ROLLBACK = {"support": {"summary": "With what is wrong", "value": {"reason": "Support hears of tips at night."}}}


@ROUTES.get("", response_model=Page[ReleaseRow], responses=NOT_MODIFIED | documented(), openapi_extra=_READERS)
def releases(request: Request, user: Caller, admin: Admins, offset: Offset = 0, limit: Limit = 100) -> Response:
    """Every proposal with how far it is and what is next, open ones first."""
    return answer(request, admin.releases.releases(user, offset, limit))


@ROUTES.get(
    "/cards/{name}/{version}",
    response_model=Card,
    responses=NOT_MODIFIED | documented(404) | {200: {"content": {JSON: {}, "text/markdown": {}, "text/html": {}}}},
    openapi_extra=_READERS,
)
def card(
    request: Request,
    user: Caller,
    admin: Admins,
    name: Segment,
    version: Segment,
    form: Annotated[CardForm, Query(description="For programs, for a terminal, or as a page.")] = CardForm.JSON,
) -> Response:
    """The model card of a registered version, with what became of it so far."""
    found = admin.releases.card(user, name, version, form)
    shown = tagged(request, found.data, _TYPES[found.form])
    shown.headers["Content-Security-Policy"] = _SANDBOX  # whatever a card holds, it runs nothing
    return shown


@ROUTES.get("/{proposal}", response_model=Release, responses=NOT_MODIFIED | documented(404), openapi_extra=_READERS)
def release(request: Request, user: Caller, admin: Admins, proposal: Proposal) -> Response:
    """One proposal with its plan, its arm, its cards, and every step with the numbers it rests on."""
    return answer(request, admin.releases.release(user, proposal))


@ROUTES.get(
    "/{proposal}/watch", response_model=Watched, responses=NOT_MODIFIED | documented(404), openapi_extra=_READERS
)
def watch(request: Request, user: Caller, admin: Admins, proposal: Proposal) -> Response:
    """Shadow run or stage as it stands between two steps; nothing is decided by asking."""
    return answer(request, admin.releases.watched(user, proposal))


@ROUTES.post("/{proposal}/approve", responses=documented(404, 409), openapi_extra=_ADMINS)
def approve(
    user: Caller, admin: Admins, proposal: Proposal, word: Annotated[Word, Body(openapi_examples=_APPROVAL)]
) -> Release:
    """Let a release that waits for a person go on."""
    return admin.releases.approve(user, proposal, word.reason)


@ROUTES.post("/{proposal}/rollback", responses=documented(404, 409), openapi_extra=_ADMINS)
def rollback(
    user: Caller, admin: Admins, proposal: Proposal, word: Annotated[Word, Body(openapi_examples=_ROLLBACK)]
) -> Release:
    """Serve again what was served before this release."""
    return admin.releases.rollback(user, proposal, word.reason)
