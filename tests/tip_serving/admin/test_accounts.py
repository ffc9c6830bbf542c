"""Accounts, tokens and what is written down about them: who may have which, until when, and who did it."""

import logging

import pytest
import sqlalchemy as sa
from support.admin import ANA, BEN, PASSWORD, VERA, Clock, client, signed_in

from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.database import AUDIT
from tip_serving.admin.service.errors import ConflictError, FaultsError
from tip_serving.admin.service.users import Role

OPEN = "/api/bench/experiments"


@pytest.mark.parametrize("change", ["removed", "demoted", "password"])
def test_a_change_of_the_account_ends_its_sessions(admin: Admin, change: str) -> None:
    browser = signed_in(admin, VERA)
    token = admin.people.make_token(VERA, "test", None).token
    if change == "removed":
        admin.people.remove(ANA, "vera")
    elif change == "demoted":
        admin.people.set_role(ANA, "vera", Role.JUDGE)
    else:
        admin.people.set_password(ANA, "vera", PASSWORD)
    assert browser.get(OPEN).status_code == 401
    program = client(admin)
    program.headers["Authorization"] = f"Bearer {token}"
    expected = {"removed": 401, "demoted": 403, "password": 200}
    assert program.get(OPEN).status_code == expected[change], "a token has the role that its user has now"


def test_tokens_hold_until_they_are_revoked_or_expire(admin: Admin, clock: Clock) -> None:
    made = signed_in(admin, VERA).post("/api/tokens", json={"label": "report", "days": 1}).json()
    program = client(admin)
    program.headers["Authorization"] = f"bearer {made['token']}"
    assert program.get(OPEN).status_code == 200
    clock.now += 86_400
    assert program.get(OPEN).status_code == 401
    clock.now -= 86_400
    judge, admins = signed_in(admin, BEN), signed_in(admin, ANA)
    assert judge.request("DELETE", f"/api/tokens/{made['row']['token_id']}").status_code == 404, "somebody else's"
    assert admins.request("DELETE", f"/api/tokens/{made['row']['token_id']}").status_code == 204
    assert program.get(OPEN).status_code == 401


def test_own_passwords_are_changed_by_those_who_know_them(with_password: Admin) -> None:
    browser = client(with_password)
    signed = browser.post("/api/session", json={"name": "pia", "password": PASSWORD}).json()
    browser.headers["X-CSRF-Token"] = signed["csrf"]
    new = "another horse and more staples"
    for current, changed, status in (("wrong", new, 403), (PASSWORD, "short", 422), (PASSWORD, new, 204)):
        body = {"current": current, "new": changed}
        assert browser.post("/api/session/password", json=body).status_code == status
    for password, status in ((PASSWORD, 401), (new, 200)):
        form = {"name": "pia", "password": password}
        assert client(with_password).post("/api/session", json=form).status_code == status


@pytest.mark.parametrize(
    ("name", "password", "fields"),
    [
        ("Ana", PASSWORD, ["name"]),
        ("", PASSWORD, ["name"]),
        ("automatic-rules", PASSWORD, ["name"]),
        ("llm:x", PASSWORD, ["name"]),
        ("new", "short", ["password"]),
        ("new-one", "new-one-new-one", ["password"]),
        ("new", "aaaaaaaaaaaaaaaa", ["password"]),
        ("../x", "", ["name", "password"]),
    ],
)
def test_names_and_passwords_that_cannot_be_are_refused_together(
    admin: Admin, name: str, password: str, fields: list[str]
) -> None:
    with pytest.raises(FaultsError) as found:
        admin.people.add(ANA, name, Role.JUDGE, password)
    assert [fault.field for fault in found.value.faults] == fields


def test_the_last_admin_stays(admin: Admin) -> None:
    for attempt in (lambda: admin.people.remove(ANA, "ana"), lambda: admin.people.set_role(ANA, "ana", Role.VIEWER)):
        with pytest.raises(ConflictError, match="only admin"):
            attempt()
    admin.people.set_role(ANA, "vera", Role.ADMIN)
    admin.people.set_role(ANA, "ana", Role.VIEWER)
    assert admin.accounts.find("ana") == ("ana", Role.VIEWER)


def test_a_name_that_somebody_has_is_not_given_to_another(admin: Admin) -> None:
    with pytest.raises(ConflictError):
        admin.people.add(ANA, "vera", Role.ADMIN, PASSWORD)
    with pytest.raises(ConflictError):
        admin.accounts.vouched_for("vera", Role.ADMIN, "another provider", "vera")
    assert admin.accounts.find("vera") == VERA


def test_the_audit_log_tells_who_did_what_and_cannot_be_changed(admin: Admin) -> None:
    signed_in(admin, VERA)
    admin.people.add(ANA, "pia", Role.VIEWER, PASSWORD)
    client(admin).post("/api/session", json={"name": "pia", "password": "not this one at all"})
    told = [(entry.user, entry.action, entry.subject) for entry in admin.audit.entries(ANA).items]
    assert told == [(None, "sign-in-refused", "pia"), ("ana", "add-user", "pia"), ("vera", "sign-in", "vera")]
    for change in (sa.delete(AUDIT), sa.update(AUDIT).values(user="somebody else")):
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), admin.database.engine.begin() as connection:
            connection.execute(change)
    assert admin.audit.entries(ANA).n_total == 3
    page = signed_in(admin, ANA).get("/api/audit", params={"action": "add-user"}).json()
    assert (page["n_total"], page["items"][0]["detail"]) == (1, {"role": "viewer"})


def test_what_a_stranger_types_cannot_forge_a_line_of_the_log(admin: Admin, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        forged = {"name": "x\nana start tip-bench-forged", "password": "nothing"}
        assert client(admin).post("/api/session", json=forged).status_code == 401
    assert "sign-in-refused" in caplog.text
    assert not any("\n" in record.getMessage() for record in caplog.records)


def test_lists_of_people_and_tokens_are_paged(admin: Admin) -> None:
    for number in range(5):
        admin.people.make_token(VERA, f"token {number}", None)
    browser = signed_in(admin, ANA)
    for path, key, n_total in (("/api/users", "name", 4), ("/api/tokens", "token_id", 5)):
        seen: list[str] = []
        offset = 0
        while offset is not None:
            page = browser.get(path, params={"offset": offset, "limit": 2}).json()
            assert page["n_total"] == n_total
            seen += [row[key] for row in page["items"]]
            offset = page["next_offset"]
        assert len(set(seen)) == len(seen) == n_total
    assert signed_in(admin, BEN).get("/api/tokens").json()["n_total"] == 0, "those of others are not theirs to see"


def test_the_log_is_read_by_what_was_done_and_by_whom(admin: Admin) -> None:
    admin.people.add(ANA, "pia", Role.VIEWER, PASSWORD)
    admin.people.make_token(VERA, "report", None)
    browser = signed_in(admin, ANA)
    told = browser.get("/api/audit", params={"by": "vera"}).json()
    assert [(entry["user"], entry["action"]) for entry in told["items"]] == [("vera", "make-token")]
    assert browser.get("/api/audit", params={"by": "vera", "action": "add-user"}).json()["n_total"] == 0
    assert admin.audit.read(ANA, None, None, 0, 1).actions == ("add-user", "make-token", "sign-in")
