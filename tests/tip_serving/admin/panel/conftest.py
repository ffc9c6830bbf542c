"""A browser, an admin process at work, and pages of people who are signed in to it."""

import shutil
from collections.abc import Iterator

import pytest
from playwright import sync_api
from support import admin_site
from support.admin_site import PASSWORD, Enter, Site, Wire

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync"]  # fmt: skip


# Not for the session: its driver keeps an event loop running in this thread, in which no other test could start one.
@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine: install Debian's chromium to try the panel")
    with sync_api.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=_FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A process with a ranked experiment, of which one cell failed, and with hostile texts in it."""
    home = tmp_path_factory.mktemp("panel")
    with admin_site.running(home) as running:
        admin_site.hostile(running.place)
        yield running


@pytest.fixture
def wire(site: Site) -> Iterator[Wire]:
    """A way to the site that can be cut and mended."""
    made = Wire(site.port)
    yield made
    made.close()


@pytest.fixture
def enter(browser: sync_api.Browser, site: Site) -> Iterator[Enter]:
    """Sign somebody in, in a browser of their own, and lead them to a path; nothing may go wrong on their pages."""
    contexts: list[sync_api.BrowserContext] = []
    wrong: list[str] = []

    def go(name: str, path: str = "/", *, url: str = site.url, **options: object) -> sync_api.Page:
        context = browser.new_context(base_url=url, viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("dialog", lambda dialog: (wrong.append(dialog.message), dialog.dismiss()))
        answer = context.request.post("/api/session", data={"name": name, "password": PASSWORD})
        assert answer.ok, answer.text()
        page.goto(path)
        page.locator("h1").wait_for()
        return page

    yield go
    hits = [page.evaluate("window.hit") for context in contexts for page in context.pages]
    for context in contexts:
        context.close()
    assert wrong == []
    assert set(hits) <= {None}
