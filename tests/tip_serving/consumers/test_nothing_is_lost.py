"""Every event is in the store once, whoever is killed: consumers, the broker, a process before it acknowledges."""

import datetime as dt
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.consumers import Site
from support.events import START, life, reaction
from support.terminal import wait_until

from tip_serving.events.kinds import AnyEvent, Kind
from tip_serving.events.store import EventStore


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    try:
        yield made
    finally:
        made.stop()


def _held(store: EventStore) -> list[AnyEvent]:
    days = [START.date() + dt.timedelta(days=n) for n in range(5)]
    return sorted((e for kind in Kind for day in days for e in store.events(kind, day)), key=lambda e: e.event_id)


def _storm(site: Site, n_events: int, n_kills: int, seed: int, within_s: float) -> None:
    """Publish shuffled events with repetitions while consumers and the broker are killed, and look at the store."""
    rng = np.random.default_rng(seed)
    events = life(n_events, rng)
    shuffled = [events[n] for n in rng.permutation(n_events)]
    repeated = [events[n] for n in rng.choice(n_events, n_events // 20, replace=False)]
    site.set_up()
    halves = shuffled[: n_events // 2], shuffled[n_events // 2 :] + repeated
    publishers = [threading.Thread(target=site.publish, args=(half,), kwargs={"with_ids": False}) for half in halves]
    site.start(is_dying=True)
    running = [site.start(), site.start()]
    publishers[0].start()
    for kill in range(n_kills):
        before = site.count()
        wait_until(lambda least=before + n_events // 40: site.count() >= min(least, n_events // 2 - 1), within_s)
        victim = running.pop(0)
        assert victim.poll() is None, "a consumer ended by itself:\n" + site.logs()
        victim.send_signal(signal.SIGKILL)
        running.append(site.start(is_dying=kill % 2 == 1))
        if kill % 2 == 1:
            wait_until(lambda: site.consumers[-1].poll() is not None or site.count() >= n_events // 2, within_s)
            running[-1] = site.start()
        if kill == n_kills // 2:
            site.broker.stop()
            publishers[1].start()
            time.sleep(1)
            site.broker.start()
    for publisher in publishers:
        publisher.join(within_s)
        assert not publisher.is_alive()
    site.wait_for(n_events, within_s)
    store = site.store()
    held, n_conflicts = _held(store), store.n_conflicts()
    store.close()
    assert held == sorted(events, key=lambda event: event.event_id)
    assert n_conflicts == 0
    for process in running:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(30) for process in running] == [0, 0]
    assert "Traceback" not in site.logs()


def test_each_event_is_in_the_store_once_whoever_is_killed(site: Site) -> None:
    _storm(site, n_events=4_000, n_kills=2, seed=1, within_s=60)


@pytest.mark.slow
def test_each_of_100_000_events_is_in_the_store_once_after_five_kills_and_a_broker_gone(site: Site) -> None:
    _storm(site, n_events=100_000, n_kills=5, seed=2, within_s=170)


def test_a_consumer_killed_between_commit_and_acknowledgement_leaves_its_batch_to_the_next(site: Site) -> None:
    site.set_up()
    events = [reaction(f"d{n}") for n in range(300)]
    site.publish(events)
    dying = site.start(is_dying=True)
    assert dying.wait(30) == -signal.SIGKILL
    assert site.count() > 0, "it died before the commit"
    site.start()
    site.wait_for(300)
    store = site.store()
    held = _held(store)
    store.close()
    assert held == sorted(events, key=lambda event: event.event_id)


def test_a_stop_in_the_midst_leaves_the_rest_to_others_at_once_and_repeats_nothing(tmp_path: Path) -> None:
    site = Site(tmp_path, ack_wait_s=60.0)
    try:
        site.set_up()
        site.publish(life(6_000, np.random.default_rng(5)))
        first = site.start()
        wait_until(lambda: site.count() > 0, timeout=30)
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0
        n_kept = site.count()
        second = site.start()
        site.wait_for(6_000, timeout=20)
        second.send_signal(signal.SIGTERM)
        assert second.wait(30) == 0
        assert f"{6_000 - n_kept} events kept, 0 repeated" in site.logs()
    finally:
        site.stop()
