"""Judging in a real browser: by keyboard, in two windows, by two people, over a network that drops, past a session."""

import pytest
from playwright.sync_api import Page, expect
from support.admin_site import HOSTILE, Enter, Site, Wire

from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.judging.verdicts import VERDICTS

ALL_FOURS = "444444"


def _judged(site: Site, judge: str) -> dict[str, float]:
    """What lies in the lake of this judge, once what waits is settled."""
    with site.opened() as admin:
        admin.scores.settle(HOSTILE, judge)
    latest = SCORES.latest(site.place.lake, judge, "r1")
    return dict(latest.select("candidate_id", "score").iter_rows())


def _n_done(page: Page) -> int:
    return int(page.locator("#n-done").inner_text())


def _judge(page: Page, keys: str) -> None:
    """Press each key and wait until the next item lies there."""
    before = _n_done(page)
    for key in keys:
        page.keyboard.press(key)
    expect(page.locator("#n-done")).to_have_text(str(before + 1))


def test_ten_tips_are_judged_by_keyboard_and_one_goes_on_where_one_left(enter: Enter, site: Site) -> None:
    page = enter("ana", f"/judge/{HOSTILE}")
    before, there = _n_done(page), len(_judged(site, "ana"))
    for i in range(10):
        _judge(page, ("12345" * 2)[i % 5 : i % 5 + 5] + "3")
    expect(page.locator(".outbox")).to_have_text("all saved")
    expect(page.locator(".tally")).to_contain_text("a minute")
    page.reload()
    page.locator(".tip").wait_for()
    assert _n_done(page) == before + 10
    scores = _judged(site, "ana")
    assert len(scores) == there + 10
    assert {round(score, 4) for score in scores.values()} >= {3.0}


def test_arrows_move_between_criteria_and_shift_gives_the_rest(enter: Enter, site: Site) -> None:
    page = enter("ana", f"/judge/{HOSTILE}")
    now = page.locator(".criterion.is-now .name")
    expect(now).to_have_text("relevance")
    page.keyboard.press("ArrowDown")
    expect(now).to_have_text("actionability")
    page.keyboard.press("5")
    expect(now).to_have_text("relevance")
    page.keyboard.press("ArrowUp")
    known = _judged(site, "ana")
    before = _n_done(page)
    page.keyboard.press("Shift+Digit2")
    expect(page.locator("#n-done")).to_have_text(str(before + 1))
    (new,) = set(_judged(site, "ana")) - set(known)
    assert _judged(site, "ana")[new] == pytest.approx((5 + 5 * 2) / 6)


def test_what_was_said_can_be_taken_back_and_said_again(enter: Enter, site: Site) -> None:
    page = enter("ana", f"/judge/{HOSTILE}")
    tip = page.locator(".desk .tip").inner_text()
    known = _judged(site, "ana")
    _judge(page, ALL_FOURS)
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".desk .tip")).to_have_text(tip, use_inner_text=True)
    assert page.locator(".points input:checked").count() == 6
    _judge(page, "1")
    (new,) = set(_judged(site, "ana")) - set(known)
    assert _judged(site, "ana")[new] == pytest.approx((1 + 5 * 4) / 6)


def test_an_item_that_is_left_for_later_comes_again_and_stays_unscored(enter: Enter, site: Site) -> None:
    page = enter("ana", f"/judge/{HOSTILE}")
    known = _judged(site, "ana")
    tip = page.locator(".desk .tip").inner_text()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".desk .tip")).not_to_have_text(tip)
    assert _judged(site, "ana") == known


def test_a_comment_may_hold_digits(enter: Enter, site: Site) -> None:
    page = enter("ana", f"/judge/{HOSTILE}")
    page.keyboard.press("c")
    page.keyboard.type("1 of 5: <b>too long</b>")
    page.keyboard.press("Enter")
    assert page.locator(".points input:checked").count() == 0
    _judge(page, ALL_FOURS)
    _judged(site, "ana")
    comments = SCORES.latest(site.place.lake, "ana", "r1")["comment"].to_list()
    assert "1 of 5: <b>too long</b>" in comments


def test_pairs_are_judged_by_arrows(enter: Enter, site: Site) -> None:
    page = enter("ana", f"/judge/{HOSTILE}?kind=pair")
    for key in ("ArrowLeft", "ArrowRight", "ArrowDown"):
        _judge(page, [key])  # type: ignore[arg-type]
    with site.opened() as admin:
        admin.scores.settle(HOSTILE, "ana")
    latest = VERDICTS.latest(site.place.lake, "ana", "r1")
    assert sorted(latest["outcome"]) == [0.0, 0.5, 1.0]


def test_two_people_judge_the_same_items_and_both_are_kept(enter: Enter, site: Site) -> None:
    ana, ben = enter("ana", f"/judge/{HOSTILE}"), enter("ben", f"/judge/{HOSTILE}")
    n_ana = len(_judged(site, "ana"))
    for _ in range(3):
        _judge(ana, ALL_FOURS)
        _judge(ben, "222222")
    assert len(_judged(site, "ana")) == n_ana + 3
    assert set(_judged(site, "ben").values()) == {2.0}


def test_of_one_item_in_two_windows_the_last_word_counts_once(enter: Enter, site: Site) -> None:
    known = _judged(site, "ben")
    one = enter("ben", f"/judge/{HOSTILE}")
    other = enter("ben", f"/judge/{HOSTILE}")
    assert one.locator(".desk .tip").inner_text() == other.locator(".desk .tip").inner_text()
    _judge(one, ALL_FOURS)
    for key in "555555":
        other.keyboard.press(key)
    expect(other.locator(".outbox")).to_have_text("all saved")
    (new,) = set(_judged(site, "ben")) - set(known)
    assert _judged(site, "ben")[new] == 5.0


def test_what_is_said_while_the_network_is_down_is_kept_and_arrives_once(enter: Enter, site: Site, wire: Wire) -> None:
    page = enter("ben", f"/judge/{HOSTILE}", url=wire.url)
    known, before = _judged(site, "ben"), _n_done(page)
    wire.cut()
    for key in ALL_FOURS:
        page.keyboard.press(key)
    expect(page.locator(".outbox")).to_contain_text("not saved yet")
    expect(page.locator("#popup")).to_be_visible()
    assert _judged(site, "ben") == known
    wire.mend()
    expect(page.locator("#n-done")).to_have_text(str(before + 1), timeout=30_000)
    expect(page.locator("#popup")).not_to_be_visible()
    assert len(_judged(site, "ben")) == len(known) + 1


def test_what_is_said_past_the_end_of_a_session_arrives_after_signing_in_again(enter: Enter, site: Site) -> None:
    page = enter("ben", f"/judge/{HOSTILE}")
    known, before = _judged(site, "ben"), _n_done(page)
    site.end_sessions()
    for key in ALL_FOURS:
        page.keyboard.press(key)
    page.wait_for_url("**/sign-in?next=*")
    assert _judged(site, "ben") == known
    page.get_by_label("Name").fill("ben")
    page.get_by_label("Password").fill("plenty of quiet walnuts")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/judge/{HOSTILE}")
    expect(page.locator("#n-done")).to_have_text(str(before + 1))
    assert len(_judged(site, "ben")) == len(known) + 1


def test_a_page_that_only_looks_leaves_when_its_session_ends(enter: Enter, site: Site) -> None:
    page = enter("vera", f"/experiments/{HOSTILE}")
    site.end_sessions()
    page.wait_for_url("**/sign-in?next=*", timeout=10_000)
