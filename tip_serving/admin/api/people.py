"""Routes of accounts, tokens, webhook keys and the audit log."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from tip_serving.admin.api.answers import NOT_MODIFIED, answer
from tip_serving.admin.api.caller import Admins, Caller, roles
from tip_serving.admin.api.experiments import Limit, Offset
from tip_serving.admin.api.problems import documented
from tip_serving.admin.auth.accounts import Account
from tip_serving.admin.auth.audit import AuditRow
from tip_serving.admin.auth.passwords import MAX_LENGTH, MIN_LENGTH
from tip_serving.admin.auth.tokens import TokenRow
from tip_serving.admin.auth.webhooks import WebhookRow
from tip_serving.admin.service.rows import Page, Plain
from tip_serving.admin.service.users import Role

ROUTES = APIRouter(prefix="/api", tags=["people"])
_ADMINS, _EVERYBODY = roles(Role.ADMIN), roles(*Role)
Name = Annotated[str, Path(max_length=100)]
Password = Annotated[str, Field(max_length=MAX_LENGTH, description=f"At least {MIN_LENGTH} characters.")]


class Asked(BaseModel):
    """A body that refuses fields it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NewAccount(Asked):
    """Somebody to let in."""

    name: Annotated[str, Field(max_length=100)]
    role: Role
    password: Password


class Changed(Asked):
    """What to change of an account; what is absent stays."""

    role: Role | None = None
    password: Password | None = None


class OwnPassword(Asked):
    """One's own password, old and new."""

    current: Password
    new: Password


class TokenAsked(Asked):
    """A token for a program."""

    label: Annotated[str, Field(min_length=1, max_length=100)]
    days: Annotated[float | None, Field(gt=0, le=3_660, allow_inf_nan=False, description="Null: until revoked.")] = 90


class TokenMade(Plain):
    """A token, shown this once."""

    token: str
    row: TokenRow


class WebhookAsked(Asked):
    """A key for a machine that judges."""

    judge: Annotated[str, Field(max_length=200)]


class WebhookMade(Plain):
    """A key with its secret, shown this once."""

    secret: str
    row: WebhookRow


@ROUTES.get("/users", response_model=Page[Account], responses=NOT_MODIFIED | documented(), openapi_extra=_ADMINS)
def accounts(request: Request, user: Caller, admin: Admins, offset: Offset = 0, limit: Limit = 100) -> Response:
    """The accounts by name."""
    return answer(request, admin.people.accounts(user, offset, limit))


@ROUTES.post("/users", status_code=201, responses=documented(409), openapi_extra=_ADMINS)
def add(user: Caller, admin: Admins, new: NewAccount) -> Account:
    """A new account."""
    return admin.people.add(user, new.name, new.role, new.password)


@ROUTES.patch("/users/{name}", status_code=204, responses=documented(404, 409), openapi_extra=_ADMINS)
def change(user: Caller, admin: Admins, name: Name, changed: Changed) -> None:
    """Another role or password; ends the sessions of that account."""
    admin.people.change(user, name, changed.role, changed.password)


@ROUTES.delete("/users/{name}", status_code=204, responses=documented(404, 409), openapi_extra=_ADMINS)
def remove(user: Caller, admin: Admins, name: Name) -> None:
    """Delete an account with its sessions and tokens; what it judged stays."""
    admin.people.remove(user, name)


@ROUTES.post("/session/password", status_code=204, responses=documented(429), openapi_extra=_EVERYBODY)
def own_password(user: Caller, admin: Admins, passwords: OwnPassword) -> None:
    """Change one's own password; ends all of one's sessions."""
    admin.people.set_own_password(user, passwords.current, passwords.new)


@ROUTES.get("/tokens", response_model=Page[TokenRow], responses=NOT_MODIFIED | documented(), openapi_extra=_EVERYBODY)
def tokens(request: Request, user: Caller, admin: Admins, offset: Offset = 0, limit: Limit = 100) -> Response:
    """One's own API tokens; an admin sees all."""
    return answer(request, admin.people.tokens(user, offset, limit))


@ROUTES.post("/tokens", status_code=201, responses=documented(), openapi_extra=_EVERYBODY)
def make_token(user: Caller, admin: Admins, asked: TokenAsked) -> TokenMade:
    """A token with which a program acts as this user."""
    made = admin.people.make_token(user, asked.label, asked.days)
    return TokenMade(token=made.token, row=made.row)


@ROUTES.delete("/tokens/{token_id}", status_code=204, responses=documented(404), openapi_extra=_EVERYBODY)
def revoke_token(user: Caller, admin: Admins, token_id: Name) -> None:
    """Revoke a token."""
    admin.people.revoke_token(user, token_id)


@ROUTES.get("/webhooks", response_model=list[WebhookRow], responses=NOT_MODIFIED | documented(), openapi_extra=_ADMINS)
def webhooks(request: Request, user: Caller, admin: Admins) -> Response:
    """The keys of machines that judge."""
    return answer(request, admin.people.webhooks(user))


@ROUTES.post("/webhooks", status_code=201, responses=documented(), openapi_extra=_ADMINS)
def make_webhook(user: Caller, admin: Admins, asked: WebhookAsked) -> WebhookMade:
    """A key with which a machine signs what it judged."""
    made = admin.people.make_webhook(user, asked.judge)
    return WebhookMade(secret=made.secret, row=made.row)


@ROUTES.delete("/webhooks/{key_id}", status_code=204, responses=documented(404), openapi_extra=_ADMINS)
def revoke_webhook(user: Caller, admin: Admins, key_id: Name) -> None:
    """Revoke a key."""
    admin.people.revoke_webhook(user, key_id)


@ROUTES.get("/audit", response_model=Page[AuditRow], responses=NOT_MODIFIED | documented(), openapi_extra=_ADMINS)
def audit(
    request: Request,
    user: Caller,
    admin: Admins,
    action: Annotated[str | None, Query(max_length=40, description="Only these.")] = None,
    by: Annotated[str | None, Query(max_length=120, description="Only what this user did.")] = None,
    offset: Offset = 0,
    limit: Limit = 100,
) -> Response:
    """Who did what, the latest first."""
    return answer(request, admin.audit.entries(user, action, by, offset, limit))
