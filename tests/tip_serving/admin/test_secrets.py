"""What the admin process keeps to itself: hashes alone, and a secret that is one, whole and private."""

import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from itsdangerous import Signer
from support.admin import ANA, PASSWORD, client, opened

from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.database import TOKENS, USERS
from tip_serving.admin.auth.secret import Secret, SecretError
from tip_serving.admin.service.users import Role

OPEN = "/api/bench/experiments"


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    made = opened(tmp_path)
    yield made
    made.close()


@pytest.fixture
def with_password(admin: Admin) -> Admin:
    admin.people.add(ANA, "pia", Role.VIEWER, PASSWORD)
    return admin


def test_a_cookie_that_was_changed_or_made_up_is_nobodys(admin: Admin) -> None:
    cookie = admin.doorman.let_in(ANA, "tests").cookie
    session_id, _, signature = cookie.partition(".")
    by_another_secret = Signer(Secret(b"0" * 32).key("session"), digest_method=sha256).sign(session_id).decode()
    made_up = [f"{session_id}.{signature[::-1]}", by_another_secret, session_id, "", "\xe9", "a.b.c"]
    for shown in made_up:
        browser = client(admin)
        cookies = [(b"cookie", f"{admin.doorman.cookie_name}={shown}".encode("latin-1"))]
        assert browser.get("/api/session", headers=cookies).status_code == 401, shown
    browser = client(admin)
    assert browser.get("/api/session", headers={"Cookie": f"{admin.doorman.cookie_name}={cookie}"}).status_code == 200


def test_secrets_are_kept_as_hashes_alone(with_password: Admin) -> None:
    token = with_password.people.make_token(ANA, "test", None).token
    cookie = with_password.doorman.let_in(ANA, "tests").cookie
    secret = with_password.people.make_webhook(ANA, "agent").secret
    folder = with_password.settings.admin_directory
    kept = b"".join(path.read_bytes() for path in folder.iterdir())
    assert b"pia" in kept
    for shown in (token, token.removeprefix("tipa_"), cookie.partition(".")[0], secret.removeprefix("tipw_"), PASSWORD):
        assert shown.encode() not in kept
    with with_password.database.engine.connect() as connection:
        assert connection.scalar(sa.select(USERS.c.password_hash).where(USERS.c.name == "pia")).startswith("$argon2id$")
        assert len(connection.scalar(sa.select(TOKENS.c.token_hash))) == 64


def test_processes_that_start_at_once_have_one_secret(tmp_path: Path) -> None:
    for number in range(20):
        folder, barrier = tmp_path / str(number), threading.Barrier(4)
        found: list[bytes] = []

        def start(folder: Path = folder, barrier: threading.Barrier = barrier, found: list[bytes] = found) -> None:
            barrier.wait()
            found.append(Secret.under(folder).key("session"))

        starting = [threading.Thread(target=start) for _ in range(4)]
        for one in starting:
            one.start()
        for one in starting:
            one.join()
        assert (len(found), len(set(found))) == (4, 1)
        assert [file.name for file in folder.iterdir()] == ["secret"]


def test_a_secret_that_others_can_read_or_that_is_none_is_refused(tmp_path: Path) -> None:
    first = Secret.under(tmp_path)
    assert Secret.under(tmp_path).key("session") == first.key("session") != first.key("csrf")
    file = tmp_path / "secret"
    file.chmod(0o644)
    with pytest.raises(SecretError, match="chmod"):
        Secret.under(tmp_path)
    file.chmod(0o600)
    file.write_text("secret")
    with pytest.raises(SecretError, match="hex digits"):
        Secret.under(tmp_path)
