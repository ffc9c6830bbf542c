"""From the set-up link to a leaderboard that one's own scores changed, in nothing but a browser."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from support import admin_site
from support.admin_site import PASSWORD
from support.terminal import kill_tree

from tip_assets.resources.instance import ensure_instance_directory
from tip_assets.resources.tracking_store import ensure_tracking_store
from tip_serving import settings as environment
from tip_serving.lake import layout
from tip_serving.settings import Settings

NAME = "tip-bench-story"


@contextmanager
def _daemon(home: Path, folder: Path) -> Iterator[None]:
    """Dagster's daemon on the graph, which ends with all that it started."""
    chosen = Settings(tip_home=home)
    ensure_instance_directory(chosen)
    ensure_tracking_store(chosen)
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "dagster-daemon"), "run", "-m", "tip_assets.definitions"],
        text=True,
        env=environment.child_environment(TIP_HOME=str(home), DAGSTER_HOME=str(chosen.dagster_directory)),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield
    finally:
        kill_tree(process)


@pytest.mark.slow
def test_from_the_set_up_link_to_a_leaderboard_that_ones_own_scores_changed(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")  # is set below, and must not stay
    with admin_site.running(tmp_path / "home", with_people=False) as site:
        page = browser.new_context(base_url=site.url).new_page()
        page.set_default_timeout(20_000)
        page.goto((site.home / "admin" / "setup-link").read_text().strip())
        page.get_by_label("Name").fill("nora")
        page.get_by_label("Password").fill("short")
        page.get_by_role("button", name="Make the account").click()
        expect(page.locator(".fault")).to_contain_text("too short")
        page.get_by_label("Name").fill("nora")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Make the account").click()
        expect(page.get_by_role("heading", name="Nothing has been tried yet")).to_be_visible()

        page.get_by_role("link", name="Start the first one").click()
        page.get_by_label("Name", exact=True).fill(NAME.removeprefix("tip-bench-"))
        page.get_by_label("How many situations").fill("4")
        page.get_by_label("v3", exact=False).uncheck()
        expect(page.locator("#n-calls")).to_have_text("24")
        page.get_by_role("button", name="Start").click()
        page.wait_for_url(f"**/experiments/{NAME}")
        # No Dagster runs yet: the request lies in the lake and waits.
        expect(page.locator(".lead").first).to_contain_text("waiting")
        assert site.place.lake.exists(layout.spec(NAME))
        page.evaluate("window.is_the_same_page = true")

        # Dagster comes up, and nobody tells it anything: its sensor finds the spec.
        with _daemon(site.home, tmp_path):
            expect(page.locator(".lead").first).to_contain_text("ranked", timeout=240_000)
        expect(page.locator(".ranking tbody tr")).to_have_count(6)
        expect(page.locator(".grid")).not_to_contain_text("pending")
        expect(page.locator("#judge-switch option")).to_have_count(1)

        judging = page.context.new_page()
        judging.goto("/judge")
        judging.get_by_role("link", name=f"Tips of {NAME}").click()
        judging.locator(".tip").wait_for()
        for i in range(10):
            for _ in range(6):
                judging.keyboard.press(str(1 + i % 5))
            expect(judging.locator("#n-done")).to_have_text(str(i + 1))

        # The first page was never loaded again, and has the board of the person who judged.
        expect(page.locator("#judge-switch option")).to_have_count(2, timeout=30_000)
        assert page.evaluate("window.is_the_same_page")
        expect(page.locator("#judge-switch")).to_contain_text("nora")
        page.get_by_label("By judge").select_option("nora|r1")
        scored = page.locator('.ranking td[data-label="Scored"]').all_inner_texts()
        assert sum(int(text.split()[0]) for text in scored) == 10
        page.context.close()
