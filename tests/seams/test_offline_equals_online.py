"""What a model is trained on is what it is served on: the table from stored requests equals what the server logged."""

import asyncio
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from support.situations import MONDAY_NOON

from tip_serving.api.app import create_app
from tip_serving.api.routes import Routes
from tip_serving.events import vectors as packed
from tip_serving.events.event import Event
from tip_serving.events.exposure import Exposure
from tip_serving.features.contract import contract_hash
from tip_serving.features.vector import names
from tip_serving.prompts import registry
from tip_serving.prompts.rendering import render
from tip_serving.scenarios.generator import generate
from tip_serving.scenarios.model import Situation
from tip_serving.scoring.request import ScoreRequest, read
from tip_serving.scoring.scorer import moment
from tip_serving.settings import Settings
from tip_serving.training.feature_table import StoredRequest, feature_schema, feature_table

N_REQUESTS = 36


def requests() -> list[dict[str, Any]]:
    """Bodies of /score: varied people, candidates that name tasks, some with ages, stale values and shipped context."""
    made = []
    for place, scenario in enumerate(generate(N_REQUESTS, seed=21)):
        about = scenario.situation.model_dump(mode="json")
        profile = about["profile_features"]
        if profile and place % 3 == 0:
            age = dt.timedelta(hours=place)
            moment = (scenario.situation.now - age).isoformat()
            profile = {name: {"value": value, "computed_at": moment} for name, value in profile.items()}
        tips = [
            f"When it is quiet, {task['content'][:80]}: {n + 5} minutes!" for n, task in enumerate(about["tasks"][:6])
        ]
        made.append({
            "user": f"user-{place}",
            "now": about["now"],
            "tasks": about["tasks"],
            "profile_features": profile or {},
            "context": {"n_tasks": 7, "next_deadline_hours": 0.1 + 0.2} if place % 5 == 0 else None,
            "candidates": [*tips, "Rest.", "今日は10分だけ。"],
            "decision_id": f"decision-{place}",
        })  # fmt: skip
    return made


def stored(body: bytes, exposure: Exposure) -> StoredRequest:
    """A request as it comes back from storage, as bytes."""
    kept = json.loads(body)
    situation = Situation.model_validate({name: kept[name] for name in ("now", "tasks", "profile_features")})
    tips = dict(zip(exposure.tip_ids, kept["candidates"], strict=True))
    return StoredRequest(kept["decision_id"], situation, tips, kept["context"])


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[bytes], list[Exposure]]:
    """The bodies that a server was sent, and the exposures that it logged for them."""
    bodies = [json.dumps(body).encode() for body in requests()]
    return bodies, asyncio.run(served(tmp_path_factory.mktemp("home"), bodies))


async def served(home: Path, bodies: list[bytes]) -> list[Exposure]:
    heard: list[Event] = []
    app = create_app(Settings(tip_home=home), Routes.SCORE, heard.append)
    transport = httpx.ASGITransport(app)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://tip") as http:
        for body in bodies:
            answer = await http.post("/score", content=body)
            assert answer.status_code == 200, answer.text
    return [event for event in heard if isinstance(event, Exposure)]


def table_of(replayed: tuple[list[bytes], list[Exposure]]) -> pl.DataFrame:
    bodies, exposures = replayed
    return feature_table(stored(body, exposure) for body, exposure in zip(bodies, exposures, strict=True))


def rows_of(table: pl.DataFrame, decision_id: str) -> NDArray[np.float64]:
    return np.ascontiguousarray(table.filter(pl.col("decision_id") == decision_id).select(names()).to_numpy())


def assert_equal_bits(table: pl.DataFrame, exposures: list[Exposure]) -> None:
    for exposure in exposures:
        offline = rows_of(table, exposure.decision_id)
        assert exposure.vectors is not None
        assert offline.tobytes() == packed.unpack(exposure.vectors).tobytes(), exposure.decision_id
        assert packed.digest(packed.pack(offline)) == exposure.vector_hash


def test_the_table_equals_what_the_server_used_bit_for_bit(replayed: tuple[list[bytes], list[Exposure]]) -> None:
    _, exposures = replayed
    table = table_of(replayed)
    assert_equal_bits(table, exposures)
    assert table["contract_hash"].unique().to_list() == [contract_hash()] == list({e.contract_hash for e in exposures})
    assert table.height == sum(len(exposure.tip_ids) for exposure in exposures) > 4 * N_REQUESTS
    assert {reason for exposure in exposures for reason in exposure.fell_back.values()} >= {"missing", "stale"}
    assert table.select(names()).to_numpy().std(axis=0, where=~np.isnan(table.select(names()).to_numpy())).sum() > 0


def test_parquet_keeps_every_bit(replayed: tuple[list[bytes], list[Exposure]]) -> None:
    file = io.BytesIO()
    table_of(replayed).write_parquet(file)
    file.seek(0)
    back = pl.read_parquet(file)
    assert back.schema == pl.Schema(feature_schema())
    assert_equal_bits(back, replayed[1])
    assert sum(back.select(names()).null_count().row(0)) == 0


def test_the_smallest_difference_in_a_stored_request_shows(replayed: tuple[list[bytes], list[Exposure]]) -> None:
    bodies, exposures = replayed
    body = json.loads(bodies[1])
    body["profile_features"]["completion_rate"] = np.nextafter(body["profile_features"].get("completion_rate", 0.5), 1)
    table = feature_table([stored(json.dumps(body).encode(), exposures[1])])
    with pytest.raises(AssertionError):
        assert_equal_bits(table, exposures[1:2])


@pytest.mark.parametrize("version", registry.versions())
def test_the_messages_of_a_stored_request_are_the_same_bytes(
    replayed: tuple[list[bytes], list[Exposure]], version: str
) -> None:
    prompt = registry.get(version)
    for body, exposure in zip(*replayed, strict=True):
        asking = read(ScoreRequest, body)
        served_from = moment(asking, asking.profile_features, MONDAY_NOON).situation
        assert render(prompt, stored(body, exposure).situation) == render(prompt, served_from)
