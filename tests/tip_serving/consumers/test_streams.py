"""`tip streams` against a real broker: set-up, what differs, poison and its way back, files instead of a broker."""

import json
import re
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest
from click.testing import CliRunner, Result
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig, StreamConfig
from support.consumers import Site
from support.events import life, reaction
from support.terminal import Terminal, wait_until

from tip_serving.cli import main
from tip_serving.events.kinds import encode
from tip_serving.events.streams import CONSUMER, DEAD_LETTERS
from tip_serving.events.wal import WriteAhead


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site(tmp_path)
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    monkeypatch.setenv("TIP_NATS_URL", made.broker.url)
    monkeypatch.setenv("TIP_ACK_WAIT_S", str(made.ack_wait_s))
    try:
        yield made
    finally:
        made.stop()


def _tip(*arguments: str) -> Result:
    done = CliRunner().invoke(main, ["streams", *arguments])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def _put(site: Site, subject: str, body: bytes, **headers: str) -> None:
    site.ask(lambda context: context.publish(subject, body, headers=headers or None))


def _n_dead(site: Site) -> int:
    async def count(context: JetStreamContext) -> int:
        return (await context.stream_info(DEAD_LETTERS.name)).state.messages

    return site.ask(count)


def test_setting_up_twice_changes_nothing(site: Site) -> None:
    site.broker.start()
    first, second = _tip("setup"), _tip("setup")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.output.count("created") == 7
    assert second.output.count("as declared") == 7


def test_what_somebody_declared_otherwise_is_told_and_mended_only_when_asked(site: Site) -> None:
    site.broker.start()

    async def declare(context: JetStreamContext) -> None:
        await context.add_stream(StreamConfig(name="TIP_SIGNALS", subjects=["signals.*"], max_age=60))
        await context.add_consumer("TIP_SIGNALS", ConsumerConfig(durable_name=CONSUMER, max_deliver=3))

    site.ask(declare)
    told = _tip("setup")
    assert told.exit_code == 1
    assert "subjects: found ['signals.*'], declared ['signals.>']" in told.output
    assert "max_deliver: found 3, declared -1" in told.output
    assert _tip("setup").exit_code == 1, "nothing is changed unasked"
    assert _tip("setup", "--mend").output.count("mended") == 2
    assert _tip("setup").output.count("as declared") == 7


def test_poison_is_set_aside_with_the_reason_and_comes_back_mended(site: Site) -> None:
    site.set_up()
    good, unfit = reaction("d1"), reaction("d\0")
    future = msgspec.json.decode(encode(reaction("d2"))) | {"schema_version": 2}
    _put(site, "feedback.accepted", json.dumps(future).encode(), traceparent="00-ab-cd-01")
    _put(site, "feedback.accepted", encode(unfit))
    _put(site, "feedback.dismissed", encode(good))
    _put(site, "signals.app_opened", b"\xff\x00 no JSON")
    site.publish([good])
    site.start()
    wait_until(lambda: _n_dead(site) == 4 and site.count() == 1)
    listed = _tip("dead", "list").output
    assert len(listed.splitlines()) == 4
    assert re.search(r"feedback.accepted .*schema_version", listed)
    assert re.search(r"feedback.accepted .*NUL", listed)
    assert re.search(r"feedback.dismissed .*is an event of feedback.accepted", listed)
    number = next(line.split()[0] for line in listed.splitlines() if "schema_version" in line)
    shown = _tip("dead", "show", number).output
    assert "message 1 of TIP_FEEDBACK" in shown
    assert "traceparent: 00-ab-cd-01" in shown
    assert '"schema_version": 2' in shown
    mended = site.home / "mended.json"
    mended.write_bytes(_tip("dead", "show", number, "--body").stdout_bytes.replace(b'version": 2', b'version": 1'))
    assert "1 messages" in _tip("dead", "replay", number, "--body", str(mended)).output
    wait_until(lambda: site.count() == 2)
    store = site.store()
    assert store.event("d2-accepted") == reaction("d2")
    store.close()
    assert _n_dead(site) == 3


def test_a_replay_that_is_poison_still_is_set_aside_again_and_dropping_ends_it(site: Site) -> None:
    site.set_up()
    _put(site, "feedback.done", b"{}", **{"Nats-Msg-Id": "bad"})
    site.start()
    wait_until(lambda: _n_dead(site) == 1)
    assert "1 messages" in _tip("dead", "replay", "--all").output
    wait_until(lambda: "after 1 deliveries" in _tip("dead", "show", "2").output)
    assert _n_dead(site) == 1
    assert "1 dead letters" in _tip("dead", "drop", "2").output
    assert "no dead letters" in _tip("dead", "list").output
    gone = _tip("dead", "show", "2")
    assert gone.exit_code == 1
    assert "no dead letter 2" in gone.output


def test_poison_whose_consumer_dies_before_it_acknowledges_is_set_aside_once(site: Site) -> None:
    site.set_up()
    _put(site, "feedback.done", b"{}")
    site.publish([reaction("d1")])
    dying = site.start(is_dying=True)
    assert dying.wait(30) == -signal.SIGKILL
    site.start()
    site.wait_for(1)
    wait_until(lambda: _n_dead(site) == 1)
    assert "feedback.done" in _tip("dead", "list").output


def test_unclear_orders_about_dead_letters_are_refused() -> None:
    assert _tip("dead", "drop").exit_code == 2
    assert _tip("dead", "replay", "1", "--all").exit_code == 2


def test_a_store_that_is_away_costs_no_event_and_makes_no_dead_letter(site: Site) -> None:
    site.set_up()
    site.store().close()
    site.start()
    held = sqlite3.connect(site.home / "events.db", isolation_level=None)
    held.execute("ALTER TABLE days RENAME TO elsewhere")  # as if a disk had gone bad under it
    site.publish([reaction(f"d{n}") for n in range(50)])
    wait_until(lambda: "messages wait for" in site.logs())
    assert _n_dead(site) == 0
    held.execute("ALTER TABLE elsewhere RENAME TO days")
    held.close()
    site.wait_for(50)
    assert _n_dead(site) == 0


def test_status_says_what_waits_and_what_is_kept(site: Site) -> None:
    site.set_up()
    site.publish([reaction("d1"), reaction("d2")])
    told = _tip("status").output
    assert re.search(r"TIP_FEEDBACK +2 messages, .*; 2 wait, 0 under way", told)
    assert "0 dead letters" in told
    assert "event store: 0 exposures, 0 feedback, 0 signals" in told


def test_without_a_broker_one_sentence_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    away = _tip("status")
    assert away.exit_code == 1
    assert "TIP_NATS_URL" in away.output
    monkeypatch.delenv("TIP_NATS_URL")
    assert "No broker is set" in _tip("setup").output
    for answer in (away, _tip("setup")):
        assert "Traceback" not in answer.output


def test_files_and_streams_make_the_same_store(site: Site) -> None:
    events = life(500, np.random.default_rng(8))
    site.set_up()
    site.publish(events)
    site.start()
    site.wait_for(500)
    other = site.home / "other"
    log = WriteAhead(other / "wal")
    log.append([encode(event) for event in reversed(events)])
    log.close()
    done = CliRunner(env={"TIP_HOME": str(other)}).invoke(main, ["streams", "import-wal", str(other / "wal")])
    assert "500 new, 0 repeated" in done.output
    assert _dump(site.home) == _dump(other)
    assert len(_dump(other)["events"]) == 500


def _dump(home: Path) -> dict[str, list[tuple[object, ...]]]:
    with sqlite3.connect(home / "events.db") as connection:
        dumped = {
            name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall()  # noqa: S608  names of ours
            for name in ("events", "tip_scores", "conflicts")
        }
    connection.close()
    return dumped


def test_a_consumer_without_a_broker_imports_the_server_s_files(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Site, "terminal", property(lambda at: Terminal(at.home)))
    log = WriteAhead(site.home / "wal")
    log.append([encode(reaction("d1"))])
    log.close()
    consumer = site.start()
    wait_until(lambda: (site.home / "events.db").exists() and site.count() == 1)
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(20) == 0
    assert [path.parent.name for path in (site.home / "wal").rglob("*.jsonl")] == ["imported"]
