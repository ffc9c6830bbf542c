"""Experiments through the routes: listed, planned, started, stopped, retried and read, as the lake has them."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.admin import ANA, SPEC, VERA, Browser, files, filled, opened, ranked, signed_in
from support.bench import EXPERIMENT, create, fill

from tip_assets.bench import tracking
from tip_assets.bench.partitions import EXPERIMENT_TAG
from tip_serving.admin.assembly import Admin
from tip_serving.admin.service import bench as benches
from tip_serving.admin.service import mlflow, rows
from tip_serving.bench import requests, spec
from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import Lease, LeaseDesk
from tip_serving.bench.spec import Spec
from tip_serving.lake import layout


@pytest.fixture
def admin(tmp_path: Path) -> Iterator[Admin]:
    made = opened(tmp_path)
    yield made
    made.close()


@pytest.fixture
def browser(admin: Admin) -> Browser:
    return signed_in(admin, ANA)


def _names(browser: Browser, **query: Any) -> list[str]:
    return [row["experiment"] for row in browser.get("/api/bench/experiments", params=query).json()["items"]]


def test_a_run_writes_its_spec_once_and_answers_the_same_for_the_same_body(admin: Admin, browser: Browser) -> None:
    first = browser.post("/api/bench/run", json=SPEC)
    assert first.status_code == 202
    assert first.json()["spec"] == Spec.model_validate(SPEC).model_dump(mode="json")
    before = files(admin)
    assert list(before) == [layout.spec(EXPERIMENT)]
    spelled_out = json.dumps({**Spec.model_validate(SPEC).model_dump(mode="json")})
    for again in (
        browser.post("/api/bench/run", json=SPEC),
        browser.post("/api/bench/run", content=spelled_out, headers={"content-type": "application/json"}),
    ):
        assert (again.status_code, again.content) == (202, first.content)
    assert files(admin) == before
    assert [entry.action for entry in admin.audit.entries(ANA).items].count("start") == 1


def test_a_run_of_the_same_name_with_another_body_is_a_conflict_that_says_in_what(
    admin: Admin, browser: Browser
) -> None:
    browser.post("/api/bench/run", json=SPEC)
    before = files(admin)
    refused = browser.post("/api/bench/run", json={**SPEC, "n_scenarios": 7, "temperature": 0.1})
    assert refused.status_code == 409
    assert [fault["field"] for fault in refused.json()["faults"]] == ["experiment", "n_scenarios", "temperature"]
    assert files(admin) == before


def test_a_spec_with_faults_is_refused_with_all_of_them_by_field(admin: Admin, browser: Browser) -> None:
    faulty = {"experiment": "Test", "models": ["gpt"], "prompts": ["v0"], "n_tips": 0, "max_cost_usd": -1, "x": 1}
    for path in ("/api/bench/run", "/api/bench/estimate"):
        refused = browser.post(path, json=faulty)
        assert refused.status_code == 422
        told = {fault["field"] for fault in refused.json()["faults"]}
        assert told == {"experiment", "models", "prompts", "n_tips", "max_cost_usd", "x"}
    assert files(admin) == {}


def test_an_estimate_tells_calls_cost_and_time_and_writes_nothing(admin: Admin, browser: Browser) -> None:
    fill(admin.bench.workshop, create(admin.bench.workshop), Cell("embedded/first", "v1"))
    before = files(admin)
    told = browser.post("/api/bench/estimate", json={**SPEC, "experiment": "tip-bench-planned"}).json()
    assert (told["n_cells"], told["n_needed"], told["n_there"], told["n_calls"]) == (4, 24, 6, 18)
    assert (told["cost_usd"], told["is_rough"]) == (0.0, False)
    assert browser.post("/api/bench/estimate", json={**SPEC, "n_scenarios": 9}).status_code == 409
    assert files(admin) == before


def test_a_large_estimate_is_worked_out_on_a_part_and_says_so(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {**SPEC, "models": ["openai/gpt-4o-mini"], "n_scenarios": 40}
    whole = browser.post("/api/bench/estimate", json=asked).json()
    monkeypatch.setattr(benches, "MAX_ESTIMATED_CALLS", 20)
    rough = browser.post("/api/bench/estimate", json=asked).json()
    assert (whole["is_rough"], rough["is_rough"]) == (False, True)
    assert rough["n_calls"] == whole["n_calls"] == 80
    assert rough["cost_usd"] == pytest.approx(whole["cost_usd"], rel=0.3)
    assert whole["cost_usd"] > 0


def test_the_list_has_progress_and_is_found_by_text_and_phase(admin: Admin, browser: Browser) -> None:
    ranked(admin, experiment="tip-bench-done", prompts=["v1"])
    place = admin.bench.workshop
    half = create(place, experiment="tip-bench-half", models=["embedded/first"], n_scenarios=4)
    fill(place, half, Cell("embedded/first", "v1"))
    lease = LeaseDesk(place.lake, 15.0).take(Cell("embedded/first", "v2"), "tip-bench-half")
    assert isinstance(lease, Lease)
    lease.beat(n_done=3, n_needed=4, cost_usd=0.25)
    place.lake.write(layout.spec("tip-bench-bad"), b"{")
    place.lake.write(layout.spec("tip-bench-torn"), place.lake.read(layout.spec("tip-bench-half")))
    place.lake.write(layout.brought("tip-bench-broken"), b"{")
    assert set(_names(browser)) == {f"tip-bench-{name}" for name in ("done", "half", "bad", "torn", "broken")}
    for query, found in (
        ({"phase": "ranked"}, {"tip-bench-done"}),
        ({"phase": "running"}, {"tip-bench-half"}),
        ({"phase": ["refused", "damaged"]}, {"tip-bench-bad", "tip-bench-torn", "tip-bench-broken"}),
        ({"text": "PLANNER"}, {"tip-bench-done"}),
        ({"text": "half"}, {"tip-bench-half"}),
        ({"text": "v2", "phase": "ranked"}, set()),
    ):
        assert set(_names(browser, **query)) == found, query
    row = browser.get("/api/bench/experiments/tip-bench-half").json()
    assert (row["n_cells"], row["n_cells_done"], row["n_done"], row["n_needed"]) == (2, 1, 7, 8)
    assert row["cost_usd"] == pytest.approx(0.254)
    lease.release()
    assert browser.get("/api/bench/experiments/tip-bench-half").json()["phase"] == "waiting"


def test_pages_hold_every_experiment_once_newest_first(admin: Admin, browser: Browser) -> None:
    for number in range(7):
        create(admin.bench.workshop, experiment=f"tip-bench-{number}")
    seen: list[str] = []
    offset = 0
    while offset is not None:
        page = browser.get("/api/bench/experiments", params={"limit": 3, "offset": offset}).json()
        assert page["n_total"] == 7
        seen += [row["experiment"] for row in page["items"]]
        offset = page["next_offset"]
    assert seen == [f"tip-bench-{number}" for number in reversed(range(7))]
    assert browser.get("/api/bench/experiments", params={"offset": 99}).json()["items"] == []


def test_who_has_an_answer_already_gets_304_until_it_changes(admin: Admin, browser: Browser) -> None:
    ranked(admin)
    for path in (
        "/api/bench/experiments",
        f"/api/bench/runs/{EXPERIMENT}",
        f"/api/bench/leaderboard/{EXPERIMENT}?format=csv",
        f"/api/bench/scenarios/{EXPERIMENT}",
        "/api/prompts",
        "/api/models",
    ):
        tag = browser.get(path).headers["etag"]
        same = browser.get(path, headers={"If-None-Match": f'"other", W/{tag}'})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag), path
    tag = browser.get("/api/bench/experiments").headers["etag"]
    create(admin.bench.workshop, experiment="tip-bench-new")
    assert browser.get("/api/bench/experiments", headers={"If-None-Match": tag}).status_code == 200


def test_the_runs_tell_each_cell_with_its_failures(admin: Admin, browser: Browser) -> None:
    place = admin.bench.workshop
    asked = create(place)
    fill(place, asked, Cell("embedded/first", "v1"))
    fill(place, asked, Cell("embedded/first", "v2"), n_missing=2)
    cells = browser.get(f"/api/bench/runs/{EXPERIMENT}").json()["items"]
    told = [(cell["model"], cell["prompt"], cell["phase"], cell["n_done"], cell["n_failed"]) for cell in cells]
    assert told == [
        ("embedded/first", "v1", "complete", 6, 0),
        ("embedded/first", "v2", "failed", 4, 2),
        ("embedded/planner", "v1", "pending", 0, 0),
        ("embedded/planner", "v2", "pending", 0, 0),
    ]
    assert cells[1]["reason"] == "not asked"
    assert cells[0]["latency_p50_ms"] == 12.5
    failed = browser.get(f"/api/bench/runs/{EXPERIMENT}", params={"phase": "failed"}).json()
    assert (failed["n_total"], failed["items"]) == (1, [cells[1]])


def test_cancel_and_retry_write_the_requests_that_workers_honour(admin: Admin, browser: Browser) -> None:
    place = admin.bench.workshop
    asked = create(place)
    fill(place, asked, Cell("embedded/first", "v1"), n_missing=1)
    cancelled = browser.post(f"/api/bench/cancel/{EXPERIMENT}")
    standing = requests.cancellation(place.lake, EXPERIMENT)
    assert standing is not None
    assert (cancelled.status_code, cancelled.json()["request_id"], standing.by) == (202, standing.request_id, "ana")
    assert browser.post(f"/api/bench/cancel/{EXPERIMENT}").json() == cancelled.json(), "asked twice, the same request"
    retried = browser.post(f"/api/bench/retry/{EXPERIMENT}", json={"cells": ["embedded/first|v1"]})
    written = requests.retry_request(place.lake, EXPERIMENT)
    assert written is not None
    assert (retried.status_code, written.cells, written.by) == (202, ("embedded/first|v1",), "ana")
    assert requests.cancellation(place.lake, EXPERIMENT) is None
    assert Cell("embedded/first", "v1") in place.state(EXPERIMENT).pending
    told = [entry.action for entry in admin.audit.entries(ANA).items]
    assert told[:2] == ["retry", "cancel"]


def test_what_cannot_be_cancelled_or_retried_is_refused_and_says_why(admin: Admin, browser: Browser) -> None:
    place = admin.bench.workshop
    filled(admin)
    before = files(admin)
    assert browser.post("/api/bench/cancel/tip-bench-none").status_code == 404
    assert browser.post(f"/api/bench/cancel/{EXPERIMENT}").status_code == 409
    assert browser.post(f"/api/bench/retry/{EXPERIMENT}").status_code == 409
    faulty = browser.post(f"/api/bench/retry/{EXPERIMENT}", json={"cells": ["embedded/first|v1", "x|y"]})
    assert faulty.status_code == 422
    assert [fault["message"] for fault in faulty.json()["faults"]] == [
        "'embedded/first|v1' did not fail",
        f"'x|y' is no cell of {EXPERIMENT}",
    ]
    place.lake.write(layout.spec("tip-bench-bad"), b"{")
    assert browser.post("/api/bench/retry/tip-bench-bad").status_code == 409
    assert {**files(admin), layout.spec("tip-bench-bad"): b"{"} == {**before, layout.spec("tip-bench-bad"): b"{"}


def test_a_leaderboard_is_read_as_json_csv_and_markdown(admin: Admin, browser: Browser) -> None:
    filled(admin)
    where = f"/api/bench/leaderboard/{EXPERIMENT}"
    assert browser.get(where).status_code == 404
    admin.bench.workshop.judge_automatically(EXPERIMENT)
    admin.bench.workshop.import_scores(EXPERIMENT)
    admin.bench.workshop.rank(EXPERIMENT)
    boards = browser.get(where).json()
    assert [(board["judge"], len(board["rows"])) for board in boards] == [("automatic-rules", 4)]
    table = browser.get(where, params={"format": "csv"})
    assert table.headers["content-type"].startswith("text/csv")
    lines = table.text.splitlines()
    assert (len(lines), lines[0].startswith("judge,rubric_version,model,prompt")) == (5, True)
    shown = browser.get(where, params={"format": "markdown"})
    assert shown.headers["content-type"].startswith("text/markdown")
    assert shown.text.count("embedded/planner") == 2
    assert browser.get(where, params={"judge": "ana"}).json() == []


def test_tips_of_a_scenario_stand_beside_one_another_with_their_scores(admin: Admin, browser: Browser) -> None:
    ranked(admin, n_tips=2)
    scenarios = browser.get(f"/api/bench/scenarios/{EXPERIMENT}", params={"limit": 4}).json()
    assert (scenarios["n_total"], len(scenarios["items"]), scenarios["next_offset"]) == (6, 4, 4)
    chosen = scenarios["items"][2]["scenario_id"]
    told = browser.get(f"/api/bench/tips/{EXPERIMENT}/{chosen}").json()
    assert told["scenario_id"] == chosen
    assert len(told["tips"]) == 8
    assert all(tip["scores"][0]["judge"] == "automatic-rules" for tip in told["tips"])
    assert browser.get(f"/api/bench/tips/{EXPERIMENT}/none").status_code == 404


def test_prompts_and_models_are_told_with_where_they_are_used(admin: Admin, browser: Browser) -> None:
    create(admin.bench.workshop, models=["openai/gpt-4o-mini", "embedded/first"], prompts=["v1"])
    prompts = {row["version"]: row for row in browser.get("/api/prompts").json()}
    assert (prompts["v1"]["experiments"], prompts["v2"]["experiments"]) == ([EXPERIMENT], [])
    diff = browser.get("/api/prompts/diff", params={"old": "v1", "new": "v2"}).json()["lines"]
    for part in ("system", "user"):
        for version, marks in (("v1", ("same", "removed")), ("v2", ("same", "added"))):
            lines = [line["text"] for line in diff if line["part"] == part and line["mark"] in marks]
            assert lines == prompts[version][part].splitlines()
    assert browser.get("/api/prompts/diff", params={"old": "v1", "new": "v0"}).status_code == 404
    models = {row["model"]: row for row in browser.get("/api/models").json()}
    assert models["openai/gpt-4o-mini"]["input_usd_per_mtok"] == pytest.approx(0.15)
    assert (models["embedded/first"]["is_embedded"], models["embedded/first"]["experiments"]) == (True, [EXPERIMENT])
    assert "embedded/planner" in models


def test_a_lake_that_cannot_be_read_is_told_as_unavailable(admin: Admin, browser: Browser) -> None:
    create(admin.bench.workshop)
    admin.bench.workshop.lake.write(layout.brought(EXPERIMENT), b"{")
    refused = browser.get(f"/api/bench/runs/{EXPERIMENT}")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")


class _Tracking(BaseHTTPRequestHandler):
    """As much of MLflow's API as leads to a run."""

    def do_GET(self) -> None:
        self._answer({"experiment": {"experiment_id": "7"}} if self.path.endswith(EXPERIMENT) else None)

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        tag = mlflow.cell_tag("embedded/first|v1")
        is_known = asked["filter"] == f"tags.`tip.cell` = '{tag}'" and asked["experiment_ids"] == ["7"]
        self._answer({"runs": [{"info": {"run_id": "abc"}}]} if is_known else {})

    def _answer(self, content: dict[str, Any] | None) -> None:
        body = json.dumps(content or {"error_code": "RESOURCE_DOES_NOT_EXIST"}).encode()
        self.send_response(404 if content is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


def test_a_link_leads_to_the_run_in_mlflow_or_says_that_it_cannot(tmp_path: Path) -> None:
    with HTTPServer(("127.0.0.1", 0), _Tracking) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        admin = opened(tmp_path, tip_mlflow_ui=address)
        create(admin.bench.workshop)
        create(admin.bench.workshop, experiment="tip-bench-untold")
        browser = signed_in(admin, VERA)
        cell = browser.get(f"/api/bench/runs/{EXPERIMENT}").json()["items"][0]
        assert browser.get(cell["links"]["mlflow"]).headers["location"] == f"{address}/#/experiments/7/runs/abc"
        other = browser.get(f"/api/bench/runs/{EXPERIMENT}").json()["items"][1]
        assert browser.get(other["links"]["mlflow"]).status_code == 404
        assert browser.get("/api/bench/runs/tip-bench-untold/mlflow").status_code == 404
        server.shutdown()
    assert browser.get(cell["links"]["mlflow"]).status_code == 503
    admin.close()


def test_links_are_made_of_the_names_under_which_the_graph_keeps_things() -> None:
    assert tracking.CELL_TAG == mlflow.CELL_TAG
    assert rows._DAGSTER_TAG == EXPERIMENT_TAG


def test_the_written_spec_is_read_back_as_it_was_asked(admin: Admin, browser: Browser) -> None:
    browser.post("/api/bench/run", json=SPEC)
    lake, catalog = admin.bench.workshop.lake, admin.bench.workshop.catalog
    assert spec.load(lake, EXPERIMENT, catalog) == Spec.model_validate(SPEC)
