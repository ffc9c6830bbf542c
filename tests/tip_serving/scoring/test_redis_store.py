"""A Redis that dies, hangs, loads, is full, wants a password or holds strange things, and comes back."""

import asyncio
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from support import redis_server
from support.profiles import AT, ask
from support.redis_server import RedisServer

from tip_serving.scoring.online_store import Profile, Profiles, ProfileSource, open_store, write_profiles
from tip_serving.scoring.online_store.opening import open_writer
from tip_serving.scoring.online_store.port import StoreDownError
from tip_serving.scoring.online_store.profile import KEPT_S, Entry, as_text

ANN = [Profile("ann", AT, {"tips_7d": 3, "favourite_labels": ["家事"]})]


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server.running() as running:
        yield running


async def _until(profiles: Profiles, wanted: ProfileSource, within_s: float = 10.0) -> list[ProfileSource]:
    """What was answered until `wanted` was."""
    seen = []
    started = time.monotonic()
    while not seen or seen[-1] is not wanted:
        assert time.monotonic() - started < within_s, seen[-5:]
        seen.append((await profiles.of("ann", None)).source)
        await asyncio.sleep(0.02)
    return seen


def test_a_server_outlives_the_death_and_the_return_of_its_redis(server: RedisServer) -> None:
    async def main() -> None:
        profiles = Profiles(open_store(server.url), 0.25)
        write_profiles(server.url, ANN)
        assert (await profiles.of("ann", None)).source is ProfileSource.STORE
        server.stop()
        found = [(await profiles.of("ann", None)).source for _ in range(50)]
        assert set(found) == {ProfileSource.DOWN}
        server.start()
        back = await _until(profiles, ProfileSource.UNKNOWN_USER)
        assert set(back) == {ProfileSource.DOWN, ProfileSource.UNKNOWN_USER}
        write_profiles(server.url, ANN)
        assert (await profiles.of("ann", None)).source is ProfileSource.STORE
        await profiles.aclose()

    asyncio.run(main())


def test_a_redis_that_died_and_returned_unseen_is_asked_at_once(server: RedisServer) -> None:
    async def main() -> ProfileSource:
        profiles = Profiles(open_store(server.url), 5.0)
        await asyncio.gather(*(profiles.of(f"u{n}", None) for n in range(20)))  # connections that are dead afterwards
        server.stop()
        server.start()
        write_profiles(server.url, ANN)
        found = await profiles.of("ann", None)
        await profiles.aclose()
        return found.source

    assert asyncio.run(main()) is ProfileSource.STORE


def test_a_redis_that_hangs_costs_few_requests_their_budget(server: RedisServer) -> None:
    async def main() -> list[ProfileSource]:
        write_profiles(server.url, ANN)
        profiles = Profiles(open_store(server.url), 0.02)
        await _until(profiles, ProfileSource.STORE)
        server.send(signal.SIGSTOP)
        assert (await profiles.of("ann", None)).source is ProfileSource.LATE
        await _until(profiles, ProfileSource.DOWN)  # given up on
        told = []
        for _ in range(150):  # 1.5 s and more, in which it is tried again by one question at a time
            told.append((await profiles.of("ann", None)).source)
            await asyncio.sleep(0.01)
        server.send(signal.SIGCONT)
        await _until(profiles, ProfileSource.STORE)
        await profiles.aclose()
        return told

    told = asyncio.run(main())
    assert set(told) == {ProfileSource.DOWN, ProfileSource.LATE}
    assert told.count(ProfileSource.LATE) <= 6


def test_nobody_there_is_told_at_once() -> None:
    port = redis_server.free_port()
    assert ask(f"redis://127.0.0.1:{port}", "ann") == (None, ProfileSource.DOWN)


def test_what_others_left_under_a_key_is_unusable_and_harms_no_other_answer(server: RedisServer) -> None:
    write_profiles(server.url, ANN)
    moment = "2026-03-02T00:00:00.000000+00:00"
    strange = {
        "text": b"x",
        "bytes": b"\x81\xa1x\xa2\xff\xfe",
        "list": msgspec.msgpack.encode([moment]),
        "json": msgspec.msgpack.encode({"tips_7d": f"{moment} {{"}),
        "bare": msgspec.msgpack.encode({"tips_7d": "3"}),
    }
    with server.client() as client:
        client.hset("tip:profile:hash", "tips_7d", f"{moment} 3")
        for user, stored in strange.items():
            client.set(f"tip:profile:{user}", stored)

    async def main() -> dict[str, ProfileSource]:
        profiles = Profiles(open_store(server.url), 5.0)
        found = {}
        for user in ("hash", *strange):
            found[user] = (await profiles.of(user, None)).source
            after = await profiles.of("ann", None)
            assert after.features is not None
            assert after.features["favourite_labels"]["value"] == ["家事"]
        await profiles.aclose()
        return found

    assert set(asyncio.run(main()).values()) == {ProfileSource.UNUSABLE}
    write_profiles(server.url, [Profile("text", AT, {"tips_7d": 3})])
    assert ask(server.url, "text").source is ProfileSource.STORE


def test_a_redis_that_takes_no_further_client_cannot_be_reached(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("maxclients", 1)
        assert ask(server.url, "ann") == (None, ProfileSource.DOWN)


def test_a_redis_that_runs_a_script_for_ever_is_busy(server: RedisServer) -> None:
    with server.client() as client:
        client.config_set("busy-reply-threshold", 1)
        holder = client.connection_pool.get_connection()
        holder.send_command("EVAL", "while true do end", 0)
        time.sleep(0.1)
        assert ask(server.url, "ann") == (None, ProfileSource.BUSY)
        client.script_kill()
        holder.disconnect()
    deadline = time.monotonic() + 5
    while (found := ask(server.url, "ann").source) is ProfileSource.BUSY and time.monotonic() < deadline:
        time.sleep(0.05)  # the script ends when Redis gets to it
    assert found is ProfileSource.UNKNOWN_USER


def test_a_wrong_password_is_a_failure_and_the_right_one_opens() -> None:
    with redis_server.running("--requirepass", "hush") as server:
        assert ask(server.url, "ann") == (None, ProfileSource.FAILED)
        opened = server.url.replace("//", "//:hush@")
        write_profiles(opened, ANN)
        assert ask(opened, "ann").source is ProfileSource.STORE


def test_a_hundred_at_once_are_answered_or_told_that_it_is_busy(server: RedisServer) -> None:
    write_profiles(server.url, [Profile(f"u{n}", AT, {"tips_7d": n}) for n in range(100)])

    async def main() -> None:
        profiles = Profiles(open_store(server.url), 5.0)
        for _ in range(3):
            found = await asyncio.gather(*(profiles.of(f"u{n}", None) for n in range(100)))
            for n, answer in enumerate(found):
                if answer.features is not None:
                    assert answer.features["tips_7d"]["value"] == n
            assert [answer.source for answer in found].count(ProfileSource.STORE) == 64
            assert [answer.source for answer in found].count(ProfileSource.BUSY) == 36
        await profiles.aclose()

    asyncio.run(main())


def test_a_profile_that_nobody_writes_any_more_goes_by_itself(server: RedisServer) -> None:
    write_profiles(server.url, ANN)
    with server.client() as client:
        assert KEPT_S - 60 < client.ttl("tip:profile:ann") <= KEPT_S


def test_a_writer_outlives_a_restart_and_says_when_nobody_is_there(server: RedisServer) -> None:
    with closing(open_writer(server.url)) as writer:
        entry = Entry("tips_7d", as_text(AT), "3")
        assert writer.put([("ann", [entry])]) == 1
        server.stop()
        server.start()
        assert writer.put([("ann", [entry])]) == 1
        server.stop()
        with pytest.raises(StoreDownError, match="refused"):
            writer.put([("ann", [entry])])
        with pytest.raises(StoreDownError, match="refused"):
            writer.erase("ann")


def test_a_redis_behind_tls_is_asked_and_written_and_a_strange_certificate_is_not_trusted(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]  # fmt: skip
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, which makes the certificate")
    subprocess.run(made, check=True, capture_output=True)
    port = redis_server.free_port()
    options = ("--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key),
               "--tls-ca-cert-file", str(certificate), "--tls-auth-clients", "no")  # fmt: skip
    with redis_server.running(*options):
        url = f"rediss://127.0.0.1:{port}/0"
        trusting = f"{url}?ssl_ca_certs={certificate}"
        write_profiles(trusting, ANN)
        assert ask(trusting, "ann").source is ProfileSource.STORE
        assert ask(url, "ann") == (None, ProfileSource.DOWN)
