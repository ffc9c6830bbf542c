"""Features computed for a past decision are those that the real server served then, bit for bit; leaks are found."""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import polars as pl
import pytest
from support.archive import Archive, archive

from tip_serving.api.app import create_app
from tip_serving.api.routes import Routes
from tip_serving.events import export, vectors
from tip_serving.events.event import Event
from tip_serving.events.exposure import Exposure
from tip_serving.events.feedback import Feedback
from tip_serving.events.kinds import AnyEvent
from tip_serving.events.signal import AccountSet, AppClosed, AppOpened, TaskAdded, TaskCompleted
from tip_serving.features.vector import names
from tip_serving.lake import layout
from tip_serving.lake.tables import read_table, write_table
from tip_serving.privacy.places import lake_events
from tip_serving.scoring.online_store import write_profiles
from tip_serving.training import history, profiles, training_set
from tip_serving.training.time_travel import MIN_OUTCOMES, travel

N_PEOPLE = 40
FIRST = dt.date(2026, 3, 2)
N_DAYS = 4
A_DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
LAST = FIRST + (N_DAYS - 1) * A_DAY
END = profiles.end_of(LAST)
"""Of the days that people lived before they ask."""
AFTER = END + 3 * A_DAY
FIRST_HOUR = END - N_DAYS * A_DAY
ZONES = ("Europe/Paris", "America/Lima", "Asia/Kolkata", None)


def lives(rng: np.random.Generator) -> Iterator[AnyEvent]:
    """What people did over some days: accounts, tasks, sessions."""
    for number in range(N_PEOPLE):
        user, offset = f"user-{number}", dt.timezone(dt.timedelta(minutes=(60, -300, 330, 0)[number % 4]))

        def at(day: int, hour: float, here: dt.timezone = offset) -> dt.datetime:
            return (profiles.end_of(FIRST) + (day - 1) * A_DAY + hour * HOUR).astimezone(here)

        if number % 5:
            zone = ZONES[number % 4]
            yield AccountSet(event_id=f"{user}-a", at=at(0, 1), user=user, signed_up_at=at(-number, 0), language="de",
                             time_zone=zone, quiet_hours="22-6")  # fmt: skip
        for day in range(N_DAYS):
            for task in range(rng.integers(4)):
                name, due = f"{user}-{day}-{task}", at(day, float(rng.uniform(4, 23)))
                yield TaskAdded(event_id=f"{name}-a", at=at(day, 2), user=user, task_id=name, due_at=due)
                if rng.random() < 0.6:
                    done = at(day, float(rng.uniform(3, 23)))
                    yield TaskCompleted(event_id=f"{name}-c", at=done, user=user, task_id=name, due_at=due,
                                        labels=("home", f"l{task}"))  # fmt: skip
            session = f"{user}-{day}"
            yield AppOpened(event_id=f"{session}-o", at=at(day, 5), user=user, session_id=session)
            yield AppClosed(event_id=f"{session}-c", at=at(day, 5 + float(rng.uniform(0.01, 1))), user=user,
                            session_id=session)  # fmt: skip


def body(number: int, now: dt.datetime, **changes: Any) -> dict[str, Any]:
    tasks = [{"id": "1", "content": "Call the dentist", "due": {"date": "2026-03-05"}}]
    return {
        "user": f"user-{number}", "now": now.isoformat(), "decision_id": f"{number}-{now:%m%dT%H%M}", "tasks": tasks,
        "candidates": ["Call the dentist now.", "Rest.", "Plan the week."], **changes,
    }  # fmt: skip


def served(place: Archive, bodies: Sequence[dict[str, Any]]) -> list[Exposure]:
    """What the real server logs of these requests."""
    heard: list[Event] = []

    async def main() -> None:
        app = create_app(place.settings, Routes.SCORE, heard.append)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://t") as http,
        ):
            for one in bodies:
                answer = await http.post("/score", json=one)
                assert answer.status_code == 200, answer.text

    asyncio.run(main())
    return [event for event in heard if isinstance(event, Exposure)]


@pytest.fixture
def place(tmp_path: Path) -> Archive:
    """People have lived for some days, and yesterday's profiles are in the online store."""
    made = archive(
        tmp_path, tip_online_store=f"sqlite:///{tmp_path}/online.db", tip_event_clock="request",
        tip_online_store_budget_s=5.0,
    )  # fmt: skip
    made.refresh(list(lives(np.random.default_rng(5))), END)
    publish(made, profiles.read_snapshot(made.lake, LAST))
    return made


def publish(place: Archive, snapshot: pl.DataFrame) -> None:
    assert place.settings.tip_online_store is not None
    write_profiles(place.settings.tip_online_store, profiles.online(snapshot))


def ask(place: Archive, hours: Sequence[float] = (0.5, 9.0), **changes: Any) -> list[Exposure]:
    """Everybody asks at these hours of the day after, from their own clocks; somebody unknown too."""
    return served(
        place, [body(number, END + hour * HOUR, **changes) for hour in hours for number in range(N_PEOPLE + 1)]
    )


def test_recomputed_features_equal_those_served_bit_for_bit(place: Archive) -> None:
    exposures = ask(place)
    sources = {exposure.profile_source for exposure in exposures}
    assert sources == {"store", "store does not know the user"}
    place.refresh(exposures, AFTER)
    found = travel(place.lake, END.date(), AFTER)
    assert (found.n_decisions, found.n_from_store) == (2 * (N_PEOPLE + 1), 2 * N_PEOPLE)
    assert found.leaks == ()
    assert found.n_late == 0
    reasons = {reason for exposure in exposures for reason in exposure.fell_back.values()}
    assert reasons >= {"missing", "null"}
    table = training_set.read(place.lake, [END.date()])
    known = table.filter(pl.col("user") != f"user-{N_PEOPLE}")
    assert known.select(pl.col("^profile_.*$")).unique().height > N_PEOPLE / 2


@pytest.mark.parametrize("feature", ["completion_rate", "preferred_hour", "session_minutes", "streak_days"])
def test_a_served_value_that_is_off_by_the_least_is_found_and_named(place: Archive, feature: str) -> None:
    snapshot = profiles.read_snapshot(place.lake, LAST)
    person = snapshot.filter(pl.col(feature).is_not_null())["user"][0]
    value = snapshot.filter(pl.col("user") == person)[feature][0]
    other = float(np.nextafter(value, 0.1)) if isinstance(value, float) else value + 1
    is_theirs = pl.col("user") == person
    dtype = snapshot.schema[feature]
    publish(
        place, snapshot.with_columns(pl.when(is_theirs).then(pl.lit(other, dtype)).otherwise(feature).alias(feature))
    )
    place.refresh(ask(place, hours=(0.5,)), AFTER)
    (leak,) = travel(place.lake, END.date(), AFTER).leaks
    assert (leak.column, leak.n_rows) == (f"profile_{feature}", 1)
    assert leak.rows[0].startswith(person.removeprefix("user-"))


def test_a_snapshot_that_knows_the_next_day_under_yesterdays_moment_is_found(place: Archive) -> None:
    tomorrow = [
        TaskCompleted(event_id=f"t{n}", at=END + 2 * HOUR, user=f"user-{n}", task_id=f"t{n}", labels=("new",))
        for n in range(0, N_PEOPLE, 2)
    ]
    place.refresh(tomorrow, AFTER)
    leaking = profiles.snapshot(place.lake, END + A_DAY).with_columns(
        pl.lit(END).cast(pl.Datetime("us", "UTC")).alias("computed_at")
    )
    publish(place, leaking)
    write_table(place.lake, layout.profile_features(LAST.isoformat()), leaking)  # the lake tells the same lie
    place.refresh(ask(place, hours=(0.5,)), AFTER)
    found = travel(place.lake, END.date(), AFTER)
    columns = {leak.column for leak in found.leaks}
    assert columns >= {"profile_preferred_hour", "profile_n_favourite_labels"}
    assert found.n_late == 0
    assert all("does not follow" in leak.reason for leak in found.leaks)


def test_what_served_otherwise_because_events_came_late_is_no_leak(place: Archive) -> None:
    exposures = ask(place, hours=(0.5,))
    late = [
        TaskCompleted(event_id=f"late{n}", at=END - HOUR, user=f"user-{n}", task_id=f"late{n}", labels=("late",))
        for n in range(7)
    ]
    place.refresh([*exposures, *late], END + 2 * HOUR)
    found = travel(place.lake, END.date(), AFTER)
    assert found.leaks == ()
    assert found.n_late == 7
    assert profiles.read_replaced(place.lake, LAST)["user"].sort().to_list() == [f"user-{n}" for n in range(7)]


def test_late_events_are_no_leak_either_before_the_snapshot_that_they_change_is_made_anew(place: Archive) -> None:
    late = [TaskCompleted(event_id="late", at=END - HOUR, user="user-3", task_id="late", labels=("late",))]
    place.store.keep([*ask(place, hours=(0.5,)), *late])
    list(export.export(place.store, place.lake))
    found = travel(place.lake, END.date(), END + 2 * HOUR)
    assert (found.leaks, found.n_late) == ((), 1)
    place.refresh(now=END + 3 * HOUR)
    assert travel(place.lake, END.date(), END + 4 * HOUR).n_late == 1


def test_what_cannot_be_computed_again_as_events_had_to_go_is_told_apart(place: Archive) -> None:
    ends = END + history.VERIFIABLE + HOUR
    doomed = [
        AccountSet(event_id=f"soon{n}", at=FIRST_HOUR, user=f"user-{n}", language="pl", retain_until=until)
        for n, until in enumerate([ends, ends, END + history.VERIFIABLE])
    ]
    kept = AppOpened(event_id="kept", at=FIRST_HOUR, user="user-0", session_id="k", retain_until=AFTER + 99 * A_DAY)
    place.refresh([*doomed, kept], END)
    snapshot = profiles.read_snapshot(place.lake, LAST)
    assert snapshot.filter(pl.col("language") == "pl")["user"].to_list() == ["user-0"]  # two told of another later
    publish(place, snapshot)
    place.refresh(ask(place, hours=(0.5,)), AFTER)
    assert travel(place.lake, END.date(), AFTER).leaks == ()
    place.store.expire(ends + HOUR)
    lake_events(place.settings).expire(ends + HOUR)
    place.refresh(now=ends + HOUR)
    found = travel(place.lake, END.date(), ends + HOUR)
    assert (found.leaks, found.n_forgotten, found.n_late) == ((), 1, 0)
    assert [leak.column for leak in travel(place.lake, END.date(), AFTER).leaks] != []


def test_a_shipped_profile_is_held_against_the_moment_of_its_decision(place: Archive) -> None:
    def profile(moment: dt.datetime) -> dict[str, Any]:
        return {"completion_rate": {"value": 0.25, "computed_at": moment.isoformat()}}

    now = END + HOUR
    ahead, fine = now + 10 * HOUR, now - HOUR
    exposures = served(place, [body(1, now, profile_features=profile(fine)),
                               body(2, now, profile_features=profile(ahead))])  # fmt: skip
    assert exposures[1].fell_back["completion_rate"] == "ahead"  # the server does not use it
    used = Exposure(**{
        **{name: getattr(exposures[0], name) for name in exposures[0].__struct_fields__},
        "event_id": "used", "decision_id": "used", "profile_computed_at": ahead,
    })  # fmt: skip
    place.refresh([*exposures, used], AFTER)
    found = travel(place.lake, END.date(), AFTER)
    assert found.n_shipped == 2
    (leak,) = found.leaks
    assert (leak.column, leak.rows) == ("computed_at", ("used",))


def reactions(exposures: Sequence[Exposure], is_taken: Callable[[int], bool]) -> list[AnyEvent]:
    return [
        Feedback(event_id=f"f-{one.decision_id}", at=one.at + HOUR, user=one.user, decision_id=one.decision_id,
                 tip_id=one.tip_ids[one.order[0]], reaction="accepted")
        for place, one in enumerate(exposures) if is_taken(place)
    ]  # fmt: skip


def test_a_training_column_that_is_the_reward_of_later_is_named(place: Archive) -> None:
    exposures = ask(place)
    place.refresh([*exposures, *reactions(exposures, lambda n: n % 2 == 0)], AFTER)
    day = END.date()
    assert travel(place.lake, day, AFTER).leaks == ()
    path = layout.training_set(day.isoformat())
    write_table(place.lake, path, read_table(place.lake, path).with_columns(profile_acceptance_rate="reward"))
    leaks = travel(place.lake, day, AFTER).leaks
    assert {leak.column for leak in leaks} == {"profile_acceptance_rate"}
    assert {leak.reason.split(" (")[0] for leak in leaks} == {
        "the training set has not what was logged", "tells the reward",
    }  # fmt: skip


@pytest.mark.parametrize("n_decisions", [2 * (N_PEOPLE + 1), 2 * MIN_OUTCOMES - 2])
def test_a_feature_that_knew_the_outcome_when_it_was_logged_is_named_once_there_are_enough(
    place: Archive, n_decisions: int
) -> None:
    planted = []
    for number, one in enumerate(ask(place)[:n_decisions]):
        assert one.vectors is not None
        rows = vectors.unpack(one.vectors)
        rows[:, -1] = 7.0 + number % 2
        packed = vectors.pack(rows)
        fields = {name: getattr(one, name) for name in one.__struct_fields__}
        planted.append(Exposure(**{**fields, "vectors": packed, "vector_hash": vectors.digest(packed)}))
    place.refresh([*planted, *reactions(planted, lambda n: n % 2 == 0)], AFTER)
    found = {leak.column: leak.reason for leak in travel(place.lake, END.date(), AFTER).leaks}
    assert found == ({names()[-1]: "tells the reward (AUC 0.000)"} if n_decisions > 2 * MIN_OUTCOMES else {})
