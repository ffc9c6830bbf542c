"""The admin process on a real PostgreSQL server: the same doors, the same log, and what only a server can do wrong."""

import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from support import postgres_server
from support.admin import ANA, BEN, PASSWORD, Clock, client, filled, opened, signed_in
from support.bench import EXPERIMENT
from support.judging import NAMES

from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.database import AUDIT, Database
from tip_serving.admin.auth.webhooks import signature
from tip_serving.admin.service.errors import ConflictError
from tip_serving.admin.service.users import Role
from tip_serving.bench.judging.scores import SCORES

GOOD = dict.fromkeys(NAMES, 4)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres_server.running() as url:
        yield url


@pytest.fixture
def url(server: str) -> str:
    """An empty database of this test's own."""
    name = f"admin_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.replace("/postgres", f"/{name}")


@pytest.fixture
def admin(tmp_path: Path, url: str) -> Iterator[Admin]:
    made = opened(tmp_path, Clock(), tip_admin_database=url)
    yield made
    made.close()


def test_who_knows_the_password_comes_in_and_an_admin_can_end_it(admin: Admin) -> None:
    admin.people.add(ANA, "pia", Role.VIEWER, PASSWORD)
    browser = client(admin)
    assert browser.post("/api/session", json={"name": "pia", "password": PASSWORD}).status_code == 200
    assert browser.get("/api/bench/experiments").status_code == 200
    admin.people.set_role(ANA, "pia", Role.JUDGE)
    assert browser.get("/api/bench/experiments").status_code == 401
    token = admin.people.make_token(BEN, "test", None).token
    program = client(admin)
    program.headers["Authorization"] = f"Bearer {token}"
    assert program.get("/api/session").json()["name"] == "ben"
    admin.people.remove(ANA, "ben")
    assert program.get("/api/session").status_code == 401


def test_a_person_judges_and_a_machine_signs_once(admin: Admin) -> None:
    filled(admin)
    turn = admin.judging.turn(BEN, EXPERIMENT)
    assert turn.item is not None
    first = turn.item.item
    admin.judging.judge(BEN, EXPERIMENT, first, scores=GOOD)
    admin.judging.undo(BEN, EXPERIMENT)
    admin.judging.judge(BEN, EXPERIMENT, first, scores=dict.fromkeys(NAMES, 2))
    admin.scores.settle(EXPERIMENT, "ben")
    assert SCORES.latest(admin.bench.workshop.lake, "ben", "r1")["score"].to_list() == [2.0]

    key = admin.people.make_webhook(ANA, "agent")
    target, at = f"/api/bench/export/{EXPERIMENT}", str(admin.database.clock())
    signed = signature(key.secret, at, "GET", target, b"")
    headers = {"Tip-Key": key.row.key_id, "Tip-Timestamp": at, "Tip-Signature": signed}
    assert [client(admin).get(target, headers=headers).status_code for _ in range(2)] == [200, 401]


def test_nobody_can_change_or_empty_the_audit_log(admin: Admin, url: str) -> None:
    admin.people.add(ANA, "pia", Role.VIEWER, PASSWORD)
    for change in ("DELETE FROM audit", "UPDATE audit SET action = 'nothing'", "TRUNCATE audit"):
        with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match="append-only"):
            connection.execute(change)
    assert [entry.action for entry in admin.audit.entries(ANA).items] == ["add-user"]


def test_what_the_database_cannot_hold_is_refused_and_is_no_defect(admin: Admin) -> None:
    for name in ("\x00", "ana\x00", "n" * 200):
        assert client(admin).post("/api/session", json={"name": name, "password": "x"}).status_code in {401, 422}, name
    browser = signed_in(admin, ANA)
    for method, path in (
        ("PATCH", "/api/users/%00"),
        ("DELETE", "/api/users/a%00b"),
        ("DELETE", "/api/tokens/%00"),
        ("DELETE", "/api/webhooks/%00"),
    ):
        answer = browser.request(method, path, json={"role": "judge"} if method == "PATCH" else None)
        assert answer.status_code in {404, 422}, path
        assert answer.headers["content-type"] == "application/problem+json"
    assert browser.get("/api/audit?by=%00").status_code == 422
    assert browser.post("/api/tokens", json={"label": "a\x00b"}).status_code == 422
    program = client(admin)
    for headers in ({"Authorization": "Bearer \x01"}, {"Tip-Key": "\x01", "Tip-Timestamp": "1", "Tip-Signature": "0"}):
        assert program.get(f"/api/bench/export/{EXPERIMENT}", headers=headers).status_code == 401


def test_of_two_admins_who_remove_each_other_at_once_one_stays(admin: Admin) -> None:
    admin.people.set_role(ANA, "vera", Role.ADMIN)
    for _ in range(10):
        admin.people.set_role(ANA, "ana", Role.ADMIN)
        admin.people.set_role(ANA, "vera", Role.ADMIN)
        refused: list[str] = []

        def demote(name: str, refused: list[str] = refused) -> None:
            try:
                admin.people.set_role(ANA, name, Role.VIEWER)
            except ConflictError as error:
                refused.append(str(error))

        both = [threading.Thread(target=demote, args=(name,)) for name in ("ana", "vera")]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert len(refused) == 1
        assert [account.role for account in admin.accounts.listed().items].count(Role.ADMIN) == 1


def test_two_processes_may_start_at_once(url: str) -> None:
    failed: list[Exception] = []

    def start() -> None:
        try:
            Database(url).engine.dispose()
        except sa.exc.SQLAlchemyError as error:
            failed.append(error)

    both = [threading.Thread(target=start) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert failed == []
    with Database(url).engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(AUDIT)) == 0


# psycopg calls a connection unclosed whose server has gone.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_while_the_server_is_away_nobody_comes_in_and_it_says_so(tmp_path: Path) -> None:
    with postgres_server.running() as url:
        admin = opened(tmp_path, Clock(), tip_admin_database=url)
        browser = signed_in(admin, ANA)
        assert browser.get("/api/session").status_code == 200
    stranger = client(admin)
    for answer in (browser.get("/api/session"), stranger.post("/api/session", json={"name": "a", "password": "b"})):
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert "postgres" not in answer.text, "where it lies is nobody's business"
    admin.close()
