"""What programs come in by, for admins: the API tokens of everybody, and the keys of machines that judge."""

from typing import Any

from tip_serving.admin.panel.account import token
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service.errors import FaultsError
from tip_serving.admin.service.users import ADMINS, User, require

A_PAGE = 50


class TokensView(View, component="views/tokens.js"):
    """Draws the tokens of everybody."""


class WebhooksView(View, component="views/webhooks.js"):
    """Draws the keys and the form for a new one."""


async def tokens(desk: Desk, visitor: Visitor, user: User) -> None:
    """Every token, and how to revoke it. Raises ForbiddenError."""
    require(user, ADMINS, "see the tokens of others")
    view, shown = TokensView(), {"number": 1}

    async def look(now: User) -> None:
        offset = (shown["number"] - 1) * A_PAGE
        found = await desk.off_loop(lambda: desk.admin.people.tokens(now, offset, A_PAGE))
        rows = [token(row) for row in found.items]
        view.show(page={"rows": rows, "number": shown["number"], "n_pages": max(1, -(-found.n_total // A_PAGE))})

    async def turn(now: User, number: Any) -> None:
        shown["number"] = max(1, int(number)) if str(number).isdecimal() else 1
        await look(now)

    async def revoke(now: User, token_id: Any) -> None:
        await desk.off_loop(lambda: desk.admin.people.revoke_token(now, str(token_id)))
        visitor.say("Whoever has this token is nobody here from now on.")
        await look(now)

    await look(user)
    visitor.on(view, "turn", turn)
    visitor.on(view, "revoke", revoke)


async def webhooks(desk: Desk, visitor: Visitor, user: User) -> None:
    """Every key, and how to make and revoke one. Raises ForbiddenError."""
    view = WebhooksView()

    async def look(now: User) -> None:
        found = await desk.off_loop(lambda: desk.admin.people.webhooks(now))
        view.show(
            page={
                "rows": [
                    {
                        "id": row.key_id,
                        "judge": row.judge,
                        "since": f"{row.created_at:%d %b %Y}",
                        "by": row.created_by or "",
                    }
                    for row in found
                ]
            }
        )

    async def make(now: User, asked: Any) -> None:
        judge = str(asked.get("judge", "")).strip()
        try:
            made = await desk.off_loop(lambda: desk.admin.people.make_webhook(now, judge))
        except FaultsError as refused:
            view.show(fault=" ".join(fault.message for fault in refused.faults))
        else:
            view.show(fault="", made={"id": made.row.key_id, "judge": judge, "secret": made.secret})
            await look(now)

    async def revoke(now: User, key_id: Any) -> None:
        await desk.off_loop(lambda: desk.admin.people.revoke_webhook(now, str(key_id)))
        view.show(made=None)
        visitor.say("Nothing that is signed with this key is taken from now on.")
        await look(now)

    await look(user)
    visitor.on(view, "make", make)
    visitor.on(view, "revoke", revoke)
