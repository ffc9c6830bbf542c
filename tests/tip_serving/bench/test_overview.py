"""An overview tells of each experiment what `state` tells, and reads only what changed."""

from pathlib import Path

import numpy as np
import pytest
from support.bench import EXPERIMENT, create, fill, fill_all, workshop

from tip_serving.bench import overview as overviews
from tip_serving.bench import requests
from tip_serving.bench.identity import Cell
from tip_serving.bench.leases import Lease, LeaseDesk
from tip_serving.bench.overview import Overview
from tip_serving.bench.state import ExperimentState, recorded
from tip_serving.bench.workshop import Workshop
from tip_serving.lake import layout
from tip_serving.lake.storage import LakeError, MissingError

LAST = Cell("embedded/planner", "v2")


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    return workshop(tmp_path)


@pytest.fixture
def overview(place: Workshop) -> Overview:
    return Overview(place.lake, place.catalog, place.limits.lease_ttl_s)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the experiments whose files were read; stamps count as old at once."""
    seen: list[str] = []

    def noted(*arguments: object) -> ExperimentState:
        seen.append(str(arguments[1]))
        return recorded(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(overviews, "recorded", noted)
    monkeypatch.setattr(overviews, "SETTLES_S", -1.0)
    return seen


def _told(overview: Overview) -> dict[str, ExperimentState | None]:
    return {standing.experiment: standing.state for standing in overview.standings()}


def _assert_same_as_state(place: Workshop, overview: Overview) -> None:
    told = _told(overview)
    assert told == {name: place.state(name) for name in told}
    for name, state in told.items():
        assert overview.state(name) == state


def test_what_did_not_change_is_not_read_again(place: Workshop, overview: Overview, reads: list[str]) -> None:
    for number in range(3):
        create(place, experiment=f"tip-bench-{number}")
    _assert_same_as_state(place, overview)
    assert sorted(set(reads)) == ["tip-bench-0", "tip-bench-1", "tip-bench-2"]
    reads.clear()
    before = overview.standings()
    assert all(now is then for now, then in zip(overview.standings(), before, strict=True))
    assert reads == []
    requests.cancel(place.lake, "tip-bench-1", "ana")
    _assert_same_as_state(place, overview)
    assert reads == ["tip-bench-1"]


def test_every_kind_of_change_is_seen_at_the_next_look(place: Workshop, overview: Overview, reads: list[str]) -> None:
    asked = create(place)
    directory = place.lake.directory
    assert directory is not None
    lease: list[Lease] = []

    def take() -> None:
        taken = LeaseDesk(place.lake, 15.0).take(LAST, EXPERIMENT)
        assert isinstance(taken, Lease)
        lease.append(taken)

    def asked_again() -> str:
        request = requests.retry_request(place.lake, EXPERIMENT)
        assert request is not None
        return request.request_id

    changes = (
        lambda: fill(place, asked, Cell("embedded/first", "v1")),
        take,
        lambda: lease[0].beat(n_done=1, n_needed=6, cost_usd=0.5),
        lambda: lease[0].release(),  # noqa: PLW0108  there is no lease yet
        lambda: requests.cancel(place.lake, EXPERIMENT, "ana"),
        lambda: requests.retry(place.lake, EXPERIMENT, "ana"),
        lambda: fill(place, asked, LAST, n_missing=1, retry_honoured=asked_again()),
        lambda: (directory / layout.retry_request(EXPERIMENT)).write_text('{"by": "somebody who writes in place"}'),
        lambda: fill_all(place, asked),
        lambda: place.rank(EXPERIMENT),
        lambda: (directory / layout.ranked_mark(EXPERIMENT)).write_text("written in place"),
        lambda: place.lake.write(layout.inbox_file(EXPERIMENT, "a.jsonl"), b"{}"),
        lambda: place.lake.write(layout.inbox_file(EXPERIMENT, "b.jsonl"), b"{}"),
        lambda: place.import_scores(EXPERIMENT),
        lambda: place.lake.write(layout.imported_file(EXPERIMENT, "b.jsonl"), b"{}"),
        lambda: place.lake.write(layout.spec(EXPERIMENT), b"{"),
    )
    seen = [overview.state(EXPERIMENT)]
    for number, change in enumerate(changes):
        change()
        _assert_same_as_state(place, overview)
        seen.append(overview.state(EXPERIMENT))
        assert seen[-1] != seen[-2], number


def test_any_order_of_changes_leaves_the_overview_right(place: Workshop, overview: Overview, reads: list[str]) -> None:
    rng = np.random.default_rng(3)
    names = ["tip-bench-a", "tip-bench-b"]
    specs = {name: create(place, experiment=name, n_scenarios=2) for name in names}
    for _ in range(40):
        name = str(rng.choice(names))
        cell = Cell(str(rng.choice(["embedded/first", "embedded/planner"])), str(rng.choice(["v1", "v2"])))
        what = rng.integers(5)
        if what == 0:
            requests.cancel(place.lake, name, "ana")
        elif what == 1:
            requests.retry(place.lake, name, "ana", [cell])
        elif what == 2:
            place.rank(name) if place.results(name) else None
        else:
            fill(place, specs[name], cell, n_missing=int(rng.integers(2)))
        _assert_same_as_state(place, overview)


def test_a_change_within_the_coarseness_of_the_clock_is_not_missed(place: Workshop, overview: Overview) -> None:
    asked = create(place)
    for model in asked.models:
        for prompt in asked.prompts:
            overview.standings()
            fill(place, asked, Cell(model, prompt))
            assert overview.state(EXPERIMENT) == place.state(EXPERIMENT)


def test_damage_in_one_experiment_stays_there(place: Workshop, overview: Overview) -> None:
    create(place)
    place.lake.write(layout.brought("tip-bench-broken"), b"{")
    place.lake.write(layout.scenarios("tip-bench-empty"), b"")
    told = {standing.experiment: standing for standing in overview.standings()}
    assert set(told) == {EXPERIMENT, "tip-bench-broken"}
    assert told["tip-bench-broken"].state is None
    assert told["tip-bench-broken"].damage
    with pytest.raises(LakeError, match="damaged"):
        overview.state("tip-bench-broken")
    for name in ("tip-bench-empty", "tip-bench-none", "../..", "x" * 300):
        with pytest.raises(MissingError):
            overview.state(name)


def test_an_experiment_that_is_removed_is_gone(place: Workshop, overview: Overview, reads: list[str]) -> None:
    create(place)
    assert set(_told(overview)) == {EXPERIMENT}
    for entry in place.lake.find(layout.experiment(EXPERIMENT)):
        place.lake.delete(entry.path)
    assert _told(overview) == {}
