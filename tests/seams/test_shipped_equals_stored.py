"""A profile that a caller ships and the same profile in the online store make the same vectors, bit for bit."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support import redis_server
from support.in_process import exposures, served
from support.redis_server import RedisServer
from support.released import NOON, ask

from tip_serving.scoring.online_store import Profile, write_profiles

KNOWN: dict[str, Any] = {
    "completion_rate": 0.1 + 0.2, "preferred_hour": 7, "tips_7d": 3, "acceptance_rate": None, "session_minutes": 12.5,
    "language": "ja", "time_zone": "Asia/Tokyo", "favourite_labels": ["家事", "é"],
}  # fmt: skip
TIPS = ("Rest.", "家事を十分だけ。", "Call the dentist, ten minutes.")


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server.running() as running:
        yield running


def logged(home: Path, url: str, *bodies: bytes) -> tuple[list[dict[str, Any]], list[bytes | None]]:
    """The answers, and the vectors that each rests on."""

    async def main() -> list[dict[str, Any]]:
        async with served(home, tip_online_store=url, tip_online_store_budget_s=5.0) as running:
            return [(await running.client.post("/score", content=body)).json() for body in bodies]

    answers = asyncio.run(main())
    by_decision = {event.decision_id: event.vectors for event in exposures(home)}
    return answers, [by_decision[answer["decision_id"]] for answer in answers]


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_the_vectors_of_a_stored_profile_are_those_of_a_shipped_one(
    tmp_path: Path, server: RedisServer, kind: str
) -> None:
    url = server.url if kind == "redis" else f"sqlite:///{tmp_path}/profiles.db"
    write_profiles(url, [Profile("u-1", NOON, KNOWN)])
    shipped = {name: {"value": value, "computed_at": NOON.isoformat()} for name, value in KNOWN.items()}
    bodies = [ask(*TIPS), ask(*TIPS, profile_features=shipped), ask(*TIPS, profile_features={})]
    (stored, given, bare), (from_store, from_caller, from_nothing) = logged(tmp_path, url, *bodies)
    assert (stored["profile_source"], given["profile_source"]) == ("store", "request")
    assert stored["fell_back"] == given["fell_back"] != bare["fell_back"]
    assert from_store == from_caller is not None
    assert from_store != from_nothing


def test_requests_go_on_while_redis_dies_and_returns(tmp_path: Path, server: RedisServer) -> None:
    write_profiles(server.url, [Profile("u-1", NOON, KNOWN)])

    async def main() -> list[str]:
        told = []
        async with served(tmp_path, tip_online_store=server.url, tip_online_store_budget_s=1.0) as running:

            async def asked() -> str:
                response = await running.client.post("/score", content=ask(*TIPS))
                assert response.status_code == 200
                return str(response.json()["profile_source"])

            told.append(await asked())
            server.stop()
            told.append(await asked())
            server.start()
            write_profiles(server.url, [Profile("u-1", NOON, KNOWN)])
            for _ in range(100):
                told.append(await asked())
                if told[-1] == "store":
                    break
                await asyncio.sleep(0.05)
        return [told[0], told[1], told[-1]]

    assert asyncio.run(main()) == ["store", "store cannot be reached", "store"]
