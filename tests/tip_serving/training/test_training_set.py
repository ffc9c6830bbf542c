"""The training set has the very vectors of the shown tips, what became of them, and nothing of another contract."""

import datetime as dt
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from support.archive import DAY, LATER, NOON, Archive, archive, decision, took, vectors_of

from tip_serving.events import vectors
from tip_serving.features.vector import names
from tip_serving.lake import layout
from tip_serving.lake.tables import read_table, write_table
from tip_serving.training import training_set
from tip_serving.training.reward import WINDOW

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def place(tmp_path: Path) -> Archive:
    return archive(tmp_path)


def rows(place: Archive) -> dict[str, dict[str, object]]:
    return {row["decision_id"]: row for row in training_set.read(place.lake, [DAY]).iter_rows(named=True)}


def test_features_are_the_logged_row_of_the_shown_tip_bit_for_bit(place: Archive) -> None:
    decisions = {f"d{first}": decision(f"d{first}", n_tips=5, first=first) for first in range(5)}
    odd = vectors_of("odd", 2)
    odd[1, -1], odd[0, 3] = np.nan, -0.0
    alone = vectors_of("alone", 1)
    place.refresh([
        *decisions.values(),
        decision("odd", n_tips=2, first=1, vectors=vectors.pack(odd)),
        decision("alone", n_tips=1, vectors=vectors.pack(alone)),
    ])  # fmt: skip
    table = training_set.read(place.lake, [DAY])
    assert dict(table.schema) == training_set.schema()
    expected = {f"d{first}": vectors_of(f"d{first}", 5)[first] for first in range(5)} | {
        "odd": odd[1],
        "alone": alone[0],
    }
    found = np.ascontiguousarray(table.select(names()).to_numpy())
    for name, row in zip(table["decision_id"], found, strict=True):
        assert row.tobytes() == expected[name].tobytes(), name
    about = {name: (row["tip_id"], row["position"], row["n_candidates"]) for name, row in rows(place).items()}
    assert about["d3"] == ("t3", 3, 5)
    assert about["odd"] == ("t1", 1, 2)


def test_a_reward_is_what_happened_within_a_day_of_the_decision(place: Archive) -> None:
    place.refresh([
        *(decision(name) for name in ("taken", "done", "late", "just in time", "liked", "disliked", "waved", "quiet")),
        took("taken"),
        took("done", "done"),
        took("late", after=WINDOW + dt.timedelta(microseconds=1)),
        took("just in time", after=WINDOW),
        took("liked", "rated", rating=0.5),
        took("disliked", "rated", rating=0.49),
        took("waved", "dismissed"),
        took("quiet", "shown"),
        took("quiet", "accepted", tip="t1"),  # another tip of the same decision
    ])  # fmt: skip
    found = {name: (row["reward"], row["is_dismissed"]) for name, row in rows(place).items()}
    assert found == {
        "taken": (1, False), "done": (1, False), "late": (0, False), "just in time": (1, False), "liked": (1, False),
        "disliked": (0, False), "waved": (0, True), "quiet": (0, False),
    }  # fmt: skip


def test_a_reward_of_one_is_settled_at_once_and_none_once_the_day_has_passed(place: Archive) -> None:
    place.refresh([decision("early", NOON - HOUR), decision("taken"), decision("open"), took("taken")], NOON + WINDOW)
    assert {name: row["is_settled"] for name, row in rows(place).items()} == {
        "early": True, "taken": True, "open": False,
    }  # fmt: skip
    place.refresh(now=NOON + WINDOW + HOUR)
    assert not rows(place)["open"]["is_settled"]  # the day closes as a whole
    place.refresh(now=dt.datetime.combine(DAY + dt.timedelta(days=2), dt.time(0, 0, 1), dt.UTC))
    assert rows(place)["open"]["is_settled"]


def test_other_contracts_and_unusable_vectors_are_counted_and_left_out(place: Archive) -> None:
    short = vectors_of("x", 3)[:, :-1]
    place.store.keep([
        decision("fine"),
        decision("old", contract_hash="another"),
        decision("bare", vectors=None, vector_hash=None),
        decision("short", vectors=vectors.pack(short)),
        decision("fewer rows", vectors=vectors.pack(vectors_of("x", 2))),
        decision("written", kind="generate", n_tips=1),
    ])  # fmt: skip
    place.refresh()
    built = training_set.build(place.lake, DAY, LATER)
    assert built.frame["decision_id"].to_list() == ["fine"]
    assert (built.n_other_contract, built.n_unusable) == (1, 3)


def test_a_decision_asked_for_twice_is_one_row_as_it_was_first(place: Archive) -> None:
    place.refresh([decision("d"), decision("d", NOON + HOUR, event_id="again", first=3, n_tips=4), took("d")])
    ((_, row),) = rows(place).items()
    assert (row["at"], row["tip_id"], row["reward"]) == (NOON, "t0", 1)
    assert (row["position"], row["n_candidates"]) == (0, 3)


def test_equal_ids_of_two_people_are_two_rows(place: Archive) -> None:
    place.refresh([decision("d", user="a"), decision("d", user="b", event_id="e2", first=1), took("d", user="a")])
    table = training_set.read(place.lake, [DAY])
    assert table.select("user", "tip_id", "reward").rows() == [("a", "t0", 1.0), ("b", "t1", 0.0)]


def test_a_day_that_another_contract_made_is_not_read(place: Archive) -> None:
    place.refresh([decision("d")])
    path = layout.training_set(DAY.isoformat())
    table = read_table(place.lake, path)
    write_table(place.lake, path, table.with_columns(pl.lit("another").alias("contract_hash")))
    assert training_set.read(place.lake, [DAY]).is_empty()
    write_table(place.lake, path, table.drop(names()[0]))
    assert training_set.read(place.lake, [DAY, DAY + dt.timedelta(days=1)]).is_empty()


def test_any_order_of_arrival_with_repetitions_makes_the_same_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    events = [decision(f"d{n}", NOON + n * dt.timedelta(minutes=1), user=f"u{n % 7}", first=n % 3) for n in range(60)]
    told = [took(f"d{n}", user=f"u{n % 7}", tip=f"t{n % 3}") for n in range(0, 60, 2)]
    files = []
    for place_in in range(3):
        place = archive(tmp_path / str(place_in))
        mixed = [*events, *told]
        mixed = [mixed[at] for at in rng.permutation(np.r_[: len(mixed), rng.integers(len(mixed), size=30)])]
        for start in range(0, len(mixed), 25):
            place.refresh(mixed[start : start + 25])
        files.append(place.lake.read(layout.training_set(DAY.isoformat())))
    assert files[0] == files[1] == files[2]
