"""Model cards: what makes one complete, field by field; their history; and pages that hold any text as text."""

import datetime as dt
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from support import cards

from tip_serving.lake import layout
from tip_serving.lake.storage import Lake, MissingError
from tip_serving.training.candidate import PROMPT_POLICY, REWARD_MODEL, TIP_POLICY
from tip_serving.training.cards.card import SLICED_BY, Card, Fairness, is_complete
from tip_serving.training.cards.keeping import CardError, append_history, read_card, write_card
from tip_serving.training.cards.page import figure, html, markdown

_NOT_MEASURED = {"groups": (), "gaps": {}, "findings": ()}


def test_a_card_with_everything_is_complete() -> None:
    assert is_complete(cards.card()) == []


@pytest.mark.parametrize(
    ("field", "emptied", "told"),
    [
        ("purpose", " ", "purpose"),
        ("algorithm", "", "algorithm"),
        ("contract_hash", "", "contract_hash"),
        ("inputs", (), "inputs"),
        ("metrics", (), "metrics"),
        ("limits", (), "limits"),
        ("history", (), "history"),
        ("data", None, "data: neither a window with its hash nor another source"),
        ("parts", (), "parts: what the rows were used for"),
        ("calibration", (), "calibration"),
        ("fairness", None, "fairness"),
        ("fairness", Fairness(**_NOT_MEASURED, not_measured=" "), "fairness: why it was not measured"),
        ("metrics", cards.card().metrics[1:], "metrics of this version, not of baselines alone"),
        ("metrics", (cards.without("low"),), "the interval of AUC, or why there is none"),
        ("metrics", (cards.without("high"),), "the interval of AUC, or why there is none"),
    ],
)
def test_each_thing_that_is_missing_is_told(field: str, emptied: Any, told: str) -> None:
    assert is_complete(cards.card(**{field: emptied})) == [told]


@pytest.mark.parametrize("column", SLICED_BY)
def test_fairness_has_to_be_looked_at_by_every_column(column: str) -> None:
    groups = tuple(cards.group(other) for other in SLICED_BY if other != column)
    found = Fairness(groups=groups, gaps={}, findings=(), not_measured=None)
    assert is_complete(cards.card(fairness=found)) == [f"fairness by {column}"]


def test_a_reason_stands_for_an_interval_that_the_log_cannot_carry() -> None:
    refused = cards.without("low", "high").model_copy(update={"note": "Refused: too few."})
    assert is_complete(cards.card(metrics=(refused,))) == []


def test_everything_that_is_missing_is_told_at_once() -> None:
    assert len(is_complete(cards.card(purpose="", limits=(), fairness=None, calibration=(), history=()))) == 5


def test_a_reason_stands_for_fairness_that_nobody_can_measure_yet() -> None:
    reason = Fairness(**_NOT_MEASURED, not_measured="No tip was shown yet.")
    assert is_complete(cards.card(name=PROMPT_POLICY, fairness=reason)) == []


@pytest.mark.parametrize("name", [TIP_POLICY, PROMPT_POLICY])
def test_a_policy_predicts_nothing_so_it_needs_no_calibration(name: str) -> None:
    assert is_complete(cards.card(name=name, calibration=())) == []


def test_another_source_stands_for_rows() -> None:
    assert is_complete(cards.card(data=None, parts=(), sources={"leaderboard a": "ana, r1"})) == []


# In the lake


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path))


def test_a_card_is_read_back_as_it_was_written(lake: Lake) -> None:
    assert write_card(lake, cards.card()) == cards.card()
    assert read_card(lake, REWARD_MODEL, "abc123abc123") == cards.card()


def test_a_card_that_is_there_keeps_its_history(lake: Lake) -> None:
    write_card(lake, cards.card())
    released = append_history(lake, REWARD_MODEL, "abc123abc123", cards.entry("released"))
    assert write_card(lake, cards.card()) == released


def test_history_is_appended_in_all_forms_and_once(lake: Lake) -> None:
    write_card(lake, cards.card())
    entry = cards.entry("rolled back", at=cards.MADE_AT + dt.timedelta(days=1), detail="Latency: 80 ms & more.")
    append_history(lake, REWARD_MODEL, "abc123abc123", entry)
    after = append_history(lake, REWARD_MODEL, "abc123abc123", entry)
    assert [one.event for one in after.history] == ["trained", "rolled back"]
    assert "Latency: 80 ms &amp; more." in lake.read(layout.card(REWARD_MODEL, "abc123abc123", "html")).decode()
    assert (
        "**rolled back**. Latency: 80 ms & more." in lake.read(layout.card(REWARD_MODEL, "abc123abc123", "md")).decode()
    )


def test_of_many_who_append_at_once_none_is_lost(lake: Lake) -> None:
    write_card(lake, cards.card())
    names = [f"step {number}" for number in range(8)]
    threads = [
        threading.Thread(target=append_history, args=(lake, REWARD_MODEL, "abc123abc123", cards.entry(name)))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [one.event for one in read_card(lake, REWARD_MODEL, "abc123abc123").history]
    assert sorted(found) == sorted(["trained", *names])
    for form in ("html", "md"):
        text = lake.read(layout.card(REWARD_MODEL, "abc123abc123", form)).decode().lower()
        assert all(name in text for name in names)


def test_history_of_a_version_without_a_card_is_refused(lake: Lake) -> None:
    with pytest.raises(MissingError):
        append_history(lake, REWARD_MODEL, "nobody", cards.entry("released"))


def test_a_file_that_is_no_card_is_told_with_its_faults(lake: Lake) -> None:
    lake.write(layout.card(REWARD_MODEL, "x", "json"), b'{"name": "tip-reward-model", "secret": 1}')
    with pytest.raises(CardError, match="is no model card: version: Field required"):
        read_card(lake, REWARD_MODEL, "x")


# For people


def _all_kinds() -> list[Card]:
    reason = Fairness(**_NOT_MEASURED, not_measured="No tip yet.")
    return [
        cards.card(),
        cards.card(name=TIP_POLICY, calibration=(), inputs=cards.card().inputs[:1]),
        cards.card(
            name=PROMPT_POLICY, calibration=(), data=None, parts=(), tables=(), fairness=reason, sources={"a": "b"}
        ),
        cards.card(fairness=None, metrics=(), limits=(), history=(), inputs=()),
    ]


@pytest.mark.parametrize("number", range(4))
def test_no_text_becomes_markup(number: int) -> None:
    page = html(_all_kinds()[number])
    assert "<script" not in page
    assert cards.HOSTILE not in markdown(_all_kinds()[number])


def test_a_hostile_option_breaks_out_of_no_markdown_table() -> None:
    text = markdown(cards.card())
    (line,) = [line for line in text.splitlines() if "alert" in line and line.startswith("| ") and "0.12" in line]
    assert line.replace("\\|", "").count("|") == 4


def test_the_page_allows_nothing_but_its_own_style_and_names_no_address() -> None:
    page = html(cards.card())
    assert "default-src 'none'; style-src 'sha256-" in page
    assert "http://" not in page
    assert "https://" not in page


def test_what_is_missing_stands_at_the_top_of_page_and_text() -> None:
    broken = cards.card(limits=())
    assert "Not complete. Missing: limits" in html(broken)
    assert "**Not complete.** Missing: limits." in markdown(broken)


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "\u2013"), (1200, "1,200"), (0.71, "0.710"), (-0.0451, "\u22120.0451"), (12.345, "12.35"), (-3, "\u22123"),
     (0.0, "0"), ("passed", "passed"), (True, "True")],
)  # fmt: skip
def test_figures_have_the_digits_that_say_something(value: object, told: str) -> None:
    assert figure(value) == told


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium on this machine")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser_nothing_is_refused_cut_off_or_hard_to_read(scheme: Any, tmp_path: Path) -> None:
    from playwright import sync_api

    file = tmp_path / "card.html"
    file.write_text(html(cards.card()), encoding="utf-8")
    wrong: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(color_scheme=scheme, offline=True, viewport={"width": 390, "height": 844})
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(file.as_uri())
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        circles = page.locator("svg.square circle").count()
        browser.close()
    assert wrong == []
    assert overflow <= 0
    assert background == {"light": "rgb(255, 255, 255)", "dark": "rgb(21, 24, 29)"}[scheme]
    assert circles == 2
