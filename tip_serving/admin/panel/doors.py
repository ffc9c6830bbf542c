"""The ways in: sign-in, and the first account by a set-up link. The forms call the routes that set the cookie."""

from urllib.parse import quote, urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View

_NAME = {"name": "name", "label": "Name", "type": "text", "complete": "username", "help": ""}
_PASSWORD = {"name": "password", "label": "Password", "type": "password", "complete": "current-password", "help": ""}
_NEW_NAME = _NAME | {"help": "Lower-case letters and digits. What you judge stands under this name."}
_NEW_PASSWORD = _PASSWORD | {"complete": "new-password", "help": "Long rather than odd: four words do well."}


class DoorView(View, component="views/door.js"):
    """Draws a form at the door."""


async def sign_in(desk: Desk, request: Request) -> Response | None:
    """For whoever has an account; back to where they came from afterwards."""
    then = _local(request.query_params.get("next", "/"))
    if await desk.off_loop(lambda: desk.admin.doorman.recognise(request)) is not None:
        return RedirectResponse(then, 303)
    openid = desk.admin.openid.is_configured
    DoorView().show(
        title="Sign in",
        lead="Which model and prompt write the better tips?",
        act="Sign in",
        action="/api/auth/sign-in",
        fields=[_NAME, _PASSWORD],
        then=then,
        provider=f"/api/auth/openid?next={quote(then, safe='')}" if openid else None,
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
        action="/api/auth/setup",
        fields=[_NEW_NAME, _NEW_PASSWORD] if holds else [],
        token=token if holds else None,
        then="/",
        provider=None,
    )
    return None


def _local(address: str) -> str:
    """The address if it leads to a page of ours, else the start: nobody is led astray by a link to the sign-in."""
    parts = urlsplit(address)
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and not (parts.scheme or parts.netloc)
    return address if is_ours and address.isprintable() else "/"
