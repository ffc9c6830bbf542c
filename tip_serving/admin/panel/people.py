"""Who may come in, for admins."""

from typing import Any

from tip_serving.admin.auth.accounts import Account
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import View, Visitor
from tip_serving.admin.service.errors import ConflictError, FaultsError
from tip_serving.admin.service.users import Role, User
from tip_serving.bench.spec import Fault

A_PAGE = 50


class PeopleView(View, component="views/people.js"):
    """Draws accounts and the form for a new one."""


async def listed(desk: Desk, visitor: Visitor, user: User) -> None:
    """Every account, and how to change it."""
    view, shown = PeopleView(), {"number": 1}

    async def look(now: User) -> None:
        offset = (shown["number"] - 1) * A_PAGE
        found = await desk.off_loop(lambda: desk.admin.people.accounts(now, offset, A_PAGE))
        view.show(
            page={
                "roles": list(Role),
                "users": [_row(account, now) for account in found.items],
                "number": shown["number"],
                "n_pages": max(1, -(-found.n_total // A_PAGE)),
            }
        )

    async def turn(now: User, number: Any) -> None:
        shown["number"] = max(1, int(number)) if str(number).isdecimal() else 1
        await look(now)

    async def add(now: User, asked: Any) -> None:
        name, role, password = (str(asked.get(field, "")) for field in ("name", "role", "password"))
        try:
            await desk.off_loop(lambda: desk.admin.people.add(now, name, _role(role), password))
        except (FaultsError, ConflictError) as refused:
            found = refused.faults or (Fault("name", refused.detail),)
            view.show(faults=[{"field": fault.field, "message": fault.message} for fault in found])
        else:
            view.show(faults=[], made=name)
            visitor.say(f"{name} may come in.")
            await look(now)

    async def promote(now: User, asked: Any) -> None:
        await desk.off_loop(lambda: desk.admin.people.set_role(now, str(asked["name"]), _role(str(asked["role"]))))
        visitor.say(f"{asked['name']} is {asked['role']} now, and has to sign in again.")
        await look(now)

    async def remove(now: User, asked: Any) -> None:
        await desk.off_loop(lambda: desk.admin.people.remove(now, str(asked["name"])))
        visitor.say(f"{asked['name']} is gone.")
        await look(now)

    await look(user)
    visitor.on(view, "add", add)
    visitor.on(view, "promote", promote)
    visitor.on(view, "remove", remove)
    visitor.on(view, "turn", turn)


def _role(told: str) -> Role:
    if told not in set(Role):
        raise FaultsError("There is no such role.", [Fault("role", f"choose one of {', '.join(Role)}")])
    return Role(told)


def _row(account: Account, user: User) -> dict[str, Any]:
    return {
        "name": account.name,
        "role": account.role.value,
        "since": f"{account.created_at:%d %b %Y}",
        "way": "password" if account.has_password else "OpenID",
        "is_me": account.name == user.name,
    }
