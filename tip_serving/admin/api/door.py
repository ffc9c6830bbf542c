"""Routes by which one comes in and goes out: forms of the pages, the same as JSON, the set-up link, OpenID Connect.

Forms are answered by going elsewhere (303), with a fault in the address where there is one: `wrong`, `wait`, `name`,
`password`, `taken`, `link`, `openid`. A form from a stranger's page is refused by its Origin.
"""

from datetime import datetime
from typing import Annotated, TypeVar
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form, Query, Request
from pydantic import Field
from starlette.responses import RedirectResponse, Response

from tip_serving.admin.api.caller import ANYBODY, Admins, Caller, admin_of, roles
from tip_serving.admin.api.people import Asked, Password
from tip_serving.admin.api.problems import documented
from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.attempts import TooManyError
from tip_serving.admin.auth.doorman import SignInError
from tip_serving.admin.auth.sessions import NewSession
from tip_serving.admin.service.errors import ConflictError, FaultsError, ForbiddenError, ServiceError
from tip_serving.admin.service.rows import Plain
from tip_serving.admin.service.users import Role, User

ROUTES = APIRouter(tags=["door"])
Answer = TypeVar("Answer", bound=Response)
_JOURNEY = "tip_journey"
_JOURNEY_LASTS_S = 600
Text = Annotated[str, Form(max_length=200)]
Next = Annotated[str, Form(max_length=2_000)]


class SignIn(Asked):
    """Name and password."""

    name: Annotated[str, Field(max_length=200)]
    password: Password


class Who(Plain):
    """Who one is here."""

    name: str
    role: Role
    csrf: str
    """What writes by this session must show; empty for a token."""
    expires_at: datetime | None


@ROUTES.get("/healthz", openapi_extra=ANYBODY)
def health() -> dict[str, str]:
    """Answers as soon as the server does."""
    return {"status": "ok"}


@ROUTES.post("/api/session", responses=documented(429), openapi_extra=ANYBODY)
def sign_in(request: Request, response: Response, admin: Admins, who: SignIn) -> Who:
    """Sign in; the cookie comes with the answer."""
    refuse_strangers(request)
    begun = admin.doorman.sign_in(who.name, who.password, _address(request))
    _set_cookie(admin, response, begun)
    user, csrf, expires_at = begun.session
    return Who(name=user.name, role=user.role, csrf=csrf, expires_at=expires_at)


@ROUTES.get("/api/session", responses=documented(), openapi_extra=roles(*Role))
def who(request: Request, user: Caller, admin: Admins) -> Who:
    """Who one is, and what writes by this session must show."""
    session = None if admin.doorman.bearer(request) else admin.doorman.session(request)
    return Who(
        name=user.name,
        role=user.role,
        csrf=session.csrf if session else "",
        expires_at=session.expires_at if session else None,
    )


@ROUTES.delete("/api/session", status_code=204, responses=documented(), openapi_extra=roles(*Role))
def sign_out(request: Request, response: Response, user: Caller, admin: Admins) -> None:
    """End this session."""
    del user
    admin.doorman.sign_out(request)
    response.delete_cookie(admin.doorman.cookie_name)


@ROUTES.post("/sign-in", include_in_schema=False)
def sign_in_by_form(request: Request, admin: Admins, name: Text, password: Text, next: Next = "/") -> Response:  # noqa: A002  its name in the form
    """Sign in and go on to `next`."""
    refuse_strangers(request)
    try:
        begun = admin.doorman.sign_in(name, password, _address(request))
    except TooManyError as error:
        return _elsewhere("/sign-in", fault="wait", seconds=str(error.retry_after_s), next=_inside(next))
    except SignInError:
        return _elsewhere("/sign-in", fault="wrong", next=_inside(next))
    return _set_cookie(admin, _elsewhere(_inside(next)), begun)


@ROUTES.post("/sign-out", include_in_schema=False)
def sign_out_by_form(request: Request, admin: Admins, csrf: Text = "") -> Response:
    """End this session and go to the door."""
    session = admin.doorman.session(request)
    if session is not None:
        if not admin.doorman.is_csrf_right(session, csrf):
            raise ForbiddenError("This form does not come from this session.")
        admin.doorman.sign_out(request)
    answer = _elsewhere("/sign-in")
    answer.delete_cookie(admin.doorman.cookie_name)
    return answer


@ROUTES.post("/setup/{token}", include_in_schema=False)
def set_up(request: Request, admin: Admins, token: str, name: Text, password: Text) -> Response:
    """Make the first account and sign it in."""
    refuse_strangers(request)
    here = f"/setup/{token}"
    try:
        account = admin.setup.use(token, name, password)
    except FaultsError as error:
        return _elsewhere(here, fault=error.faults[0].field)
    except ConflictError:
        return _elsewhere(here, fault="taken")
    except ForbiddenError:
        return _elsewhere(here, fault="link")
    user = User(account.name, account.role)
    admin.audit.note(user, "set-up", account.name, {"address": _address(request)})
    return _set_cookie(admin, _elsewhere("/"), admin.doorman.let_in(user, _address(request)))


@ROUTES.get("/openid/begin", include_in_schema=False)
def begin_openid(request: Request, admin: Admins, next: Annotated[str, Query(max_length=2_000)] = "/") -> Response:  # noqa: A002  as above
    """Go to the provider."""
    if not admin.openid.is_configured:
        return _elsewhere("/sign-in", fault="openid")
    try:
        journey = admin.openid.begin(_callback(request, admin), _inside(next))
    except ServiceError as error:
        admin.audit.note(None, "openid-refused", "begin", {"reason": error.detail})
        return _elsewhere("/sign-in", fault="openid")
    answer = RedirectResponse(journey.url, 303)
    # Lax, not strict: the provider's page is what leads back here.
    answer.set_cookie(
        _JOURNEY,
        journey.cookie,
        max_age=_JOURNEY_LASTS_S,
        path="/openid",
        secure=admin.doorman.is_secure,
        httponly=True,
        samesite="lax",
    )
    return answer


@ROUTES.get("/openid/callback", include_in_schema=False)
def finish_openid(
    request: Request,
    admin: Admins,
    state: Annotated[str, Query(max_length=2_000)] = "",
    code: Annotated[str, Query(max_length=10_000)] = "",
) -> Response:
    """Back from the provider: the account is made on the first visit, its role is what the provider says."""
    try:
        vouched = admin.openid.finish(request.cookies.get(_JOURNEY, ""), state, code, _callback(request, admin))
        user = admin.accounts.vouched_for(vouched.name, vouched.role, vouched.issuer, vouched.subject)
    except ServiceError as error:
        admin.audit.note(None, "openid-refused", "callback", {"reason": error.detail})
        return _elsewhere("/sign-in", fault="openid")
    answer = _set_cookie(admin, _elsewhere(_inside(vouched.came_from)), admin.doorman.let_in(user, _address(request)))
    answer.delete_cookie(_JOURNEY, path="/openid")
    return answer


def refuse_strangers(request: Request) -> None:
    """Refuse a form that another site's page sent. Raises ForbiddenError."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "none")
    public = admin_of(request).settings.tip_admin_url or ""
    ours = {request.headers.get("host", ""), urlsplit(public).netloc}  # a proxy in front may tell another host
    is_ours = origin is None or (urlsplit(origin).netloc or "nowhere") in ours
    if not is_ours or site not in {"none", "same-origin"}:
        raise ForbiddenError("This form was sent from another site's page.")


def _set_cookie(admin: Admin, answer: Answer, begun: NewSession) -> Answer:
    answer.set_cookie(
        admin.doorman.cookie_name,
        begun.cookie,
        max_age=round(admin.settings.tip_session_s),
        secure=admin.doorman.is_secure,
        httponly=True,
        samesite="lax",
    )
    return answer


def _elsewhere(path: str, **query: str) -> RedirectResponse:
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


def _inside(address: str) -> str:
    """A path of ours, so that a link to the door never leads away from here."""
    parts = urlsplit(address)
    is_inside = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith("//")
    return address if is_inside and "\\" not in address and address.isprintable() else "/"


def _address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def _callback(request: Request, admin: Admin) -> str:
    return f"{(admin.settings.tip_admin_url or str(request.base_url)).rstrip('/')}/openid/callback"
