"""One's own account: another password, and tokens with which programs act as oneself."""

from typing import Any

from nicegui import ui

from tip_serving.admin.auth.attempts import TooManyError
from tip_serving.admin.auth.passwords import MIN_LENGTH
from tip_serving.admin.auth.tokens import TokenRow
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service.errors import FaultsError, ForbiddenError
from tip_serving.admin.service.users import User

LASTING_DAYS = (7.0, 90.0, 365.0)
"""For how long a token may hold; or until it is revoked."""
MAX_LABEL = 100


class AccountView(View, component="views/account.js"):
    """Draws the forms and the tokens."""


async def own(desk: Desk, visitor: Visitor, user: User) -> None:
    """What the visitor has here, and how to change it."""
    view = AccountView()
    view.show(lasting=[f"{days:g}" for days in LASTING_DAYS], min_length=MIN_LENGTH)

    async def look(now: User) -> None:
        found = await desk.off_loop(lambda: desk.admin.people.own(now))
        view.show(
            page={
                "name": now.name,
                "role": now.role.value,
                "has_password": found.account.has_password,
                "tokens": [token(row) for row in found.tokens.items],
            }
        )

    async def renew(now: User, asked: Any) -> None:
        current, new = (str(asked.get(field, "")) for field in ("current", "new"))
        faults = await _changed(desk, now, current, new)
        view.show(faults=faults)
        if not faults:
            ui.navigate.to("/sign-in?told=password")  # all sessions have ended, this one too

    async def make(now: User, asked: Any) -> None:
        label, days = str(asked.get("label", "")).strip()[:MAX_LABEL], str(asked.get("days", ""))
        if not label:
            view.show(faults={"label": "must say what the token is for"})
            return
        lasts = next((one for one in LASTING_DAYS if f"{one:g}" == days), None)
        made = await desk.off_loop(lambda: desk.admin.people.make_token(now, label, lasts))
        view.show(faults={}, made={"id": made.row.token_id, "token": made.token})
        await look(now)

    async def revoke(now: User, token_id: Any) -> None:
        await desk.off_loop(lambda: desk.admin.people.revoke_token(now, str(token_id)))
        view.show(made=None)
        visitor.say("Whoever has this token is nobody here from now on.")
        await look(now)

    await look(user)
    for event, handle in (("renew", renew), ("make", make), ("revoke", revoke)):
        visitor.on(view, event, handle)


async def _changed(desk: Desk, user: User, current: str, new: str) -> dict[str, str]:
    """Change the password; what is wrong, by field."""
    try:
        await desk.off_loop(lambda: desk.admin.people.set_own_password(user, current, new))
    except ForbiddenError as refused:
        return {"current": refused.detail}
    except TooManyError as refused:
        return {"current": str(refused)}
    except FaultsError as refused:
        return {"new": " ".join(fault.message for fault in refused.faults)}
    return {}


def token(row: TokenRow) -> dict[str, Any]:
    """A token as lists show it."""
    return {
        "id": row.token_id,
        "user": row.user,
        "label": row.label,
        "since": f"{row.created_at:%d %b %Y}",
        "until": f"{row.expires_at:%d %b %Y}" if row.expires_at else "revoked",
    }
