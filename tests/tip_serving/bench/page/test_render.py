"""The file as text: one file, nothing from outside, nothing untrusted as markup, small however much there is."""

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest
from support import pages

from tip_serving.bench.page import content
from tip_serving.bench.page.content import JudgeBoard, Page, Row, Verdict
from tip_serving.bench.page.render import render

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\u2028\ud800"
_ALLOWED = {"html", "head", "meta", "link", "title", "style", "script", "body", "a", "header", "p", "div", "label",
            "select", "option", "button", "main", "h1", "h2", "h3", "h4", "bdi", "article", "section", "dl", "dt", "dd",
            "small", "time", "nav", "table", "thead", "tbody", "tr", "th", "td", "span", "svg", "line", "circle",
            "text", "rect", "g", "ul", "ol", "li", "strong", "em", "figure", "figcaption", "form", "output", "abbr",
            "code", "noscript", "input", "footer", "wbr"}  # fmt: skip


class _Reader(HTMLParser):
    """Every element with its attributes, and the text of programs and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inlined: list[tuple[str, dict[str, str | None], str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        tag, attributes = self.elements[-1] if self.elements else ("", {})
        if tag in {"script", "style"} and data.strip():
            self.inlined.append((tag, attributes, data))


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


def _hostile(value: object) -> object:
    """The same page with every free text turned hostile."""
    if isinstance(value, dict):
        free = {"model", "prompt", "judge", "kind", "reason", "name", "content", "due", "text", "comment", "now",
                "language", "batch", "rubric_version", "see_everything", "experiment", "scenario_id"}  # fmt: skip
        return {
            key: f"{held}{HOSTILE}" if key in free and isinstance(held, str) else _hostile(held)
            for key, held in value.items()
        }
    if isinstance(value, list | tuple):
        if len(value) == 2 and all(isinstance(part, str) for part in value):  # a Cell
            return tuple(f"{part}{HOSTILE}" for part in value)
        return [_hostile(part) for part in value]
    return value


def test_no_text_of_others_becomes_an_element_or_an_attribute() -> None:
    calm = pages.page()
    hostile = Page.model_validate(_hostile(calm.model_dump()))
    read = _read(render(hostile))
    assert {tag for tag, _ in read.elements} <= _ALLOWED
    assert not [name for _, attributes in read.elements for name in attributes if name.startswith(("on", "style"))]
    expected = _read(render(calm))
    assert [tag for tag, _ in read.elements if tag == "script"] == [
        tag for tag, _ in expected.elements if tag == "script"
    ]
    programs = [text for tag, attributes, text in read.inlined if not attributes.get("type")]
    assert programs == [text for tag, attributes, text in expected.inlined if not attributes.get("type")]


def test_the_policy_names_each_program_and_style_by_its_hash_and_nothing_else() -> None:
    read = _read(render(pages.page()))
    (policy,) = [a["content"] for _, a in read.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    hashed = {
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for _, attributes, text in read.inlined
        if attributes.get("type") != "application/json"
    }
    assert set(re.findall(r"'sha256-[^']+'", policy)) == hashed
    assert len(hashed) == 4
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy


def test_nothing_points_outside_the_file() -> None:
    read = _read(render(pages.page()))
    links = [value for _, a in read.elements for name, value in a.items() if name in {"src", "href", "action"}]
    assert links
    assert [link for link in links if link and not link.startswith("#") and link != "data:,"] == []
    ids = [a["id"] for _, a in read.elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in links if link and link.startswith("#")} <= set(ids)
    styles = " ".join(text for tag, _, text in read.inlined if tag == "style")
    assert "url(" not in styles
    assert "@import" not in styles


def test_verdicts_stand_in_words_and_never_as_a_number() -> None:
    html = render(pages.page())
    for verdict in ("v-unscored", "v-failed"):
        (row,) = set(
            re.findall(rf'<tr role="row" class="{verdict}[^"]*">.*?</tr>', html.partition("</table>")[0], re.DOTALL)
        )
        assert "0.00" not in row
        assert "<svg" not in row
        assert verdict[2:] in row
    assert "failed: <bdi>800 calls failed (800 x rate limit); first: &lt;b&gt;429&lt;/b&gt;</bdi>" in html


def _nothing_scored() -> Page:
    rows = tuple(Row(model=c.model, prompt=c.prompt, verdict=Verdict.UNSCORED, n_unscored=9) for c in pages.grid(2, 2))
    none = JudgeBoard(judge=None, rubric_version=None, scale_min=1, scale_max=5, n_scenarios=9, rows=rows)
    return pages.page(boards=(none,), judges=content.Judges(), cost_usd=None,
                      sample=content.Sample(scenarios=(), n_scenarios=9, n_candidates=36))  # fmt: skip


@pytest.mark.parametrize(
    ("page", "says"),
    [
        (_nothing_scored(), "Nothing is scored yet"),
        (pages.page(boards=(pages.board(cells=pages.grid(1, 1)),)), "nothing to compare it with"),
        (pages.page(boards=(pages.board(cells=pages.grid(2, 1)),)), "has the highest mean"),
        (pages.page(boards=(pages.board(cells=pages.grid(30, 10)),)), "Shown are the first 20 of 298 cells"),
        (pages.page(boards=(pages.board(rows=(), differences=(), separation=None, effects=None, pairwise=None),)),
         "Nothing is scored yet"),
    ],
)  # fmt: skip
def test_a_page_stands_with_much_little_and_nothing(page: Page, says: str) -> None:
    assert says in render(page)


def test_unknown_costs_are_called_unknown() -> None:
    board = pages.board()
    rows = tuple(row.model_copy(update={"cost_usd_per_1000": None}) for row in board.rows)
    html = render(pages.page(boards=(board.model_copy(update={"rows": rows}),), cost_usd=None))
    assert "Not known for any cell with a mean." in html
    assert html.count(">unknown<") >= len(rows)


def test_parts_stand_only_where_there_is_something_to_tell() -> None:
    assert 'id="judges"' in render(pages.page())
    html = render(_nothing_scored())
    for part in ('id="judges"', 'id="b0-grid"', 'id="b0-pairs"', 'id="b0-differences"', 'id="b0-prices"'):
        assert part not in html


def test_a_hundred_thousand_tips_make_a_file_below_three_megabytes_that_says_what_it_lacks() -> None:
    cells = pages.grid(10, 5)
    scenarios = pages.sample(cells, 40, n_tips=2).scenarios
    held = content.Sample(scenarios=scenarios, n_scenarios=2000, n_candidates=1_000_000, see_everything="tip bench x")
    boards = tuple(pages.board(judge, cells, seed) for seed, judge in enumerate(("ana", "ben", "script/words")))
    html = render(pages.page(boards=boards, sample=held))
    assert len(html.encode()) < 3_000_000
    assert "40 of 2,000 scenarios, out of 1,000,000 candidates in all" in html
    assert "<code>tip bench x</code>" in html
