"""Coming in and going out: passwords, limits, sessions that end, forms and the set-up link."""

import statistics
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import sqlalchemy as sa
from support.admin import ANA, PASSWORD, VERA, Browser, Clock, client, opened, signed_in

from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.attempts import (
    PER_ADDRESS,
    PER_NAME,
    PER_NAME_AND_ADDRESS,
    WINDOW_S,
    Attempts,
    TooManyError,
)
from tip_serving.admin.auth.database import SESSIONS
from tip_serving.admin.service.users import Role, User

OPEN = "/api/bench/experiments"


def _sign_in(browser: Browser, name: str, password: str) -> int:
    return browser.post("/api/session", json={"name": name, "password": password}).status_code


def test_who_knows_the_password_comes_in_and_goes_out(with_password: Admin) -> None:
    browser = client(with_password)
    answer = browser.post("/api/session", json={"name": "pia", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/", "max-age=43200"))
    assert answer.json()["role"] == "viewer"
    assert browser.get("/api/session").json() == answer.json()
    browser.headers["X-CSRF-Token"] = answer.json()["csrf"]
    before = dict(browser.cookies)
    assert browser.request("DELETE", "/api/session").status_code == 204
    browser.cookies.update(before)  # a copy that somebody kept is worth nothing
    assert browser.get("/api/session").status_code == 401


def test_behind_tls_the_cookie_is_bound_to_the_host(tmp_path: Path) -> None:
    admin = opened(tmp_path, tip_admin_url="https://bench.example")
    admin.people.add(ANA, "pia", Role.VIEWER, PASSWORD)
    cookie = client(admin).post("/api/session", json={"name": "pia", "password": PASSWORD}).headers["set-cookie"]
    assert cookie.startswith("__Host-tip_session=")
    form = {"name": "pia", "password": PASSWORD}
    for origin, status in (("https://bench.example", 200), ("https://bench.example.evil", 403), ("null", 403)):
        answer = client(admin).post("/api/session", json=form, headers={"Origin": origin, "Host": "10.0.0.7:3100"})
        assert answer.status_code == status, "a proxy may tell another host"
    assert "secure" in cookie.lower()
    admin.close()


def test_an_unknown_name_and_a_wrong_password_get_the_same_answer(with_password: Admin) -> None:
    answers = [
        client(with_password).post("/api/session", json={"name": name, "password": "not this one at all"})
        for name in ("pia", "nobody", "vera")  # vera has no password: she signs in through a provider
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert all("set-cookie" not in answer.headers for answer in answers)


def test_an_unknown_name_and_a_wrong_password_take_the_same_time(with_password: Admin) -> None:
    def seconds(name: str) -> float:
        begun = time.process_time()
        with_password.accounts.check(name, "not this one at all")
        return time.process_time() - begun

    seconds("pia")
    pairs = [(seconds("pia"), seconds("nobody"), seconds("vera")) for _ in range(3)]
    known, unknown, without = (statistics.median(column) for column in zip(*pairs, strict=True))
    assert known > 0.005, "a password is checked by something slow"
    assert unknown / known == pytest.approx(1, abs=0.5)
    assert without / known == pytest.approx(1, abs=0.5)


def test_after_a_few_wrong_passwords_even_the_right_one_has_to_wait(with_password: Admin) -> None:
    browser = client(with_password)
    for _ in range(PER_NAME_AND_ADDRESS):
        assert _sign_in(browser, "pia", "not this one at all") == 401
    refused = browser.post("/api/session", json={"name": "pia", "password": PASSWORD})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= WINDOW_S + 1
    for _ in range(PER_NAME_AND_ADDRESS):
        assert _sign_in(browser, "nobody", "not this one at all") == 401
    assert _sign_in(browser, "nobody", "not this one at all") == 429, "a name that nobody has is limited the same"


def test_attempts_are_limited_by_name_and_by_address_and_forgotten_with_time() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for number in range(PER_NAME):
        attempts.count("ana", f"10.0.0.{number}")
    with pytest.raises(TooManyError):
        attempts.count("ana", "10.0.1.1")
    for number in range(PER_ADDRESS):
        attempts.count(f"name{number}", "10.9.9.9")
    with pytest.raises(TooManyError) as found:
        attempts.count("another", "10.9.9.9")
    assert found.value.retry_after_s == WINDOW_S + 1
    now[0] = WINDOW_S
    attempts.count("ana", "10.0.1.1")
    attempts.count("another", "10.9.9.9")


def test_a_good_sign_in_is_no_failed_attempt() -> None:
    attempts = Attempts(lambda: 0.0)
    for _ in range(10 * PER_NAME):
        attempts.count("ana", "10.0.0.1")
        attempts.forgive("ana", "10.0.0.1")
    assert attempts._failed == {}


def test_a_session_ends_by_time_and_its_row_goes(admin: Admin, clock: Clock) -> None:
    browser = signed_in(admin, VERA)
    clock.now += admin.settings.tip_session_s - 1
    assert browser.get(OPEN).status_code == 200
    clock.now += 1
    assert browser.get(OPEN).status_code == 401
    signed_in(admin, VERA)
    with admin.database.engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(SESSIONS)) == 1


def test_the_set_up_link_makes_one_admin_once(tmp_path: Path, clock: Clock) -> None:
    admin = Admin.open(opened(tmp_path / "other").settings.model_copy(update={"tip_home": tmp_path}), clock)
    link = admin.setup.issue("http://testserver")
    assert link is not None
    file = admin.settings.admin_directory / "setup-link"
    assert (file.read_text().strip(), file.stat().st_mode & 0o077) == (link, 0)
    assert admin.setup.holds(link.rpartition("/")[2])
    browser = client(admin)
    form = {"name": "root", "password": "short"}
    for field, faulty in (("password", form), ("name", {"name": "Not a name", "password": PASSWORD})):
        fault = browser.post(link, data=faulty).headers["location"]
        assert parse_qs(urlsplit(fault).query) == {"fault": [field]}, "and the link still holds"
    done = browser.post(link, data={**form, "password": PASSWORD})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert browser.get("/api/session").json()["role"] == "admin"
    again = browser.post(link, data={"name": "second", "password": PASSWORD})
    assert parse_qs(urlsplit(again.headers["location"]).query) == {"fault": ["link"]}
    assert [account.name for account in admin.accounts.listed().items] == ["root"]
    assert not file.exists()
    assert admin.setup.issue("http://testserver") is None
    admin.close()


def test_a_set_up_link_holds_for_a_day_and_the_next_one_ends_it(tmp_path: Path, clock: Clock) -> None:
    admin = Admin.open(opened(tmp_path / "other").settings.model_copy(update={"tip_home": tmp_path}), clock)
    first, second = (str(admin.setup.issue("http://testserver")).rpartition("/")[2] for _ in range(2))
    assert (admin.setup.holds(first), admin.setup.holds(second)) == (False, True)
    clock.now += 86_400
    assert not admin.setup.holds(second)
    admin.close()


def test_a_set_up_link_makes_no_second_admin_once_there_is_an_account(tmp_path: Path, clock: Clock) -> None:
    admin = Admin.open(opened(tmp_path / "other").settings.model_copy(update={"tip_home": tmp_path}), clock)
    link = str(admin.setup.issue("http://testserver"))
    admin.people.add(User("the terminal", Role.ADMIN), "pia", Role.VIEWER, PASSWORD)
    assert not admin.setup.holds(link.rpartition("/")[2])
    answer = client(admin).post(link, data={"name": "second", "password": PASSWORD})
    assert parse_qs(urlsplit(answer.headers["location"]).query) == {"fault": ["link"]}
    assert [account.name for account in admin.accounts.listed().items] == ["pia"]
    admin.close()


def test_forms_sign_in_and_lead_on_but_never_away(with_password: Admin) -> None:
    browser = client(with_password)
    good = {"name": "pia", "password": PASSWORD}
    for asked, led in (
        ("/experiments?phase=ranked", "/experiments?phase=ranked"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/ok\nSet-Cookie: a=b", "/"),
    ):
        answer = browser.post("/sign-in", data={**good, "next": asked})
        assert (answer.status_code, answer.headers["location"]) == (303, led), asked
    wrong = browser.post("/sign-in", data={"name": "pia", "password": "no", "next": "/judge"}).headers["location"]
    assert parse_qs(urlsplit(wrong).query) == {"fault": ["wrong"], "next": ["/judge"]}


def test_signing_out_by_form_needs_the_token_of_the_session(admin: Admin) -> None:
    browser = signed_in(admin, VERA)
    assert browser.post("/sign-out", data={"csrf": "made up"}).status_code == 403
    assert browser.get("/api/session").status_code == 200
    assert browser.post("/sign-out", data={"csrf": browser.headers["X-CSRF-Token"]}).status_code == 303
    assert browser.get("/api/session").status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_nobody_is_signed_in_from_a_strangers_page(with_password: Admin, headers: dict[str, str]) -> None:
    browser = client(with_password)
    form = {"name": "pia", "password": PASSWORD}
    for answer in (
        browser.post("/sign-in", data=form, headers=headers),
        browser.post("/api/session", json=form, headers=headers),
    ):
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    own = {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"}
    assert browser.post("/api/session", json=form, headers=own).status_code == 200
