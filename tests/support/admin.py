"""The admin process for tests: opened on a lake under `tmp_path`, with an account of every role and a clock to set."""

import asyncio
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn
from httpx import ASGITransport, AsyncClient, Response
from support.bench import EXPERIMENT, create, fill_all

from tip_serving.admin.app import create_app
from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.doorman import CSRF_HEADER
from tip_serving.admin.service.users import Role, User
from tip_serving.settings import Settings

ANA, BEN, VERA, JO = (
    User("ana", Role.ADMIN),
    User("ben", Role.JUDGE),
    User("vera", Role.VIEWER),
    User("jo", Role.JUDGE),
)
PASSWORD = "correct horse battery staple"  # noqa: S105  of people who exist in tests alone


class Clock:
    """Seconds since 1970, as a test says."""

    def __init__(self) -> None:
        self.now = 1_780_000_000.0

    def __call__(self) -> float:
        return self.now


def opened(home: Path, clock: Clock | None = None, **changes: Any) -> Admin:
    """An admin process on a lake in `home`, with accounts that have no password: those would take seconds to make."""
    settings = Settings(tip_home=home, dagster_home=home / "dagster", **changes)
    admin = Admin.open(settings, clock or Clock())
    for user in (ANA, BEN, VERA, JO):
        admin.accounts.vouched_for(user.name, user.role, "tests", user.name)
    return admin


class Browser:
    """A client of the application itself: no socket, the same bytes."""

    def __init__(self, admin: Admin) -> None:
        transport = ASGITransport(create_app(admin), raise_app_exceptions=False)
        self._client = AsyncClient(transport=transport, base_url="http://testserver")
        self.cookies, self.headers = self._client.cookies, self._client.headers

    def request(self, method: str, url: str, **content: Any) -> Response:
        """What is answered."""
        return asyncio.run(self._client.request(method, url, **content))

    def get(self, url: str, **content: Any) -> Response:
        """What is answered to a GET."""
        return self.request("GET", url, **content)

    def post(self, url: str, **content: Any) -> Response:
        """What is answered to a POST."""
        return self.request("POST", url, **content)


def client(admin: Admin) -> Browser:
    """A browser that is not signed in; nothing watches the lake."""
    return Browser(admin)


def signed_in(admin: Admin, user: User) -> Browser:
    """A browser with a session of `user`, which shows the CSRF token as pages of ours do."""
    browser = client(admin)
    begun = admin.doorman.let_in(user, "tests")
    browser.cookies.set(admin.doorman.cookie_name, begun.cookie)
    browser.headers[CSRF_HEADER] = begun.session.csrf
    return browser


@contextmanager
def served(admin: Admin) -> Iterator[str]:
    """The routes on a real socket, with the thread that watches."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(create_app(admin), log_level="error", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def filled(admin: Admin, **asked: object) -> str:
    """An experiment with tips in every cell; its name."""
    made = create(admin.bench.workshop, **asked)
    fill_all(admin.bench.workshop, made)
    return made.experiment


def ranked(admin: Admin, **asked: object) -> str:
    """The same, judged by rules and ranked."""
    experiment = filled(admin, **asked)
    admin.bench.workshop.judge_automatically(experiment)
    admin.bench.workshop.import_scores(experiment)
    admin.bench.workshop.rank(experiment)
    return experiment


def files(admin: Admin) -> Mapping[str, bytes]:
    """Every file of the lake with its content."""
    lake = admin.bench.workshop.lake
    return {entry.path: lake.read(entry.path) for entry in lake.find("bench")}


SPEC: Mapping[str, Any] = {
    "experiment": EXPERIMENT,
    "models": ["embedded/first", "embedded/planner"],
    "prompts": ["v1", "v2"],
    "n_scenarios": 6,
}
