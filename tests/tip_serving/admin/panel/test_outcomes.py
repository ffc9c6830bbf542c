"""Rewards and releases in a real browser: what is told and drawn, what stays text, and who has a say."""

import datetime as dt
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from support import admin_site
from support.admin_site import EXPRESSION, MARKUP, Enter, Site
from support.releases import QUICK, START, House
from support.rewards import FIRST, board, living, rank, tip, write_days

from tip_serving.lake import layout
from tip_serving.releasing.advancing import advance_all
from tip_serving.releasing.proposing import propose
from tip_serving.releasing.state import state
from tip_serving.rewards.publishing import publish_judges, publish_rewards

HOSTILE = f"{MARKUP}|v1"
CELLS = {HOSTILE: 0.3, **{f"embedded/first|v{n}": 0.1 + 0.1 * n for n in range(1, 6)}}
ARMS = {"champion": 0.7, "challenger": 0.3}
NOW = dt.datetime.combine(FIRST + dt.timedelta(days=21), dt.time(8), dt.UTC)


def _live(house: House, n_users: int = 130) -> None:
    """People live for three weeks; a person and a script have judged; the tables are written."""
    rows = living(np.random.default_rng(1), CELLS, n_users=n_users, n_days=20, arms=ARMS)
    write_days(house.lake, [*rows, tip(10**6, "late", 21, is_rewarded=True)])
    person = board("ana", {key: 1 + 5 * worth for key, worth in CELLS.items()} | {"never/seen|v9": 3.0})
    script = board(f"script{MARKUP}", dict.fromkeys(CELLS, 3.0) | {"embedded/first|v1": 3.1}, kind="script")
    rank(house.lake, "tip-bench-one", person, script)
    publish_rewards(house.lake, {"m1": ARMS}, NOW)
    publish_judges(house.lake)


def _propose(house: House) -> str:
    """A release that waits for a word, proposed with a note that means harm."""
    plan = QUICK.model_copy(update={"auto_approve": False})
    made = propose(house.lake, house.candidate().candidate_id, "ada", START, plan, f"{MARKUP} {EXPRESSION}")
    at = START
    for _ in range(2):
        advance_all(house.lake, house.sources, at)
        house.live(at, 26, 2_000, 0.4)
        at += dt.timedelta(hours=30)
    advance_all(house.lake, house.sources, at)
    return made.proposal_id


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("outcomes"))
    yield made
    made.store.close()


@pytest.fixture(scope="module")
def proposal(house: House) -> str:
    _live(house)
    return _propose(house)


@pytest.fixture(scope="module")
def site(house: House, proposal: str) -> Iterator[Site]:
    """In the place of the common one: here people have met tips, and a release waits."""
    with admin_site.running(Path(str(house.lake.directory)).parent) as running:
        yield running


def test_rewards_are_told_drawn_and_sifted_without_loading_the_page_again(enter: Enter) -> None:
    page = enter("vera", "/rewards")
    expect(page.locator("#lead")).to_contain_text("of 100 tips")
    expect(page.locator("#lead")).to_contain_text("1 tip may still be taken and is in no rate")
    expect(page.locator(".rates tbody tr")).to_have_count(len(CELLS))
    first = page.locator(".rates tbody tr").first
    expect(first).to_contain_text("embedded/first")
    expect(first.locator("svg.dot .whisker")).to_have_count(1)
    expect(first.locator(".trend polygon")).to_have_count(1)
    page.evaluate("window.is_the_same_page = true")
    page.get_by_role("button", name="Arm").click()
    expect(page.locator(".rates tbody tr")).to_have_count(2)
    page.get_by_role("button", name="by day").click()
    expect(page.locator(".chart .knot.tone-lead")).to_have_count(20)
    assert page.evaluate("window.is_the_same_page")
    page.reload()
    expect(page.get_by_role("button", name="by day")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".rates tbody tr")).to_have_count(2)


def test_two_keys_are_drawn_beside_one_another(enter: Enter) -> None:
    page = enter("vera", "/rewards?over=week")
    page.get_by_label("Draw").select_option("embedded/first|v4")
    page.get_by_label("beside").select_option("embedded/first|v1")
    expect(page.locator(".chart .legend li")).to_have_count(2)
    expect(page.locator(".chart .legend")).to_contain_text("embedded/first v4")
    expect(page.get_by_role("img", name="Rewarded tips of 100 over time")).to_have_count(1)
    drawn = page.locator(".chart .trend.tone-lead .run").bounding_box()
    below = page.locator(".chart .trend.tone-trail .run").bounding_box()
    assert drawn is not None
    assert below is not None
    assert drawn["y"] < below["y"], "the better one is drawn above"
    page.get_by_label("beside").select_option("")
    expect(page.locator(".chart .legend li")).to_have_count(1)
    expect(page.get_by_label("beside")).to_have_value("")


def test_each_comparison_has_its_sentence_and_its_interval(enter: Enter) -> None:
    page = enter("vera", "/rewards")
    rows = page.locator(".duels li[data-key]")
    expect(rows).to_have_count(len(CELLS) - 1)
    assert rows.locator("svg.dot .whisker").count() == len(CELLS) - 1
    expect(page.locator(".duels .is-better, .duels .is-worse").first).to_contain_text("This holds however often")


def test_judges_stand_against_people_one_at_a_time(enter: Enter) -> None:
    page = enter("vera", "/rewards")
    expect(page.locator("#worth")).to_contain_text("predicts people: over 6 cells")
    expect(page.locator(".against circle")).to_have_count(6)
    assert page.locator(".against .whisker").count() == 12
    expect(page.locator("#judges .facts")).to_contain_text("Without the noise")
    page.get_by_text("1 cell takes no part yet").click()
    expect(page.locator(".left-out")).to_contain_text("nobody has seen its tips")
    page.get_by_label("Judge", exact=True).select_option(f"script{MARKUP}|r1")
    expect(page.locator("#worth")).to_contain_text("is not shown")


def test_arms_tell_how_many_people_they_hold(enter: Enter) -> None:
    page = enter("vera", "/rewards")
    expect(page.locator("#shares [data-version='m1']")).to_contain_text("planned 70%")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_mismatch_of_shares_is_told_before_everything_else(enter: Enter, house: House) -> None:
    publish_rewards(house.lake, {"m1": {"champion": 0.2, "challenger": 0.8}}, NOW)
    page = enter("vera", "/rewards?key=mismatch")
    expect(page.get_by_role("alert")).to_contain_text("Arms do not hold the people that they should.")
    publish_rewards(house.lake, {"m1": ARMS}, NOW)


def test_nothing_and_damage_have_pages_of_their_own(enter: Enter, house: House) -> None:
    path = layout.rewards("prompt_rewards")
    kept = house.lake.read(path)
    house.lake.write(path, b"no table")
    page = enter("vera", "/rewards?key=damaged")
    expect(page.get_by_role("alert")).to_contain_text("The rewards cannot be read.")
    house.lake.delete(path)
    page.goto("/rewards?key=empty")
    expect(page.get_by_role("heading", name="Nobody has met a tip yet")).to_be_visible()
    house.lake.write(path, kept)
    page.goto("/rewards?key=whole")
    expect(page.locator(".rates tbody tr")).to_have_count(len(CELLS))


def test_texts_of_strangers_are_read_and_never_run(enter: Enter, proposal: str) -> None:
    page = enter("root", "/rewards")
    expect(page.locator(".rates")).to_contain_text(MARKUP)
    expect(page.locator(".duels, .against + .axis-title").first).to_be_visible()
    assert page.locator("#leaf img, #leaf script").count() == 0
    page.goto(f"/releases/{proposal}")
    expect(page.locator("#leaf")).to_contain_text(MARKUP)
    expect(page.locator("#leaf")).to_contain_text(EXPRESSION)
    assert page.locator("#leaf img, #leaf script").count() == 0


def test_a_release_tells_its_stages_findings_history_and_cards(enter: Enter, proposal: str) -> None:
    page = enter("vera", "/releases")
    expect(page.locator(".releases tbody tr")).to_have_count(1)
    expect(page.locator(".lead")).to_contain_text("1 release waits for a person's word.")
    page.get_by_role("link", name="model reward-1").click()
    page.wait_for_url(f"**/releases/{proposal}")
    expect(page.locator(".stages li")).to_have_count(3 + len(QUICK.stages))
    expect(page.locator(".stages .is-now")).to_contain_text("A person's word")
    expect(page.get_by_role("heading", name="What the gate found")).to_be_visible()
    expect(page.locator(".verdicts [data-name='latency']")).to_contain_text("passed")
    expect(page.locator(".history > li")).to_have_count(3)
    card = page.get_by_role("link", name="Card of the reward model")
    address = card.get_attribute("href")
    assert address is not None
    assert "html" in page.request.get(address).headers["content-type"]
    assert page.get_by_role("button", name="Approve").count() == 0, "a viewer has no say"


def test_an_event_that_the_role_does_not_allow_changes_nothing(enter: Enter, house: House, proposal: str) -> None:
    page = enter("vera", f"/releases/{proposal}")
    sent = page.evaluate(
        """() => { const found = Object.entries(mounted_app.elements)
            .flatMap(([id, element]) => element.events.map((event) => [id, event]))
            .filter(([, event]) => ["approve", "rollback"].includes(event.type));
          found.forEach(([id, event]) => window.socket.emit("event",
            { id: Number(id), client_id: window.clientId, listener_id: event.listener_id, args: ['{"reason": "x"}'] }));
          return found.length; }"""
    )
    assert sent == 2
    expect(page.locator(".toast")).to_contain_text("Only a user with role admin may")
    assert state(house.lake, proposal).is_asking


@pytest.mark.slow
def test_axe_finds_no_serious_fault_in_light_and_dark(enter: Enter, proposal: str) -> None:
    axe = importlib.util.find_spec("axe_playwright_python")
    assert axe is not None
    assert axe.origin is not None
    source = (Path(axe.origin).parent / "axe.min.js").read_text()
    found = []
    for scheme in ("light", "dark"):
        page = enter("root", "/rewards", color_scheme=scheme)
        for path in ("/rewards", "/rewards?by=arm&over=day", "/releases", f"/releases/{proposal}"):
            page.goto(path)
            page.locator("h1").wait_for()
            page.wait_for_timeout(400)
            if "releases/" in path:
                page.get_by_role("button", name="Approve").click()
            page.evaluate(source)
            outcome = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            found += [
                f"{path} {scheme} {one['id']}: {one['nodes'][0]['html'][:200]}"
                for one in outcome["violations"]
                if one["impact"] in {"serious", "critical"}
            ]
    assert found == []


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/rewards", "/rewards?by=policy&over=day", "/releases", "/releases/{}"])
def test_no_width_makes_a_page_scroll_sideways(enter: Enter, proposal: str, path: str) -> None:
    page = enter("root", path.format(proposal))
    page.wait_for_timeout(600)
    for width in (320, 390, 768, 1024, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_the_keyboard_alone_sifts_approves_and_rolls_back_with_a_reason(
    enter: Enter, house: House, proposal: str
) -> None:
    page = enter("root", "/rewards")
    expect(page.locator(".rates tbody tr")).to_have_count(len(CELLS))
    page.get_by_role("button", name="Arm").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".rates tbody tr")).to_have_count(2)

    page.goto(f"/releases/{proposal}")
    page.get_by_role("button", name="Approve").focus()
    page.keyboard.press("Enter")
    page.keyboard.type("Card looked at.")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Agreed.")
    expect(page.locator(".history > li").first).to_contain_text("approved by root: Card looked at.")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)

    page.get_by_role("button", name="Roll back").focus()
    page.keyboard.press("Enter")
    button = page.locator("form.note").get_by_role("button", name="Roll back")
    expect(button).to_be_disabled()
    page.keyboard.type("Tips at night.")
    page.keyboard.press("Enter")
    expect(page.locator(".toast")).to_contain_text("Taken back.")
    expect(page.locator(".lead")).to_contain_text("rolled back")
    assert state(house.lake, proposal).reason == "rolled back by root: Tips at night."
    assert page.get_by_role("button", name="Roll back").count() == 0
