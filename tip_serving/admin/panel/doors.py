"""The ways in: sign-in, and the first account by a set-up link. The routes of the door take what the forms post."""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View

_NAME = {"name": "name", "label": "Name", "type": "text", "complete": "username", "help": ""}
_PASSWORD = {"name": "password", "label": "Password", "type": "password", "complete": "current-password", "help": ""}
_NEW_NAME = _NAME | {"help": "Lower-case letters and digits. What you judge stands under this name."}
_NEW_PASSWORD = _PASSWORD | {"complete": "new-password", "help": "At least twelve characters: four words do well."}
_TOLD = {"password": "Your password is another one now. Sign in with it."}
"""What is said at the door of something that went well."""
_FAULTS = {
    "wrong": ("", "No account has this name and this password."),
    "openid": ("", "Your organisation did not let you in. The log of the server says why."),
    "name": ("name", "This cannot be a name here: lower-case letters, digits and any of . _ @ + -."),
    "password": ("password", "This is too short, too common or too much like the name."),
    "taken": ("name", "Somebody has this name already."),
    "link": ("", "This link holds no more."),
}
"""What the routes call a fault: its field, and the words for it."""


class DoorView(View, component="views/door.js"):
    """Draws a form at the door."""


async def sign_in(desk: Desk, request: Request) -> Response | None:
    """For whoever has an account; back to where they came from afterwards."""
    then = _local(request.query_params.get("next", "/"))
    if await desk.off_loop(lambda: desk.admin.doorman.recognise(request)) is not None:
        return RedirectResponse(then, 303)
    is_configured = desk.admin.openid.is_configured
    DoorView().show(
        title="Sign in",
        lead="Which model and prompt write the better tips?",
        act="Sign in",
        action="/sign-in",
        fields=[_NAME, _PASSWORD],
        fault=_fault(request.query_params),
        told=_TOLD.get(request.query_params.get("told", ""), ""),
        then=then,
        provider=f"/openid/begin?next={quote(then, safe='')}" if is_configured else None,
    )
    return None


async def set_up(desk: Desk, request: Request) -> Response | None:
    """For the one link that a fresh installation prints."""
    token = request.path_params["token"]
    holds = await desk.off_loop(lambda: desk.admin.setup.holds(token))
    stale = "This link holds no more: it was used, or a later start printed another one."
    DoorView().show(
        title="Welcome" if holds else "An old link",
        lead="The first account is an admin's. It can make all others." if holds else stale,
        act="Make the account",
        action=request.url.path,
        fields=[_NEW_NAME, _NEW_PASSWORD] if holds else [],
        fault=_fault(request.query_params) if holds else None,
        told="",
        then=None,
        provider=None,
    )
    return None


def _fault(query: Mapping[str, str]) -> dict[str, str] | None:
    code = query.get("fault", "")
    if code == "wait":
        seconds = query.get("seconds", "")
        wait = f" in {seconds[:6]} s" if seconds.isdecimal() else " later"
        return {"field": "", "message": f"Too many attempts. Try again{wait}."}
    if code not in _FAULTS:
        return None
    field, message = _FAULTS[code]
    return {"field": field, "message": message}


def _local(address: str) -> str:
    """The address if it leads to a page of ours, else the start: nobody is led astray by a link to the door."""
    parts = urlsplit(address)
    is_inside = not parts.scheme and not parts.netloc and address.startswith("/") and not address.startswith("//")
    return address if is_inside and "\\" not in address and address.isprintable() else "/"
