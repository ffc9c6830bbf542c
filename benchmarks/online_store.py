"""One person's profile from each online store, beside a bare GET of redis-py as the floor, in turns within one run.

Fills SQLite, a redis-server of its own and a Feast repository (in SQLite and in that Redis) with the same people, then
asks for one person after another. Prints p50 and p99 of each in microseconds and their ratio to the floor.

    .venv/bin/python benchmarks/online_store.py [--people 10000] [--questions 2000] [--rounds 5] [--no-feast]
"""

import argparse
import asyncio
import contextlib
import datetime as dt
import io
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import redis.asyncio

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support import redis_server

from tip_assets.features import feast_repository
from tip_serving.features.contract import IN_FORCE
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.scoring.online_store import Profiles, open_store, write_profiles
from tip_serving.training.profiles import end_of, online, schema

DAY = dt.date(2026, 3, 1)
WHOLE: dict[str, Any] = {
    "completion_rate": 0.7142857142857143, "preferred_hour": 9, "tips_7d": 5, "tips_30d": 21, "acceptance_rate": 0.25,
    "dismissal_rate": 0.125, "streak_days": 4, "account_age_days": 321, "session_minutes": 7.5, "overdue_share": 0.1,
    "language": "de-AT", "time_zone": "Europe/Vienna", "quiet_hours": "22-7",
    "favourite_labels": ["home", "家事", "work"],
}  # fmt: skip

Ask = Callable[[str], Awaitable[Any]]


def snapshot(n_people: int) -> pl.DataFrame:
    """Everybody at the end of the day."""
    rows = [(f"user-{n}", end_of(DAY), *WHOLE.values(), "hash", None) for n in range(n_people)]
    return pl.DataFrame(rows, schema(), orient="row")


def asked_through_the_port(url: str) -> tuple[Profiles, Ask]:
    """As a server asks: within its budget, checked against the contract."""
    profiles = Profiles(open_store(url), 5.0)

    async def ask(user: str) -> object:
        found = await profiles.of(user, None)
        assert found.features is not None  # noqa: S101  a miss would be fast
        return found

    return profiles, ask


def asked_of_feast(folder: Path, lake: Lake, where: str) -> Ask:
    """As a program asks that has Feast in it: all features of one person, blocking its thread."""
    from tip_assets.features.feast_store import FeastProfiles

    feast_repository.write(folder, IN_FORCE, lake.locate(layout.PROFILES), where)
    repository = FeastProfiles(folder)
    with contextlib.redirect_stdout(io.StringIO()):
        repository.apply()
        repository.materialize(end_of(DAY), end_of(DAY))
    service = repository.store.get_feature_service(feast_repository.SERVICE)

    async def ask(user: str) -> object:
        return repository.store.get_online_features(service, [{feast_repository.ENTITY: user}]).to_dict()

    return ask


async def measure(contenders: dict[str, Ask], users: Sequence[str], n_rounds: int) -> dict[str, np.ndarray]:
    """Microseconds of every question, the contenders in turns."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for users_of_a_round in np.array_split(np.array(users), n_rounds):
        for name, ask in contenders.items():
            for user in map(str, users_of_a_round):
                started = time.perf_counter()
                await ask(user)
                taken[name].append((time.perf_counter() - started) * 1e6)
    return {name: np.array(times) for name, times in taken.items()}


@contextlib.contextmanager
def filled(n_people: int) -> Iterator[tuple[Path, Lake, redis_server.RedisServer]]:
    """A folder with a lake and a SQLite store, and a Redis, all with the same people."""
    with tempfile.TemporaryDirectory() as name, redis_server.running() as server:
        folder, lake = Path(name), Lake(f"{name}/lake")
        rows = snapshot(n_people)
        write_table(lake, layout.profile_features(DAY.isoformat()), rows)
        for url in (f"sqlite:///{folder}/profiles.db", server.url):
            started = time.perf_counter()
            write_profiles(url, online(rows))
            took_s = time.perf_counter() - started
            print(f"written to {url.partition(':')[0]}: {n_people / took_s:,.0f} profiles/s")
        yield folder, lake, server


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--questions", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-feast", action="store_true")
    chosen = parser.parse_args()
    users = [f"user-{n}" for n in np.random.default_rng(1).integers(0, chosen.people, chosen.questions)]
    with filled(chosen.people) as (folder, lake, server):
        bare = redis.asyncio.Redis.from_url(server.url)
        await bare.set("floor", b"x" * 600)
        in_sqlite, ask_sqlite = asked_through_the_port(f"sqlite:///{folder}/profiles.db")
        in_redis, ask_redis = asked_through_the_port(server.url)
        contenders: dict[str, Ask] = {
            "bare GET": lambda _: bare.get("floor"), "sqlite": ask_sqlite, "redis": ask_redis,
        }  # fmt: skip
        if not chosen.no_feast:
            contenders["feast, sqlite"] = asked_of_feast(folder / "one", lake, "sqlite")
            contenders["feast, redis"] = asked_of_feast(folder / "two", lake, server.url)
        await measure(contenders, users[:50], 1)
        taken = await measure(contenders, users, chosen.rounds)
        for opened in (in_sqlite, in_redis, bare):
            await opened.aclose()
    floor = np.median(taken["bare GET"])
    print(f"{len(users)} questions about {chosen.people} people, in {chosen.rounds} rounds; microseconds")
    for name, times in taken.items():
        p50, p99 = np.percentile(times, [50, 99])
        print(f"{name:<14} p50 {p50:8.0f}   p99 {p99:8.0f}   p50 against a bare GET {p50 / floor:6.2f}")


if __name__ == "__main__":
    asyncio.run(main())
