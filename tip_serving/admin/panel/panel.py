"""Mounts the pages on the application of the admin process: paths, titles, the look, and what a refusal looks like."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from importlib.resources import files
from typing import NamedTuple

from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from nicegui import context, ui

from tip_serving.admin.assembly import Admin
from tip_serving.admin.panel import (
    account,
    audit,
    doors,
    experiment,
    experiments,
    judging,
    keys,
    people,
    prompts,
    releases,
    rewards,
)
from tip_serving.admin.panel.desk import Desk
from tip_serving.admin.panel.visitor import SignedOutError, View, Visitor, told
from tip_serving.admin.service.errors import DAMAGE, ForbiddenError, NotFoundError, ServiceError, UnavailableError
from tip_serving.admin.service.users import ADMINS, JUDGES, READERS, Role, User
from tip_serving.bench.page.render import part

RECONNECTS_WITHIN_S = 30.0
"""A page that was cut off for longer is loaded anew; what a judge said meanwhile waits in the browser."""
ANSWERS_WITHIN_S = 30.0
_EARLY = """<script>{
  const theme = localStorage.getItem("tip-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
}</script>"""
_ICON = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="6" fill="#175a9e"/>
<path d="M8 11h16M8 16h10M8 21h13" stroke="#fff" stroke-width="2.5" stroke-linecap="round"/></svg>"""
_log = logging.getLogger(__name__)
Build = Callable[[Desk, Visitor, User], Awaitable[Response | None]]


class Place(NamedTuple):
    """A page and who finds it in the bar."""

    path: str
    title: str
    build: Build
    in_bar: frozenset[Role] = frozenset()


PLACES = (
    Place("/", "Experiments", experiments.listed, READERS),
    Place("/experiments/new", "New experiment", experiments.composed),
    Place("/experiments/{experiment}", "Experiment", experiment.watched),
    Place("/experiments/{experiment}/mlflow", "MLflow", experiment.mirrored),
    Place("/judge", "Judge", judging.chosen, JUDGES),
    Place("/judge/{experiment}", "Judge", judging.judged),
    Place("/prompts", "Prompts", prompts.told, READERS),
    Place("/rewards", "Rewards", rewards.told, READERS),
    Place("/releases", "Releases", releases.listed, READERS),
    Place("/releases/{proposal}", "Release", releases.followed),
    Place("/users", "Access", people.listed, ADMINS),
    Place("/tokens", "API tokens", keys.tokens),
    Place("/webhooks", "Webhook keys", keys.webhooks),
    Place("/audit", "Audit log", audit.told),
    Place("/account", "Your account", account.own),
)

_UNDER = {place.path: "/" for place in PLACES if place.path.startswith("/experiments")} | dict.fromkeys(
    ("/tokens", "/webhooks", "/audit"), "/users"
)
"""Under which place of the bar the others stand."""


class FrameView(View, component="views/frame.js", esm={"tip-panel": "views/parts"}):
    """Draws the bar above every page."""


class RefusedView(View, component="views/refused.js"):
    """Draws why there is nothing to see."""


def mount(app: FastAPI, admin: Admin) -> None:
    """Serve every page under `app`. Once a process: the pages belong to NiceGUI's own application."""
    desk = Desk(admin)
    ui.add_css(part("palette.css"), shared=True)
    ui.add_css(files("tip_serving.admin.panel").joinpath("views", "panel.css").read_text(), shared=True)
    ui.add_css(files("tip_serving.admin.panel").joinpath("views", "outcomes.css").read_text(), shared=True)
    ui.add_head_html(_EARLY, shared=True)
    for place in PLACES:
        _serve(place.path, place.title, partial(_show, desk, place))
    _serve("/sign-in", "Sign in", partial(doors.sign_in, desk))
    _serve("/setup/{token}", "Set up", partial(doors.set_up, desk))
    ui.run_with(
        app,
        title="Tip bench",
        favicon=_ICON,
        dark=None,
        language="en-GB",
        tailwind=False,
        reconnect_timeout=RECONNECTS_WITHIN_S,
        binding_refresh_interval=None,
        show_welcome_message=False,
    )
    # Behind everything else, so that what is not there is told in our own words.
    _serve("/{rest:path}", "Not here", partial(_show, desk, Place("", "Not here", _nowhere)))


def _serve(path: str, title: str, show: Callable[..., Awaitable[Response | None]]) -> None:
    async def handler(request: Request) -> Response | None:
        return await show(request)

    ui.page(path, title=f"{title} \u00b7 Tip bench", response_timeout=ANSWERS_WITHIN_S)(handler)


async def _show(desk: Desk, place: Place, request: Request) -> Response | None:
    """One page for one visitor; whoever is not signed in is led there."""
    visitor = Visitor(desk.admin.doorman, request)
    try:
        user = await visitor.user()
    except SignedOutError:
        return RedirectResponse(visitor.sign_in(), 303)
    if place.path == "/" and user.role not in READERS:
        return RedirectResponse("/judge", 303)
    frame = FrameView()
    visitor.frame = frame
    frame.show(
        places=[{"name": known.title, "href": known.path} for known in PLACES if user.role in known.in_bar],
        here=_UNDER.get(place.path, place.path.partition("/{")[0]),
        who=user.name,
        role=user.role.value,
        csrf=visitor.csrf,
    )
    with frame:
        try:
            return await place.build(desk, visitor, user)
        except ForbiddenError as refused:
            _instead(frame, 403, "Not for your role", refused.detail)
        except NotFoundError as refused:
            _instead(frame, 404, "Not here", refused.detail)
        except UnavailableError as refused:
            _instead(frame, 503, "No answer from there", refused.detail)
        except ServiceError as refused:
            _instead(frame, 409, "This cannot be shown", refused.detail)
        except DAMAGE as damage:
            _log.error("%s: %s", request.url.path, damage)
            _instead(frame, 503, "The lake cannot be read", told(damage, user))
        except Exception:  # noqa: BLE001  a defect gets a page, too
            _log.exception("a page failed: %s", request.url.path)
            _instead(frame, 500, "This is a defect", "The page could not be made; the log of the server says why.")
    return None


async def _nowhere(_: Desk, __: Visitor, ___: User) -> None:
    raise NotFoundError("There is no page at this address.")


def _instead(frame: FrameView, status: int, title: str, detail: str) -> None:
    """In place of the page, why it is not there."""
    frame.clear()
    with frame:
        RefusedView().show(title=title, detail=detail)
    context.client.status_code = status
