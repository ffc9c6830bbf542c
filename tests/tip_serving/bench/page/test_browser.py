"""The page in a real browser, opened from disk without a network: what a reader does on a desk, a phone, on paper."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright import sync_api
from support import pages

from tip_serving.bench.page.content import Page
from tip_serving.bench.page.render import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
if CHROMIUM is None:
    pytest.skip("no chromium on this machine: install Debian's chromium to try the page", allow_module_level=True)

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
          "--disable-component-update", "--disable-sync"]  # fmt: skip
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}

# Contrast of every visible text with the nearest background behind it, as WCAG defines it.
_CONTRASTS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => { v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (node) => { for (; node; node = node.parentElement) {
    const c = rgb(getComputedStyle(node).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255, 255]; };
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !node.checkVisibility() || node.closest("script,:disabled,.hidden"))
      continue;
    const style = getComputedStyle(node);
    const front = light(rgb(node instanceof SVGElement ? style.fill : style.color)), back = light(behind(node));
    const ratio = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    const words = walker.currentNode.data.trim().slice(0, 40);
    found.push([ratio, `${node.tagName}.${node.getAttribute("class")}: ${words}`]);
  }
  return found;
}"""


class Opened:
    """A page in a browser, and all that went wrong with it or left it."""

    def __init__(self, browser: sync_api.Browser, folder: Path) -> None:
        self._browser, self._folder = browser, folder
        self._contexts: list[sync_api.BrowserContext] = []
        self.wrong: list[str] = []
        self.asked: list[str] = []

    def __call__(self, page: Page, viewport: dict[str, int] = DESK, **options: object) -> sync_api.Page:
        file = self._folder / f"leaderboard{len(self._contexts)}.html"
        file.write_text(render(page), encoding="utf-8")
        context = self._browser.new_context(viewport=viewport, offline=True, **options)
        self._contexts.append(context)
        opened = context.new_page()
        opened.on("console", lambda message: self.wrong.append(message.text))
        opened.on("pageerror", lambda error: self.wrong.append(str(error)))
        opened.on("dialog", lambda dialog: (self.wrong.append(dialog.message), dialog.dismiss()))
        opened.on("request", lambda request: self.asked.append(request.url))
        opened.goto(file.as_uri())
        return opened

    def close(self) -> None:
        for context in self._contexts:
            context.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with sync_api.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=_FLAGS)
        yield running
        running.close()


@pytest.fixture
def opened(browser: sync_api.Browser, tmp_path: Path) -> Iterator[Opened]:
    made = Opened(browser, tmp_path)
    yield made
    made.close()
    assert made.wrong == []
    assert [url for url in made.asked if not url.startswith(("file:", "data:"))] == []


def _column(page: sync_api.Page, key: str) -> list[str]:
    return page.eval_on_selector_all(f".board.is-shown .ranking tbody .c-{key}", "all => all.map(td => td.dataset.v)")


def _filter(page: sync_api.Page, name: str) -> sync_api.Locator:
    return page.locator(f"#tips-form [name={name}]")


def test_texts_of_others_are_read_and_never_run(opened: Opened) -> None:
    page = opened(pages.page())
    _filter(page, "scenario").select_option("")
    shown = page.locator("#tips-found").inner_text()
    assert pages.TIP_WITH_MARKUP in shown
    assert pages.TASK_WITH_SCRIPT in shown
    assert page.locator("img, main script").count() == 0
    turned = page.locator(".tip", has_text=pages.RIGHT_TO_LEFT).first
    assert turned.evaluate("node => getComputedStyle(node).direction") == "rtl"


def test_the_guard_of_these_tests_sees_an_error_and_a_request(browser: sync_api.Browser, tmp_path: Path) -> None:
    guarded = Opened(browser, tmp_path)
    page = guarded(pages.page())
    page.evaluate("() => fetch('http://example.invalid/').catch(() => {})")
    page.evaluate("() => { document.body.append(Object.assign(document.createElement('script'), {text: 'alert(1)'})) }")
    page.wait_for_timeout(50)
    guarded.close()
    assert len(guarded.wrong) >= 2
    assert all("Content Security Policy" in text for text in guarded.wrong)


def test_another_judge_is_one_choice_away_and_stands_alone(opened: Opened) -> None:
    page = opened(pages.page())
    assert page.locator(".board:visible").count() == 1
    first = page.locator(".board:visible .lead").inner_text()
    page.locator("#judge-switch").select_option(label="script/words \u00b7 r1")
    assert page.locator(".board:visible").count() == 1
    assert page.locator(".board:visible .facts dd").first.inner_text().startswith("script/words")
    assert page.locator(".board:visible .lead").inner_text() != first
    assert set(page.locator(".is-current .by").all_inner_texts()) == {"script/words \u00b7 r1"}


def test_a_column_sorts_both_ways_and_what_is_missing_comes_last(opened: Opened) -> None:
    page = opened(pages.page())
    button = page.locator(".board.is-shown [data-sort=cost]")
    for direction, reverse in (("ascending", False), ("descending", True)):
        button.focus()
        page.keyboard.press("Enter")
        assert page.locator(".board.is-shown thead .c-cost").get_attribute("aria-sort") == direction
        values = _column(page, "cost")
        known = [float(value) for value in values if value]
        assert known == sorted(known, reverse=reverse)
        assert len(known) < len(values)
        assert values[len(known):] == [""] * (len(values) - len(known))  # fmt: skip
    page.locator(".board.is-shown [data-sort=cell]").click()
    assert _column(page, "cell") == sorted(_column(page, "cell"))
    page.locator(".board.is-shown [data-sort=mean]").click()
    assert float(_column(page, "mean")[0]) == max(float(value) for value in _column(page, "mean") if value)


def test_two_cells_are_compared_by_choice_and_by_click(opened: Opened) -> None:
    held = pages.page()
    page = opened(held)
    board = held.boards[0]
    first, third = board.rows[0], board.rows[2]
    (expected,) = [d for d in board.differences if (d.first, d.second) == (first.cell, third.cell)]
    form = page.locator(".board.is-shown [data-compare]")
    form.get_by_label("with").select_option(index=2)
    said = form.locator("output").inner_text()
    assert f"+{expected.difference:.2f} points" in said
    assert third.model in said
    page.locator(".board.is-shown .matrix tbody tr").nth(2).locator("td").nth(0).click()
    assert f"\u2212{expected.difference:.2f} points" in form.locator("output").inner_text()


def test_tips_are_filtered_by_scenario_cell_and_text_and_set_side_by_side(opened: Opened) -> None:
    held = pages.page()
    page = opened(held)
    cards, count = page.locator(".card"), page.locator("#tips-count")
    assert cards.count() == len(pages.grid())
    assert count.inner_text() == "15 tips, one scenario"
    _filter(page, "cell").select_option(label="embedded/first v1")
    _filter(page, "beside").select_option(label="embedded/planner v2")
    assert sorted(cards.locator("h4").all_inner_texts()) == ["embedded/first v1", "embedded/planner v2"]
    left, right = (cards.nth(i).bounding_box() for i in range(2))
    assert left is not None
    assert right is not None
    assert (left["y"], left["x"] < right["x"]) == (right["y"], True)
    heading = page.locator(".situation h3").inner_text()
    page.get_by_role("button", name="Next").click()
    assert page.locator(".situation h3").inner_text() != heading
    _filter(page, "cell").select_option("")
    _filter(page, "scenario").select_option("")
    _filter(page, "text").fill("TAX form IS due")
    expected = sum("tax form is due" in t.text.lower() for s in held.sample.scenarios for t in s.tips)
    assert count.inner_text() == f"{expected} tips, 8 scenarios"
    _filter(page, "text").fill("nobody ever wrote this")
    assert count.inner_text() == "No tip in the sample fits."


def test_tips_can_be_read_worst_first_and_more_on_demand(opened: Opened) -> None:
    page = opened(pages.page())
    _filter(page, "order").select_option("worst")
    scores = [float(text) for text in page.locator(".is-current .score").all_inner_texts()]
    assert len(scores) > 3
    assert scores == sorted(scores)
    assert page.locator(".card").last.locator(".is-current").count() == 0
    _filter(page, "scenario").select_option("")
    assert page.locator(".card").count() == 60
    page.get_by_role("button", name="Show more").click()
    assert page.locator(".card").count() == 120
    assert page.get_by_role("button", name="Show more").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_every_text_stands_out_from_what_is_behind_it(opened: Opened, scheme: str, viewport: dict[str, int]) -> None:
    page = opened(pages.page(), viewport, color_scheme=scheme)
    found = page.evaluate(_CONTRASTS)
    assert len(found) > 500
    assert [text for ratio, text in found if ratio < 4.5] == []


def test_dark_and_light_can_be_chosen_against_the_system(opened: Opened) -> None:
    page = opened(pages.page(), color_scheme="light")
    paper = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    button = page.get_by_role("button", name="Dark")
    button.focus()
    page.keyboard.press("Space")
    assert button.get_attribute("aria-pressed") == "true"
    assert page.evaluate(paper) != light
    page.reload()
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    assert page.evaluate(paper) == light


@pytest.mark.parametrize("held", [pages.page(), pages.page(boards=(pages.board(cells=pages.grid(30, 10)),))])
def test_no_width_makes_the_page_scroll_sideways(opened: Opened, held: Page) -> None:
    page = opened(held)
    for width in (320, 390, 768, 1100, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_phone_shows_each_row_as_a_card_and_can_sort_them(opened: Opened) -> None:
    page = opened(pages.page(), PHONE, has_touch=True, is_mobile=True)
    row = page.locator(".board.is-shown .ranking tbody tr").first
    assert row.evaluate("node => getComputedStyle(node).display") == "grid"
    box = row.locator(".c-plot svg").bounding_box()
    assert box is not None
    assert box["width"] > 120
    axis = page.locator(".board.is-shown .ranking thead svg.axis").bounding_box()
    assert axis is not None
    assert (box["x"], box["width"]) == pytest.approx((axis["x"], axis["width"]), abs=1)
    page.locator(".board.is-shown [data-sort-select]").select_option("p50")
    known = [float(value) for value in _column(page, "p50") if value]
    assert known == sorted(known)
    assert page.get_by_role("rowheader").count() > 10


def test_everything_that_acts_has_a_name_and_is_reached_by_tab(opened: Opened) -> None:
    page = opened(pages.page())
    nameless = page.eval_on_selector_all(
        "a, button, select, input, [tabindex], svg[role=img], section, article",
        """all => all.filter(node => node.checkVisibility()).filter(node =>
            !(node.labels?.length || node.textContent.trim() || node.ariaLabel || node.getAttribute("aria-labelledby")))
            .map(node => node.outerHTML)""",
    )
    assert nameless == []
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.id || document.activeElement.name || document.activeElement.dataset.sort"
            )
        )
    assert {"judge-switch", "theme-switch", "mean", "cost", "first", "scenario", "text", "order"} <= reached


def test_nothing_moves_while_the_page_is_built(opened: Opened) -> None:
    page = opened(pages.page())
    shift = page.evaluate("""() => new Promise(done => {
        let sum = 0;
        new PerformanceObserver(list => list.getEntries().forEach(entry => { sum += entry.value; }))
            .observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 200);
    })""")
    assert shift < 0.01


def test_paper_gets_the_shown_board_in_light_colours_without_controls(opened: Opened) -> None:
    page = opened(pages.page(), color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("select:visible, button.needs-script:visible, .bar:visible").count() == 0
    assert page.locator(".board:visible").count() == 1
    assert page.locator(".ranking tbody tr").first.evaluate("node => getComputedStyle(node).display") == "table-row"
    printed = page.pdf(prefer_css_page_size=True, print_background=True)
    assert printed.startswith(b"%PDF")
    assert 4 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 14


def test_without_programs_every_board_can_still_be_read(opened: Opened) -> None:
    page = opened(pages.page(), java_script_enabled=False)
    assert page.locator(".board:visible").count() == 2
    assert page.locator("select:visible").count() == 0
    assert page.get_by_text("To read through the tips, let this page run its own program.").is_visible()


@pytest.mark.slow
def test_three_hundred_cells_are_there_within_seconds(opened: Opened) -> None:
    cells = pages.grid(30, 10)
    held = pages.page(boards=(pages.board(cells=cells),), sample=pages.sample(cells, 40))
    page = opened(held)
    assert page.locator(".ranking tbody tr").count() == 300
    assert page.locator(".card").count() == 60
    _filter(page, "text").fill("quarterly")
    assert page.locator(".card").count() == 60


def test_a_mean_of_too_few_scenarios_is_hollow_and_dashed_and_a_constant_one_has_no_bar(opened: Opened) -> None:
    page = opened(pages.page())
    board = page.locator(".board.is-shown .ranking")
    assert board.locator(".v-estimated circle.open, .v-estimated .loose").count() == 0
    assert board.locator(".v-too circle.open").count() == board.locator(".v-too .whisker.loose").count() == 1
    assert "too few scenarios" in board.locator(".v-too .c-mean").inner_text()
    assert board.locator(".v-constant circle.open").count() == 1
    assert board.locator(".v-constant .whisker").count() == 0
