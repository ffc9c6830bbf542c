"""Days of events in the lake: what the store holds, exactly, and written again only when they change."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.events import START, life, reaction, signals
from support.exposures import exposure

from tip_serving.events import export
from tip_serving.events.exposure import Authorship, Exposure, ShadowResult
from tip_serving.events.kinds import Kind
from tip_serving.events.store import TIP_SCORES, EventStore, open_store
from tip_serving.events.vectors import PackedVectors
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import read_table, write_table
from tip_serving.settings import Settings

DAY = START.date()


@pytest.fixture
def store(tmp_path: Path) -> EventStore:
    return open_store(Settings(tip_event_store=f"sqlite:///{tmp_path}/events.db"))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


def test_every_event_is_in_the_file_of_its_day_and_kind(store: EventStore, lake: Lake) -> None:
    events = life(900, np.random.default_rng(1))
    store.keep(events)
    done = list(export.export(store, lake))
    assert sum(one.n_rows for one in done if one.kind != TIP_SCORES) == 900
    found = {
        (kind, row["event_id"], row["at"])
        for kind in Kind
        for path in lake.find(f"{layout.EVENTS}/{kind}")
        for row in export.read_day(lake, kind, dt.date.fromisoformat(path.path[-18:-8])).to_dicts()
    }
    assert {(event_id, at) for _, event_id, at in found} == {(event.event_id, event.at) for event in events}
    for one in done:
        frame = export.read_day(lake, one.kind, one.day)
        assert dict(frame.schema) == export.SCHEMAS[one.kind]
        assert frame["at"].dt.date().unique().to_list() == [one.day]


def test_an_exposure_comes_back_bit_for_bit(store: EventStore, lake: Lake) -> None:
    shadow = ShadowResult(arm="next", scores=(0.1, 0.2), propensities=(0.3, 0.7), latency_ms=1.5)
    given = exposure(at=START, shadow=(shadow,), propensities=(0.1 + 0.2, 0.7), fell_back={"a": "null", "b": "stale"})
    store.keep([given])
    list(export.export(store, lake))
    (row,) = export.read_day(lake, Kind.EXPOSURE, DAY).to_dicts()
    assert row["propensities"] == list(given.propensities)
    assert row["shadow"][0]["propensities"] == [0.3, 0.7]
    assert row["fell_back"] == [{"feature": "a", "reason": "null"}, {"feature": "b", "reason": "stale"}]
    packed = PackedVectors(**{**row["vectors"], "varying": tuple(row["vectors"]["varying"])})
    assert packed == given.vectors


def test_a_signal_keeps_the_person_s_offset_and_the_day_is_utc(store: EventStore, lake: Lake) -> None:
    late = dt.datetime(2026, 3, 2, 1, 30, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    store.keep(signals("u", late, "s"))
    list(export.export(store, lake))
    frame = export.read_day(lake, Kind.SIGNAL, dt.date(2026, 3, 1))
    assert frame["utc_offset_min"].to_list() == [120, 120, 120]
    assert frame["type"].to_list() == ["task_added", "task_completed", "app_opened"]
    assert frame.filter(pl.col("type") == "task_completed")["labels"].to_list() == [["home", "café"]]


def test_late_feedback_writes_its_own_day_and_the_tip_s_day_again_and_no_other(store: EventStore, lake: Lake) -> None:
    decision = exposure(at=START, decision_id="d1", event_id="e1")
    store.keep([decision, *signals("u", START, "s")])
    list(export.export(store, lake))
    assert list(export.export(store, lake)) == []
    store.keep([reaction("d1", "accepted", at=START + dt.timedelta(days=3))])
    assert [(one.kind, one.day) for one in export.export(store, lake)] == [
        ("feedback", DAY + dt.timedelta(days=3)),
        (TIP_SCORES, DAY),
    ]
    (tip,) = export.read_day(lake, TIP_SCORES, DAY).to_dicts()
    assert (tip["tip_id"], tip["accepted_at"] - tip["at"]) == ("t0", dt.timedelta(days=3))
    assert isinstance(decision, Exposure)
    assert tip["propensity"] == pytest.approx(decision.propensities[0])


def test_an_export_that_dies_is_done_again(store: EventStore, lake: Lake) -> None:
    store.keep(life(400, np.random.default_rng(3)))
    exporting = export.export(store, lake)
    first = next(exporting)
    exporting.close()
    assert (first.kind, first.day) in [(day.kind, day.day) for day in store.changed_days()]
    list(export.export(store, lake))
    assert store.changed_days() == []


def test_equal_stores_make_equal_files_in_whatever_order_events_came(lake: Lake, tmp_path: Path) -> None:
    events = life(300, np.random.default_rng(4))
    for name, order in (("one", range(300)), ("two", reversed(range(300)))):
        store = open_store(Settings(tip_event_store=f"sqlite:///{tmp_path}/{name}.db"))
        for number in order:
            store.keep([events[number]])
        list(export.export(store, Lake(str(tmp_path / name))))
    one, two = (Lake(str(tmp_path / name)) for name in ("one", "two"))
    paths = [entry.path for entry in one.find(layout.EVENTS)]
    assert len(paths) > 6
    assert {path: one.read(path) for path in paths} == {
        entry.path: two.read(entry.path) for entry in two.find("events")
    }


def test_a_day_that_becomes_empty_has_no_file(store: EventStore, lake: Lake) -> None:
    store.keep([reaction("d1", user="me"), reaction("d2", user="them", at=START + dt.timedelta(days=1))])
    list(export.export(store, lake))
    store.erase("me", START + dt.timedelta(days=9))
    list(export.export(store, lake))
    assert [entry.path for entry in lake.find(layout.EVENTS)] == ["events/feedback/2026-03-02.parquet"]


def test_rows_are_taken_out_of_the_files_alone(store: EventStore, lake: Lake) -> None:
    store.keep([reaction("d1", user="me"), reaction("d2", user="them"), exposure(at=START, user="me")])
    list(export.export(store, lake))
    assert export.remove(lake, lambda rows: rows["user"] == "me") == 3
    assert export.remove(lake, lambda rows: rows["user"] == "me") == 0
    assert export.read_day(lake, Kind.FEEDBACK, DAY)["user"].to_list() == ["them"]


def test_a_day_has_another_hash_when_and_only_when_its_file_is_another(store: EventStore, lake: Lake) -> None:
    store.keep([*signals("u", START, "s"), exposure(at=START, event_id="e", decision_id="d")])
    list(export.export(store, lake))
    before = export.inventory(lake)
    counts = {kind: held.n_rows for (kind, _), held in before.items()}
    assert counts == {Kind.SIGNAL: 3, Kind.EXPOSURE: 1, TIP_SCORES: 1}
    export.export_day(store, lake, Kind.SIGNAL, DAY)
    assert export.inventory(lake) == before
    lake.delete(layout.feature_mark(Kind.EXPOSURE, DAY.isoformat()))  # died between file and mark
    assert export.inventory(lake) == before
    store.keep([reaction("d")])
    list(export.export(store, lake))
    after = export.inventory(lake)
    assert {key for key in after if after[key] != before.get(key)} == {(Kind.FEEDBACK, DAY), (TIP_SCORES, DAY)}
    export.remove(lake, lambda rows: rows["user"] == "u")
    assert set(export.inventory(lake)) == {key for key in after if key[0] != Kind.SIGNAL}


def test_a_mark_never_outlives_the_file_that_it_tells_of(
    store: EventStore, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.keep(signals("u", START, "s"))
    list(export.export(store, lake))
    before = export.inventory(lake)
    store.keep(signals("u", START, "more"))
    write = lake.write

    def dies_at_the_mark(path: str, data: bytes) -> None:
        if path == layout.feature_mark(Kind.SIGNAL, DAY.isoformat()):
            raise KeyboardInterrupt
        write(path, data)

    with monkeypatch.context() as dying:
        dying.setattr(lake, "write", dies_at_the_mark)
        with pytest.raises(KeyboardInterrupt):
            list(export.export(store, lake))
    assert export.inventory(lake)[Kind.SIGNAL, DAY] != before[Kind.SIGNAL, DAY]
    assert export.inventory(lake)[Kind.SIGNAL, DAY].n_rows == 6


def test_a_day_that_an_older_build_wrote_has_nulls_for_what_came_later(store: EventStore, lake: Lake) -> None:
    store.keep([exposure(at=START, latency_ms=4.5, profile_source="store")])
    list(export.export(store, lake))
    path = layout.events(Kind.EXPOSURE, DAY.isoformat())
    write_table(lake, path, read_table(lake, path).drop("latency_ms", "profile_source", "written"))
    day = export.read_day(lake, Kind.EXPOSURE, DAY)
    assert dict(day.schema) == export.SCHEMAS[Kind.EXPOSURE]
    assert day.select("latency_ms", "profile_source", "written").row(0) == (None, None, None)
    narrow = export.read_day(lake, Kind.EXPOSURE, DAY, ["user", "error"])
    assert narrow.columns == ["user", "error"]


def test_a_tip_is_credited_to_what_wrote_it_even_where_another_decision_showed_it(
    store: EventStore, lake: Lake
) -> None:
    written = (None, Authorship(decision_id="g1", prompt_version="v2", model="m/1"))
    store.keep([
        exposure(at=START, decision_id="d1", event_id="e1", order=(1, 0), written=written),
        exposure(at=START, decision_id="d2", event_id="e2", written=written),
        exposure(1, at=START, decision_id="g1", event_id="e3", kind="generate", prompt_version="v3", model="m/2"),
    ])  # fmt: skip
    list(export.export(store, lake))
    day = export.read_day(lake, TIP_SCORES, DAY).select("decision_id", "tip_id", "prompt_version", "model")
    assert day.rows() == [("d1", "t1", "v2", "m/1"), ("d2", "t0", None, None), ("g1", "t0", "v3", "m/2")]
    (first,) = export.read_day(lake, Kind.EXPOSURE, DAY).filter(pl.col("decision_id") == "d1")["written"].to_list()
    assert first == [None, {"decision_id": "g1", "prompt_version": "v2", "model": "m/1"}]
