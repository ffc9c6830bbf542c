"""`tip admin` from a terminal, and the process itself: first start, sign-in, goodbye."""

import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from support.admin import PASSWORD

from tip_serving import settings as environment
from tip_serving.admin.assembly import Admin
from tip_serving.admin.auth.webhooks import signature
from tip_serving.admin.service.users import Role, User
from tip_serving.cli import main
from tip_serving.settings import Settings


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    return tmp_path


def _run(*arguments: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, ["admin", *arguments], input=typed)


def test_accounts_are_made_listed_changed_and_removed(home: Path) -> None:
    assert "No account yet" in _run("list-users").output
    assert _run("add-user", "ana", "--role", "admin", typed=f"{PASSWORD}\n{PASSWORD}\n").exit_code == 0
    assert _run("add-user", "ben", "--role", "viewer", "--password-stdin", typed=PASSWORD + "\n").exit_code == 0
    assert _run("set-role", "ben", "--role", "judge").exit_code == 0
    listed = _run("list-users").output
    assert re.search(r"ana .*admin .*password", listed)
    assert re.search(r"ben .*judge .*password", listed)
    assert PASSWORD not in listed
    assert _run("set-password", "ben", "--password-stdin", typed="another horse and staples\n").exit_code == 0
    admin = Admin.open(Settings(tip_home=home))
    assert admin.accounts.check("ben", "another horse and staples") == User("ben", Role.JUDGE)
    admin.close()
    assert _run("remove-user", "ben").exit_code == 0
    assert "ben" not in _run("list-users").output


def test_faults_are_named_and_nothing_is_made(home: Path) -> None:
    refused = _run("add-user", "Ana", "--role", "admin", "--password-stdin", typed="short\n")
    assert refused.exit_code == 1
    assert "name: must be" in refused.output
    assert "password: must have" in refused.output
    assert _run("add-user", "ana", "--role", "king").exit_code == 2
    for command in (("remove-user", "nobody"), ("token", "nobody")):
        assert "no account 'nobody'" in _run(*command).output
    assert "No account yet" in _run("list-users").output


def test_tokens_and_keys_are_shown_once_and_work(home: Path) -> None:
    _run("add-user", "vera", "--role", "viewer", "--password-stdin", typed=PASSWORD + "\n")
    token = _run("token", "vera", "--label", "report", "--days", "30").output.strip()
    shown = dict(line.split() for line in _run("webhook", "agent").output.splitlines())
    admin = Admin.open(Settings(tip_home=home))
    assert admin.doorman.by_token(token) == User("vera", Role.VIEWER)
    now = str(time.time())
    headers = {"Tip-Key": shown["key"], "Tip-Timestamp": now}
    headers["Tip-Signature"] = signature(shown["secret"], now, "GET", "/x", b"")
    assert admin.webhooks.recognise(headers, "GET", "/x", b"") == User("agent", Role.JUDGE)
    admin.close()


def test_a_secret_that_others_can_read_is_told_in_a_sentence(home: Path) -> None:
    _run("list-users")
    (home / "admin" / "secret").chmod(0o644)
    assert "chmod 600" in _run("list-users").output


@pytest.mark.slow
def test_the_process_starts_without_any_password_and_prints_a_link_that_works(home: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "tip_serving.admin", "--port", str(port)]
    variables = environment.child_environment(TIP_HOME=str(home))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables)
    try:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(2)]
        link = said[1].rpartition(" ")[2].strip()
        assert link == (home / "admin" / "setup-link").read_text().strip()
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, timeout=30) as browser:
            end = time.monotonic() + 60
            while time.monotonic() < end:
                try:
                    assert browser.get("/healthz").json() == {"status": "ok"}
                    break
                except httpx.ConnectError:
                    time.sleep(0.2)
            assert browser.get("/api/bench/experiments").status_code == 401
            made = browser.post(link, data={"name": "root", "password": PASSWORD})
            assert (made.status_code, made.headers["location"]) == (303, "/")
            assert browser.get("/api/session").json()["role"] == "admin"
            assert browser.get("/api/bench/experiments").json()["items"] == []
    finally:
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode in {0, -signal.SIGINT}
    assert "Traceback" not in errors
    again = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=variables)
    try:
        assert again.stdout is not None
        again.stdout.readline()
        time.sleep(3)
    finally:
        again.send_signal(signal.SIGINT)
        rest, _ = again.communicate(timeout=30)
    assert "setup" not in rest, "there is an account: no link"
