"""Days of events, profiles and training sets as assets on a real instance: what the sensor asks for, runs make."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest
from support.archive import DAY, NOON, Archive, archive, decision, took
from support.profiles import ask

from tip_assets.bench.sensors import MAX_ATTEMPTS
from tip_assets.definitions import defs
from tip_assets.events import sensor
from tip_assets.events.assets import EVENT_ASSETS
from tip_assets.events.requesting import OPEN_DAY_EVERY, Request, requests
from tip_assets.events.sensor import days_sensor
from tip_assets.resources.instance import open_instance
from tip_serving.events import export, wal
from tip_serving.events.kinds import AnyEvent, Kind, encode
from tip_serving.events.signal import AppOpened
from tip_serving.events.store import TIP_SCORES
from tip_serving.lake import layout
from tip_serving.lake.tables import read_table, write_table
from tip_serving.training import profiles, training_set
from tip_serving.training.upkeep import Lack, Table

A_DAY = dt.timedelta(days=1)
ALL = {Kind.SIGNAL, Kind.EXPOSURE, Kind.FEEDBACK, TIP_SCORES, "profile_features", "online_features", "training_set"}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    for name in ("TIP_LAKE", "TIP_EVENT_STORE", "TIP_NATS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    online = f"sqlite:///{tmp_path}/online.db"
    monkeypatch.setenv("TIP_ONLINE_STORE", online)
    return archive(tmp_path, tip_online_store=online)


@pytest.fixture
def instance(place: Archive) -> Iterator[dg.DagsterInstance]:
    with open_instance(place.settings) as opened:
        yield opened


def tick(instance: dg.DagsterInstance) -> list[dg.RunRequest]:
    """What the sensor asks for now."""
    with dg.build_sensor_context(instance=instance, definitions=defs) as context:
        return list(days_sensor.evaluate_tick(context).run_requests or [])


def run(instance: dg.DagsterInstance, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
    return defs.resolve_job_def(sensor.refresh_days.name).execute_in_process(
        instance=instance, asset_selection=request.asset_selection, tags=request.tags, raise_on_error=False
    )


def settle(instance: dg.DagsterInstance) -> list[dg.ExecuteInProcessResult]:
    """Do what the sensor asks for until it asks for nothing."""
    done: list[dg.ExecuteInProcessResult] = []
    while asked := tick(instance):
        assert len(done) < 10, [request.tags for request in asked]
        done += [run(instance, request) for request in asked]
        assert all(one.success for one in done)
    return done


def ranges(asked: Sequence[dg.RunRequest]) -> list[tuple[str, str, set[str]]]:
    """Of each run: first day, last day, assets."""
    return [
        (one.tags["dagster/asset_partition_range_start"], one.tags["dagster/asset_partition_range_end"],
         {key.to_user_string() for key in one.asset_selection or ()})
        for one in asked
    ]  # fmt: skip


def days(n: int) -> list[AnyEvent]:
    return [
        event
        for day in range(n)
        for event in (
            decision(f"d{day}", NOON + day * A_DAY, user="a-person"),
            took(f"d{day}", "shown", after=day * A_DAY, user="a-person"),
            AppOpened(event_id=f"s{day}", at=NOON + day * A_DAY, user="a-person", session_id=f"s{day}"),
        )
    ]


def shown_of(instance: dg.DagsterInstance, asset: str, day: dt.date) -> dict[str, Any]:
    """The metadata of the last materialization of a day."""
    wanted = dg.AssetRecordsFilter(dg.AssetKey(asset), asset_partitions=[day.isoformat()])
    records = instance.fetch_materializations(wanted, limit=1).records
    made = records[0].asset_materialization
    assert made is not None
    return {name: value.value for name, value in made.metadata.items()}


def test_days_in_a_row_are_one_run_that_makes_everything_and_then_nothing_is_asked_for(
    place: Archive, instance: dg.DagsterInstance
) -> None:
    assert tick(instance) == []
    place.store.keep(days(3))
    asked = tick(instance)
    last = DAY + 2 * A_DAY
    assert ranges(asked) == [(DAY.isoformat(), last.isoformat(), ALL)]
    (done,) = settle(instance)
    assert tick(instance) == []
    found = {one.check_name: one for one in done.get_asset_check_evaluations()}
    failed = {name: one.description for name, one in found.items() if not one.passed}
    assert set(failed) <= {f"{kind}_fresh" for kind in Kind}  # at noon was the last event
    assert shown_of(instance, "training_set", last)["dagster/row_count"] == 1
    assert shown_of(instance, "signals", DAY)["dagster/row_count"] == 1
    assert "| app_opened | 1 | 1 |" in shown_of(instance, "signals", DAY)["preview"]
    assert "| tips_30d | 1 | 1 | 3 |" in shown_of(instance, "profile_features", last)["preview"]
    assert training_set.read(place.lake, [DAY, last]).height == 2
    url = place.settings.tip_online_store
    assert ask(url, "a-person").features["tips_30d"]["value"] == 3  # type: ignore[index]


@pytest.mark.slow
def test_nothing_that_dagster_keeps_names_a_person(place: Archive, instance: dg.DagsterInstance) -> None:
    place.store.keep(days(2))
    settle(instance)
    files = [path for path in place.settings.dagster_directory.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if b"a-person" in path.read_bytes()] == []


@pytest.mark.slow
def test_late_feedback_asks_for_its_own_day_and_the_one_of_its_decision(
    place: Archive, instance: dg.DagsterInstance
) -> None:
    place.store.keep(days(4))
    settle(instance)
    place.store.keep([took("d1", user="a-person", after=A_DAY + dt.timedelta(hours=9))])
    told = (DAY + A_DAY).isoformat()
    asked = tick(instance)
    # The profiles are of months ago: no answer depends on them any more.
    assert ranges(asked) == [(told, told, {"feedback", TIP_SCORES, "training_set"})]
    settle(instance)
    assert shown_of(instance, "training_set", DAY + A_DAY)["reward_rate"] == 1
    assert tick(instance) == []


@pytest.mark.slow
def test_what_failed_on_the_same_sources_is_asked_for_a_few_times_and_again_once_they_change(
    place: Archive, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.store.keep(days(1))
    with monkeypatch.context() as broken:
        broken.setattr(training_set, "write", lambda *_: 1 / 0)
        n_failed = 0
        while asked := tick(instance):
            assert not run(instance, asked[0]).success
            n_failed += 1
            assert n_failed < 10
    # The first run exported the events, so the second and those after it are asked for on other grounds.
    assert n_failed == 1 + MAX_ATTEMPTS
    assert tick(instance) == []
    place.store.keep([took("d0", user="a-person")])
    settle(instance)
    assert training_set.read(place.lake, [DAY])["reward"].to_list() == [1]


def test_while_a_run_is_under_way_nothing_is_asked_for(place: Archive, instance: dg.DagsterInstance) -> None:
    place.store.keep(days(1))
    instance.add_run(dg.DagsterRun(job_name="refresh_days", status=dg.DagsterRunStatus.STARTED))
    assert tick(instance) == []


@pytest.mark.slow
def test_files_that_no_broker_took_are_imported_and_a_broker_is_left_to_its_consumers(
    place: Archive, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = wal.WriteAhead(place.settings.wal_directory)
    log.append([encode(event) for event in days(1)])
    log.close()
    with monkeypatch.context() as with_broker:
        with_broker.setenv("TIP_NATS_URL", "nats://127.0.0.1:1")
        assert tick(instance) == []
        assert place.store.counts()[Kind.SIGNAL] == 0
    settle(instance)
    assert place.store.counts() == {Kind.SIGNAL: 1, Kind.EXPOSURE: 1, Kind.FEEDBACK: 1}
    assert training_set.read(place.lake, [DAY]).height == 1


@pytest.mark.slow
def test_events_of_days_that_no_partition_has_are_exported_and_hold_nothing_up(
    place: Archive, instance: dg.DagsterInstance
) -> None:
    odd = [AppOpened(event_id=f"odd{year}", at=dt.datetime(year, 5, 1, tzinfo=dt.UTC), user="u", session_id="s")
           for year in (2019, 2090)]  # fmt: skip
    place.store.keep([*odd, *days(1)])
    settle(instance)
    assert place.store.changed_days() == []
    assert export.read_day(place.lake, Kind.SIGNAL, dt.date(2019, 5, 1)).height == 1
    assert profiles.read_snapshot(place.lake, DAY)["user"].to_list() == ["a-person", "u"]
    assert tick(instance) == []


@pytest.mark.slow
def test_a_planted_leak_stops_the_run_with_an_error_that_names_it(
    place: Archive, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.store.keep(days(1))
    write = training_set.write

    def leaking(*arguments: Any) -> Any:
        built = write(*arguments)
        path = layout.training_set(DAY.isoformat())
        write_table(place.lake, path, read_table(place.lake, path).with_columns(profile_tips_7d=pl.lit(77.0)))
        return built

    monkeypatch.setattr(training_set, "write", leaking)
    (done,) = [run(instance, request) for request in tick(instance)]
    found = {one.check_name: one for one in done.get_asset_check_evaluations()}["training_set_without_leaks"]
    assert not found.passed
    assert found.severity is dg.AssetCheckSeverity.ERROR
    assert str(found.metadata["leak_1"].value).startswith("profile_tips_7d: the training set has not what was logged")
    spec = next(spec for spec in defs.resolve_all_asset_specs() if spec.key == dg.AssetKey("training_set"))
    assert {key.to_user_string() for key in {dep.asset_key for dep in spec.deps}} == {
        "exposures", "tip_scores", "profile_features",
    }  # fmt: skip


def test_every_asset_says_its_grain_and_declares_its_checks() -> None:
    checks = defs.resolve_asset_graph().asset_check_keys
    for asset in EVENT_ASSETS:
        description = next(iter(asset.descriptions_by_key.values()))
        assert description.startswith("One row per ")
        assert len([key for key in checks if key.asset_key == asset.key]) >= 2


NOW = profiles.end_of(DAY) + 9 * A_DAY + dt.timedelta(hours=8)


def lack(day: int, kinds: str = "", *tables: Table, basis: str = "b") -> Lack:
    return Lack(DAY + day * A_DAY, tuple(kinds.split()), tables, f"{basis}{day}")


def summary(lacks: list[Lack]) -> list[tuple[int, int, tuple[str, ...]]]:
    return [((one.first - DAY).days, (one.last - DAY).days, one.assets) for one in requests(lacks, NOW)]


def test_a_profile_waits_for_events_of_an_earlier_run_and_for_none_of_its_own() -> None:
    profile = ("profile_features", "online_features")
    assert summary([lack(0, "signals", Table.PROFILE), lack(1, "", Table.PROFILE)]) == [(0, 0, ("signals", *profile))]
    assert summary([lack(0, "tip_scores", Table.TRAINING), lack(1, "", Table.PROFILE)]) == [
        (0, 0, ("tip_scores", "training_set")), (1, 1, profile),
    ]  # fmt: skip
    assert summary([lack(0, "", Table.PROFILE), lack(1, "", Table.PROFILE), lack(3, "", Table.PROFILE)]) == [
        (0, 1, profile), (3, 3, profile),
    ]  # fmt: skip


def test_the_present_day_is_a_run_of_its_own_and_made_once_a_quarter_of_an_hour() -> None:
    lacks = [lack(day, "signals", Table.TRAINING) for day in (8, 9, 10)]
    first, present = requests(lacks, NOW)
    assert (first.first, first.last, first.run_key) == (DAY + 8 * A_DAY, DAY + 9 * A_DAY, None)
    assert present.run_key is not None

    def key(now: dt.datetime) -> str | None:
        return requests([lack(10, "signals", Table.TRAINING, basis="other")], now)[0].run_key

    assert key(NOW + OPEN_DAY_EVERY - dt.timedelta(seconds=1)) == present.run_key
    assert key(NOW + OPEN_DAY_EVERY) != present.run_key


def test_a_request_has_another_name_once_what_it_rests_on_is_another() -> None:
    def name(basis: str) -> Request:
        return requests([lack(0, "", Table.TRAINING, basis=basis)], NOW)[0]

    assert name("a") == name("a")
    assert name("a").name != name("b").name
