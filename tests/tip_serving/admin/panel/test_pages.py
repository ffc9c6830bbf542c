"""The pages in a real browser: who sees what, what is told, what stays text, and whether everybody can use them."""

import importlib.util
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from support.admin_site import EXPRESSION, HOSTILE, HOSTILE_MODEL, MARKUP, PASSWORD, SCRIPT, Enter, Site, Wire

from tip_serving.admin.panel.panel import PLACES
from tip_serving.admin.panel.visitor import VIEWS
from tip_serving.admin.service.users import Role, User
from tip_serving.bench.page.render import part
from tip_serving.lake import layout

PATHS = [place.path.format(experiment=HOSTILE, proposal="none") for place in PLACES]
SEEN_BY = {
    "root": set(PATHS),
    "vera": {
        "/",
        f"/experiments/{HOSTILE}",
        f"/experiments/{HOSTILE}/mlflow",
        "/prompts",
        "/rewards",
        "/releases",
        "/releases/none",
        "/account",
    },
    "ana": {"/judge", f"/judge/{HOSTILE}", "/account"},
}


def test_nobody_sees_a_page_without_signing_in(browser: Browser, site: Site) -> None:
    context = browser.new_context(base_url=site.url)
    for path in PATHS:
        answer = context.request.get(path, max_redirects=0)
        assert answer.status == 303, path
        assert answer.headers["location"].startswith("/sign-in?next=")
    context.close()


@pytest.mark.parametrize("name", SEEN_BY)
def test_each_role_sees_its_pages_and_is_told_of_the_others(enter: Enter, name: str) -> None:
    page = enter(name, "/judge" if name == "ana" else "/")
    answers = {path: page.request.get(path, max_redirects=0) for path in PATHS}
    # That nothing answers as MLflow, and that there is no such proposal, is told to those who might see them.
    assert {path for path, answer in answers.items() if answer.status in {200, 404, 503}} == SEEN_BY[name]
    for path in set(PATHS) - SEEN_BY[name] - {"/"}:
        assert answers[path].status == 403, path
        assert "embedded/planner" not in answers[path].text(), path


def test_a_judge_never_hears_of_models_and_prompts(enter: Enter) -> None:
    page = enter("ana", f"/judge/{HOSTILE}")
    expect(page.locator(".desk .tip")).to_be_visible()
    for path in ("/judge", f"/judge/{HOSTILE}", f"/judge/{HOSTILE}?kind=pair"):
        told = page.request.get(path).text()
        assert not [word for word in ("embedded", "planner", "openai", "candidate_id") if word in told], path


def test_a_link_to_the_door_never_leads_away(browser: Browser, site: Site) -> None:
    for led in ("//evil.example/", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/prompts"):
        page = browser.new_context(base_url=site.url).new_page()
        page.goto(f"/sign-in?next={led}")
        page.get_by_label("Name").fill("vera")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("heading", level=1, name="Prompts" if led == "/prompts" else "Experiments").wait_for()
        assert page.url == f"{site.url}{led if led == '/prompts' else '/'}"
        page.context.close()


def test_a_wrong_password_is_told_without_saying_which_part_is_wrong(browser: Browser, site: Site) -> None:
    page = browser.new_context(base_url=site.url).new_page()
    said = []
    for name in ("vera", "nobody-of-this-name"):
        page.goto("/sign-in")
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill("not the password of anybody")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_contain_text("No account has this name and this password.")
        said.append(page.locator(".door").inner_text())
    assert said[0] == said[1]
    page.context.close()


def test_texts_of_strangers_are_read_and_never_run(enter: Enter) -> None:
    page = enter("root", f"/experiments/{HOSTILE}")
    expect(page.locator(".card").first).to_contain_text(MARKUP)
    expect(page.locator(".card").first).to_contain_text(EXPRESSION)
    expect(page.locator(".situation")).to_contain_text(SCRIPT)
    expect(page.locator(".grid")).to_contain_text(HOSTILE_MODEL)
    page.locator("#failures summary").click()
    expect(page.locator("#failures details li").first).to_contain_text(f"refused {MARKUP}")
    for path in ("/", f"/judge/{HOSTILE}", f"/judge/{HOSTILE}?kind=pair", "/prompts", "/experiments/new", "/users"):
        page.goto(path)
        page.wait_for_timeout(100)
        assert page.evaluate("window.hit") is None, path
        assert page.locator("#leaf img, #leaf script").count() == 0, path


def test_an_experiment_tells_cells_failures_ranking_prices_and_tips(enter: Enter) -> None:
    page = enter("vera", f"/experiments/{HOSTILE}")
    cell = page.locator(f'.grid td[data-cell="{HOSTILE_MODEL}|v2"]')
    expect(cell).to_have_class("p-failed")
    expect(cell).to_contain_text("5 of 12")
    assert page.locator(".grid td").count() == 6
    expect(page.locator("#failures .failures > li")).to_have_count(1)
    expect(page.locator("#failures")).to_contain_text("7 calls failed (7 x refusal)")
    expect(page.locator(".ranking tbody tr")).to_have_count(6)
    assert page.locator(".ranking svg.dot .whisker").count() > 0
    assert page.get_by_role("img", name="Quality against cost").count() == 1
    assert page.get_by_role("button", name="Retry").count() == 0
    dagster = page.get_by_role("link", name="Dagster").get_attribute("href")
    assert dagster is not None
    assert HOSTILE in dagster
    first = page.locator(".situation").inner_text()
    page.get_by_role("button", name="Next").click()
    expect(page.locator(".situation")).not_to_have_text(first)
    page.get_by_label("Cell", exact=True).select_option("embedded/first|v1")
    page.get_by_label("beside").select_option("embedded/planner|v2")
    expect(page.locator(".card")).to_have_count(2)


def test_the_grid_shows_what_the_chosen_judge_gave_and_one_cell_closely(enter: Enter) -> None:
    page = enter("root", f"/experiments/{HOSTILE}")
    cell = page.locator('.grid td[data-cell="embedded/first|v1"]')
    board = page.locator('.ranking tr[data-cell="embedded/first|v1"] .c-mean .big')
    mean = board.inner_text()
    expect(cell).to_contain_text(mean)
    expect(page.locator("#cells .say").first).to_contain_text("the mean that automatic-rules gave")
    cell.get_by_role("button").click()
    closer = page.get_by_role("region", name="embedded/first v1")
    for told in ("12", "Cost", "95% within", "1,200 read", "240 written"):
        expect(closer).to_contain_text(told)
    assert "embedded%2Ffirst%7Cv1" in (closer.get_by_role("link", name="Dagster").get_attribute("href") or "")
    assert (closer.get_by_role("link", name="MLflow").get_attribute("href") or "").endswith("first%7Cv1")
    closer.get_by_role("button", name="Read its tips").click()
    expect(page.get_by_label("Cell", exact=True)).to_have_value("embedded/first|v1")
    expect(page.locator(".card")).to_have_count(1)
    cell.get_by_role("button").click()
    expect(closer).to_have_count(0)


def test_of_mlflow_that_does_not_answer_a_page_of_ours_tells(enter: Enter) -> None:
    page = enter("vera", f"/experiments/{HOSTILE}/mlflow")
    expect(page.get_by_role("heading", name="No answer from there")).to_be_visible()


def test_what_was_filled_in_is_there_again_after_the_session_ended(enter: Enter, site: Site) -> None:
    page = enter("root", "/experiments/new")
    page.get_by_label("Name", exact=True).fill("past-the-session")
    page.get_by_label("How many situations").fill("3")
    page.get_by_label("v2", exact=False).uncheck()
    expect(page.locator("#n-calls")).to_have_text("18")
    site.end_sessions()
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/sign-in?next=*")
    assert not site.place.lake.exists(layout.spec("tip-bench-past-the-session"))
    page.get_by_label("Name").fill("root")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/experiments/new")
    expect(page.get_by_label("Name", exact=True)).to_have_value("past-the-session")
    expect(page.locator("#n-calls")).to_have_text("18")
    page.get_by_role("button", name="Start").click()
    page.wait_for_url("**/experiments/tip-bench-past-the-session")
    page.goto("/experiments/new")
    expect(page.get_by_label("Name", exact=True)).to_have_value("")
    assert page.get_by_text("What you had filled in").count() == 0, "what was started is no draft any more"


def test_an_experiment_that_is_started_while_the_network_is_down_starts_once(
    enter: Enter, site: Site, wire: Wire
) -> None:
    page = enter("root", "/experiments/new", url=wire.url)
    page.get_by_label("Name", exact=True).fill("over-a-gap")
    expect(page.locator("#n-calls")).to_have_text("360")
    wire.cut()
    expect(page.locator("#popup")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    assert not site.place.lake.exists(layout.spec("tip-bench-over-a-gap"))
    wire.mend()
    page.wait_for_url("**/experiments/tip-bench-over-a-gap", timeout=30_000)
    with site.opened() as admin:
        begun = admin.audit.entries(User("root", Role.ADMIN), "start").items
    assert [entry.subject for entry in begun].count("tip-bench-over-a-gap") == 1


def test_no_page_names_a_colour_that_the_palette_does_not_have() -> None:
    style = (VIEWS / "panel.css").read_text()
    assert not re.findall(r"light-dark|#[0-9a-fA-F]{3,8}\b|rgb", style)
    known = set(re.findall(r"(--[a-z-]+):", part("palette.css")))
    assert set(re.findall(r"var\((--[a-z-]+)\)", style)) <= known


def test_a_retry_asks_for_one_failed_cell_alone(enter: Enter, site: Site) -> None:
    page = enter("root", f"/experiments/{HOSTILE}")
    page.get_by_role("button", name=f"Retry {HOSTILE_MODEL} v2").click()
    expect(page.locator(".toast")).to_contain_text("Asked for")
    expect(page.locator(f'.grid td[data-cell="{HOSTILE_MODEL}|v2"]')).to_have_class("p-pending")
    assert f"{HOSTILE_MODEL}|v2" in site.place.lake.read(layout.retry_request(HOSTILE)).decode()
    site.place.lake.delete(layout.retry_request(HOSTILE))
    expect(page.locator(f'.grid td[data-cell="{HOSTILE_MODEL}|v2"]')).to_have_class("p-failed")


def test_an_event_that_the_role_does_not_allow_changes_nothing(enter: Enter, site: Site) -> None:
    page = enter("vera", f"/experiments/{HOSTILE}")
    sent = page.evaluate(
        """() => { const found = Object.entries(mounted_app.elements)
            .flatMap(([id, element]) => element.events.map((event) => [id, event]))
            .filter(([, event]) => ["retry", "cancel"].includes(event.type));
          found.forEach(([id, event]) => window.socket.emit("event",
            { id: Number(id), client_id: window.clientId, listener_id: event.listener_id, args: ["[]"] }));
          return found.length; }"""
    )
    assert sent == 2
    expect(page.locator(".toast")).to_contain_text("Only a user with role admin may")
    assert not site.place.lake.exists(layout.retry_request(HOSTILE))
    assert not site.place.lake.exists(layout.cancel_request(HOSTILE))


def test_the_form_counts_before_one_starts_and_tells_every_fault_at_its_field(enter: Enter, site: Site) -> None:
    page = enter("root", "/experiments/new")
    expect(page.locator("#n-calls")).to_have_text("360")
    page.get_by_label("How many situations").fill("10")
    expect(page.locator("#n-calls")).to_have_text("90")
    page.get_by_label("Name").fill("Not A Name")
    page.get_by_label("Temperature").fill("warm")
    page.get_by_label("Tips for each").fill("0")
    page.get_by_label("Another model").fill("nonsense")
    page.get_by_label("Another model").press("Enter")
    page.get_by_role("button", name="Start").click()
    faults = {
        "experiment": "must be tip-bench-",
        "temperature": "valid number",
        "n_tips": "greater than",
        "models": "provider/model",
    }
    for name, words in faults.items():
        expect(page.locator(f"#e-{name}")).to_contain_text(words)
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    assert page.locator("[aria-invalid=true]").count() == 4
    assert not site.place.lake.exists(layout.experiment("tip-bench-Not A Name"))


def test_a_name_that_is_taken_is_refused_at_the_name(enter: Enter) -> None:
    page = enter("root", "/experiments/new")
    page.get_by_label("Name").fill(HOSTILE.removeprefix("tip-bench-"))
    expect(page.locator("#e-experiment")).to_contain_text("exists and never changes")


def test_the_table_is_sifted_and_says_when_nothing_fits(enter: Enter) -> None:
    page = enter("vera")
    expect(page.locator(f'tr[data-name="{HOSTILE}"]')).to_be_visible()
    page.get_by_label("Name, model or prompt").fill("no such thing")
    expect(page.get_by_text("None fits")).to_be_visible()
    assert "text=no+such+thing" in page.url
    page.reload()
    expect(page.get_by_text("None fits")).to_be_visible()
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(f'tr[data-name="{HOSTILE}"]')).to_be_visible()
    page.get_by_label("State").select_option("running")
    expect(page.get_by_text("None fits")).to_be_visible()


def test_two_prompts_are_laid_side_by_side(enter: Enter) -> None:
    page = enter("vera", "/prompts?version=v2")
    assert page.locator(".diff").count() == 0
    page.get_by_label("Differences from").select_option("v1")
    page.wait_for_url("**against=v1")
    assert page.locator(".diff .plus").count() > 0
    assert page.locator(".diff .minus").count() > 0
    expect(page.locator(".used")).to_contain_text(HOSTILE)


def test_an_admin_lets_somebody_in_changes_their_role_and_removes_them(enter: Enter, site: Site) -> None:
    page = enter("root", "/users")
    page.get_by_label("Name").fill("Not A Name")
    page.get_by_label("Password").fill("short")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#e-name")).to_contain_text("lower-case")
    expect(page.locator("#e-password")).to_contain_text("12")
    page.get_by_label("Name").fill("carl")
    page.get_by_label("Password").fill("a long walk by the sea")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("row", name="carl")).to_be_visible()
    page.get_by_label("Role of carl").select_option("viewer")
    expect(page.locator(".toast")).to_contain_text("carl is viewer now")
    with site.opened() as admin:
        assert str(admin.accounts.find("carl").role) == "viewer"
    page.get_by_role("button", name="Remove carl").click()
    page.get_by_role("button", name="Really remove carl").click()
    expect(page.get_by_role("row", name="carl")).to_have_count(0)


def test_what_is_not_there_is_told_with_a_way_back(enter: Enter) -> None:
    page = enter("vera", "/experiments/tip-bench-none")
    expect(page.get_by_role("heading", name="Not here")).to_be_visible()
    page.get_by_role("link", name="To the start").click()
    expect(page.get_by_role("heading", name="Experiments")).to_be_visible()


@pytest.mark.parametrize("path", [*PATHS, f"/judge/{HOSTILE}?kind=pair", "/prompts?version=v3&against=v1"])
def test_no_width_makes_a_page_scroll_sideways(enter: Enter, path: str) -> None:
    page = enter("root", path)
    for width in (320, 390, 768, 1024, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_colours_are_chosen_against_the_system_and_stay_chosen(enter: Enter) -> None:
    page = enter("vera", "/", color_scheme="light")
    paper = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    switch = page.get_by_role("button", name="Colours")
    switch.click()
    switch.click()
    expect(switch).to_have_text("Dark")
    dark = page.evaluate(paper)
    assert dark != light
    page.reload()
    expect(switch).to_have_text("Dark")
    assert page.evaluate(paper) == dark


def test_the_keyboard_alone_starts_an_experiment(enter: Enter, site: Site) -> None:
    page = enter("root")
    _tab_to(page, "New experiment")
    page.keyboard.press("Enter")
    page.wait_for_url("**/experiments/new")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("by-keyboard")
    page.keyboard.press("Enter")
    page.wait_for_url("**/experiments/tip-bench-by-keyboard")
    expect(page.locator(".lead")).to_contain_text("waiting")
    assert site.place.lake.exists(layout.spec("tip-bench-by-keyboard"))
    # Nothing that runs experiments runs here: it waits, and is neither lost nor made twice.
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Really cancel?").click()
    expect(page.locator(".lead")).to_contain_text("cancelled")
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".lead")).to_contain_text("waiting")


def _tab_to(page: Page, name: str) -> None:
    for _ in range(20):
        page.keyboard.press("Tab")
        if name in page.evaluate("document.activeElement.textContent"):
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            return
    raise AssertionError(f"{name} is not reached by Tab")


def _axe() -> str:
    found = importlib.util.find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        pytest.skip("axe is not installed: pip install axe-playwright-python")
    return Path(found.origin).with_name("axe.min.js").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_on_any_page(enter: Enter, scheme: str) -> None:
    axe = _axe()
    page = enter("root", "/", color_scheme=scheme)
    paths = [*PATHS, f"/judge/{HOSTILE}?kind=pair", "/prompts?version=v3&against=v1", "/experiments/none"]
    found = []
    for path in paths:
        page.goto(path)
        page.locator("h1").wait_for()
        page.wait_for_timeout(150)
        page.evaluate(axe)
        outcome = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
        found += [
            (path, fault["id"], node["html"][:160])
            for fault in outcome["violations"]
            if fault["impact"] in {"serious", "critical"}
            for node in fault["nodes"][:3]
        ]
    assert found == []
