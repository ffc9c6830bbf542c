"""The routes of rewards: what the tables hold, sifted, paged, with ETags, and what is said where there is nothing."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.admin import ANA, BEN, VERA, Browser, opened, signed_in
from support.rewards import FIRST, LATER, board, living, rank, tip, write_days

from tip_serving.admin.assembly import Admin
from tip_serving.admin.service.release_rows import ReleaseRow
from tip_serving.admin.service.rewards import ComparisonRow, RateRow, SampleRatioRow
from tip_serving.lake import layout
from tip_serving.rewards import tables
from tip_serving.rewards.publishing import publish_judges, publish_rewards

CELLS = {f"embedded/first|v{n}": 0.1 + 0.12 * n for n in range(1, 7)}
WEIGHTS = {"m1": {"champion": 0.5, "challenger": 0.5}}


@pytest.fixture(scope="module")
def admin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Admin]:
    made = opened(tmp_path_factory.mktemp("home"))
    lake = made.bench.workshop.lake
    rows = living(np.random.default_rng(1), CELLS, n_users=110, n_days=15, arms=WEIGHTS["m1"])
    write_days(lake, [*rows, tip(10**6, "late", 15, is_rewarded=True)])
    rank(lake, "tip-bench-one", board("ana", {key: 1 + 4 * worth for key, worth in CELLS.items()} | {"new|v1": 3.0}))
    now = dt.datetime.combine(FIRST + dt.timedelta(days=15), dt.time(20), dt.UTC)
    publish_rewards(lake, WEIGHTS, now)
    publish_judges(lake)
    yield made
    made.close()


@pytest.fixture
def vera(admin: Admin) -> Browser:
    return signed_in(admin, VERA)


def _items(browser: Browser, **asked: Any) -> list[dict[str, Any]]:
    answer = browser.get("/api/rewards/rates", params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def test_rates_come_by_dimension_window_and_key(vera: Browser) -> None:
    whole = _items(vera)
    assert [row["key"] for row in whole] == sorted(CELLS)
    assert {row["window"] for row in whole} == {"all"}
    [one] = _items(vera, key="embedded/first|v3")
    assert (one["model"], one["prompt_version"]) == ("embedded/first", "v3")
    assert one["reward_low"] < one["reward_rate"] < one["reward_high"]
    weeks = _items(vera, window="week", key="embedded/first|v3")
    assert [row["since"] for row in weeks] == ["2026-03-02", "2026-03-09", "2026-03-16"]
    assert sum(row["n_shown"] for row in weeks) == one["n_shown"]
    assert {row["key"] for row in _items(vera, dimension="arm")} == {"champion", "challenger"}


def test_what_is_still_open_is_told_apart_and_in_no_rate(vera: Browser) -> None:
    [young] = [row for row in _items(vera, dimension="prompt", window="day") if row["since"] == "2026-03-17"]
    assert (young["n_open"], young["n_due"], young["n_accepted"]) == (1, 0, 1)
    assert (young["reward_rate"], young["certainty"]) == (None, "nothing is over yet")


def test_pages_join_to_the_whole(vera: Browser) -> None:
    asked = {"dimension": "prompt", "window": "day"}
    whole = _items(vera, **asked)
    joined: list[Any] = []
    offset: int | None = 0
    while offset is not None:
        page = vera.get("/api/rewards/rates", params={**asked, "offset": offset, "limit": 40}).json()
        assert page["n_total"] == len(whole)
        joined += page["items"]
        offset = page["next_offset"]
    assert joined == whole


def test_comparisons_come_with_their_sentence_the_surest_first(vera: Browser) -> None:
    found = vera.get("/api/rewards/comparisons", params={"dimension": "prompt"}).json()
    assert len(found) == len(CELLS) - 1
    known = [row["p_value"] for row in found if row["p_value"] is not None]
    assert known == sorted(known)
    assert "does better than" in found[0]["sentence"]
    everything = vera.get("/api/rewards/comparisons").json()
    assert {row["dimension"] for row in everything} == {"prompt", "policy", "reward_model", "arm"}


def test_each_manifest_tells_the_people_of_its_arms(vera: Browser) -> None:
    [found] = vera.get("/api/rewards/sample-ratios").json()
    assert (found["manifest_version"], found["verdict"]) == ("m1", "as planned")
    assert {arm["arm"]: arm["weight"] for arm in found["arms"]} == WEIGHTS["m1"]
    assert sum(arm["n_users"] for arm in found["arms"]) >= 110


def test_each_judge_comes_with_its_cells_and_why_some_take_no_part(vera: Browser) -> None:
    [found] = vera.get("/api/rewards/judges").json()
    assert (found["judge"], found["verdict"], found["n_cells"], found["n_left_out"]) == ("ana", "predicts people", 6, 1)
    why = {f"{cell['model']}|{cell['prompt_version']}": cell["why_not"] for cell in found["cells"]}
    assert why == {**dict.fromkeys(CELLS), "new|v1": "nobody has seen its tips"}


@pytest.mark.parametrize("route", ["rates", "comparisons", "sample-ratios", "judges"])
def test_who_has_the_answer_is_told_so_and_a_judge_gets_none(admin: Admin, vera: Browser, route: str) -> None:
    first = vera.get(f"/api/rewards/{route}")
    again = vera.get(f"/api/rewards/{route}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    refused = signed_in(admin, BEN).get(f"/api/rewards/{route}")
    assert refused.status_code == 403
    assert "embedded" not in refused.text


def test_faulty_questions_are_told_by_their_field(vera: Browser) -> None:
    answer = vera.get("/api/rewards/rates", params={"dimension": "mood", "window": "year", "limit": 0})
    assert answer.status_code == 422
    assert {fault["field"] for fault in answer.json()["faults"]} == {"query.dimension", "query.window", "query.limit"}


@pytest.mark.parametrize("kind", [RateRow, ComparisonRow, SampleRatioRow, ReleaseRow])
def test_examples_in_the_schema_are_of_its_shape(vera: Browser, kind: Any) -> None:
    schema = vera.get("/openapi.json").json()["components"]["schemas"][kind.__name__]
    [example] = schema["examples"]
    assert set(example) == set(schema["properties"]) == set(kind.model_fields)
    kind.model_validate(example)


def test_no_answer_names_a_person(vera: Browser) -> None:
    told = "".join(vera.get(f"/api/rewards/{route}").text for route in ("rates", "comparisons", "sample-ratios"))
    assert not [name for name in ('"u1"', '"u42"', '"late"') if name in told]


def test_where_nothing_was_written_lists_are_empty_and_damage_is_told_as_such(tmp_path: Path) -> None:
    made = opened(tmp_path)
    browser = signed_in(made, ANA)
    assert browser.get("/api/rewards/rates").json()["items"] == []
    for route in ("comparisons", "sample-ratios", "judges"):
        assert browser.get(f"/api/rewards/{route}").json() == []
    made.bench.workshop.lake.write(layout.rewards("prompt_rewards"), b"no table")
    answer = browser.get("/api/rewards/rates")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    publish_rewards(made.bench.workshop.lake, {}, LATER)
    assert browser.get("/api/rewards/rates").status_code == 200
    assert tables.read(made.bench.workshop.lake, "prompt_rewards").is_empty()
    made.close()
