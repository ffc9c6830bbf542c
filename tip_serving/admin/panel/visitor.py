"""Who looks at a page, and the guard of every event: the session is read again and the service is asked as that user.

An open page proves nothing. A session may have ended since, a role may have been taken away.
"""

import asyncio
import itertools
import logging
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from fastapi import Request
from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from tip_serving.admin.service.errors import DAMAGE, UNREADABLE, ServiceError
from tip_serving.admin.service.users import READERS, User

VIEWS = Path(__file__).parent / "views"
_log = logging.getLogger(__name__)


class Doorman(Protocol):
    """Tells who a browser is; lives with the accounts."""

    def recognise(self, request: Request) -> User | None:
        """The user of the request's session as it stands now; None once it has ended."""

    def csrf_token(self, request: Request) -> str:
        """What a form posted from this session must carry."""


class SignedOutError(Exception):
    """The session has ended."""


def told(damage: Exception, user: User | None) -> str:
    """What is said of a lake that cannot be read: to readers what lies where, to those who judge nothing of it."""
    return str(damage) if user is not None and user.role in READERS else UNREADABLE


class View(Element):
    """A component of ours that is handed plain values and emits events."""

    def show(self, **values: object) -> None:
        """Hand it these values; what it has already is not sent again."""
        changed = {name: value for name, value in values.items() if self._props.get(name) != value}
        if changed:
            self._props.update(changed)
            self.update()


class Visitor:
    """The person behind one open page.

    Args:
        doorman: recognises them.
        request: that opened the page.
    """

    def __init__(self, doorman: Doorman, request: Request) -> None:
        self._doorman = doorman
        self._request = request
        self.frame: View | None = None
        self._notices = itertools.count()  # the same words again are told again

    async def user(self) -> User:
        """Who it is, read again. Raises SignedOutError."""
        user = await asyncio.to_thread(self._doorman.recognise, self._request)
        if user is None:
            raise SignedOutError
        return user

    def on(self, view: View, event: str, handle: Callable[[User, Any], Awaitable[None]]) -> None:
        """Have `handle` answer an event of `view`, given the user as of now and what the view sent."""

        async def guarded(arguments: GenericEventArguments) -> None:
            await self._guarded(event, lambda user: handle(user, arguments.args))

        view.on(event, guarded)

    def every(self, seconds: float, look: Callable[[User], Awaitable[None]]) -> None:
        """Have `look` called again and again while the page is open."""
        ui.timer(seconds, lambda: self._guarded("look", look), immediate=False)

    def soon(self, look: Callable[[User], Awaitable[None]]) -> None:
        """Have `look` called as soon as the page stands in the browser."""
        ui.timer(0, lambda: self._guarded("look", look), once=True)

    async def _guarded(self, event: str, handle: Callable[[User], Awaitable[None]]) -> None:
        user: User | None = None
        try:
            user = await self.user()
            await handle(user)
        except SignedOutError:
            ui.navigate.to(self.sign_in())
        except ServiceError as refused:
            self.say(" ".join([refused.detail, *(fault.message for fault in refused.faults)]))
        except DAMAGE as damage:
            _log.error("%s: %s", event, damage)
            self.say(told(damage, user))
        except Exception:  # noqa: BLE001 - a broken event must neither be silent nor take the page with it
            _log.exception("an event of a page failed", extra={"event": event})
            self.say("That did not work; nothing is known to have changed. The log of the server has the details.")

    def sign_in(self) -> str:
        """Where to sign in again, and then come back."""
        url = self._request.url
        return f"/sign-in?next={quote(url.path + (f'?{url.query}' if url.query else ''), safe='')}"

    def say(self, text: str) -> None:
        """Tell the person something in passing."""
        if self.frame is not None:
            self.frame.show(notice={"text": text, "number": next(self._notices)})

    @property
    def path(self) -> Mapping[str, str]:
        """What the address names."""
        return self._request.path_params

    @property
    def query(self) -> Mapping[str, str]:
        """What the address asks."""
        return self._request.query_params

    @property
    def csrf(self) -> str:
        """For forms that are posted."""
        return self._doorman.csrf_token(self._request)
