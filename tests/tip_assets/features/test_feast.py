"""Feast's answer, the server's and the as-of join are one: value for value, at every edge of every TTL."""

import asyncio
import datetime as dt
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
from click.testing import CliRunner
from support import object_store, redis_server
from support.profiles import ask

from tip_assets.features import feast_erasing, feast_repository
from tip_assets.features.feast_store import FeastProfiles
from tip_serving.cli import main
from tip_serving.features.contract import IN_FORCE
from tip_serving.features.profile import PROFILE_FEATURES, ProfileFeature, resolve
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.scoring.online_store import Profile, Profiles, open_store, write_profiles
from tip_serving.settings import Settings, child_environment
from tip_serving.training.profiles import end_of, schema

pytestmark = [
    pytest.mark.slow,  # importing Feast takes 5 s, a few processes do
    pytest.mark.filterwarnings("ignore:::feast"),  # Feast and Dask call what pandas will remove
    pytest.mark.filterwarnings("ignore:::dask"),
]

DAYS = [dt.date(2026, 3, day) for day in (1, 2, 3, 4, 6)]
USERS = ["ann", "bob with spaces", "家/é:🙂", "-", *(f"u{n}" for n in range(56))]
NEVER_SEEN = ["nobody", ""]
LABELS = ["家事", "", 'a "b"', "é", "🙂", "None", "nan", "a,b", " "]
TEXTS = {
    "language": ["en", "de-AT", "ja", "zh-Hant"],
    "time_zone": ["UTC", "Asia/Tokyo", "America/New_York"],
    "quiet_hours": ["22-7", "0-0", "9-17"],
}
SECOND = dt.timedelta(seconds=1)
# After the snapshot: at once; at the end of an hour and past it; shortly before the next one.
WITHIN_A_DAY = (0 * SECOND, 3600 * SECOND, 3600 * SECOND + dt.timedelta(microseconds=1), 86_399 * SECOND)

Answers = dict[tuple[str, dt.datetime], dict[str, Any]]
"""By person and moment, of every declared feature the value, None where none holds."""


class Made(NamedTuple):
    """A lake with snapshots, and what is asked about them: for each snapshot the moments at which it is the last."""

    lake: Lake
    rows: pl.DataFrame
    stages: dict[dt.datetime, list[dt.datetime]]


def drawn(feature: ProfileFeature, rng: np.random.Generator) -> Any:
    """A value as declared, hard to carry; None one time in five."""
    if rng.random() < 0.2:
        return None
    if feature.dtype == "strings":
        return [str(word) for word in rng.choice(LABELS, int(rng.integers(0, 5)))]
    if feature.dtype == "string":
        return str(rng.choice(TEXTS[feature.name]))
    if feature.dtype == "float":
        return float(rng.choice([rng.random(), 0.0, 1.0]))
    return int(rng.integers(0, 24 if feature.name == "preferred_hour" else 10_000))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    rng = np.random.default_rng(11)
    lake = Lake(str(tmp_path_factory.mktemp("lake with spaces")))
    frames = []
    for day in DAYS:
        present = [user for user in USERS if rng.random() < 0.6]
        rows = [
            (user, end_of(day), *(drawn(feature, rng) for feature in PROFILE_FEATURES), "hash", None)
            for user in present
        ]
        frames.append(pl.DataFrame(rows, schema(), orient="row"))
        write_table(lake, layout.profile_features(day.isoformat()), frames[-1])
    ends = [*map(end_of, DAYS), end_of(DAYS[-1]) + dt.timedelta(days=40)]
    stages = {
        last: [
            moment
            for n in range((following - last).days)
            for after in WITHIN_A_DAY
            if n < 3 or n in {5, 6, 7, 29, 30}
            for moment in [last + dt.timedelta(days=n) + after, last + dt.timedelta(days=n) + SECOND]
        ]
        for last, following in pairwise(ends)
    }
    return Made(lake, pl.concat(frames), stages)


def joined(made: Made, shortened_s: int = 0) -> Answers:
    """The as-of join: the last snapshot of each person up to the moment, each feature for as long as it lives."""
    asked = [(user, moment) for moments in made.stages.values() for moment in moments for user in USERS + NEVER_SEEN]
    questions = pl.DataFrame(asked, {"user": pl.String, "at": pl.Datetime("us", "UTC")}, orient="row").sort("at")
    found = questions.join_asof(
        made.rows.sort("computed_at"), left_on="at", right_on="computed_at", by="user", check_sortedness=False
    )
    age = pl.col("at") - pl.col("computed_at")
    lives = [
        pl.when(age <= dt.timedelta(seconds=feature.ttl_s - shortened_s)).then(feature.name).alias(feature.name)
        for feature in PROFILE_FEATURES
    ]
    return {(row.pop("user"), row.pop("at")): row for row in found.select("user", "at", *lives).iter_rows(named=True)}


@pytest.fixture(scope="module")
def reference(made: Made) -> Answers:
    return joined(made)


@pytest.fixture(scope="module")
def repository(made: Made, tmp_path_factory: pytest.TempPathFactory) -> FeastProfiles:
    return opened(made, tmp_path_factory.mktemp("repo"), "sqlite")


def opened(made: Made, folder: Path, online: str) -> FeastProfiles:
    feast_repository.write(folder, IN_FORCE, made.lake.locate(layout.PROFILES), online)
    found = FeastProfiles(folder)
    found.apply()
    return found


def differences(found: Answers, expected: Answers) -> list[str]:
    """Where two differ in a value or its type, each as one line."""
    return [
        f"{user} {moment} {name}: {found[user, moment][name]!r}, expected {value!r}"
        for (user, moment), values in expected.items()
        if (user, moment) in found
        for name, value in values.items()
        if found[user, moment][name] != value or type(found[user, moment][name]) is not type(value)
    ]


def answered_by_feast(repository: FeastProfiles, moments: Sequence[dt.datetime]) -> Answers:
    """Feast's own words, with the age of each judged by its view's TTL, as Feast leaves that to whoever asks."""
    store = repository.store
    users = USERS + NEVER_SEEN
    told = store.get_online_features(store.get_feature_service("profile"), [{"user": user} for user in users])
    words = told.to_dict(include_event_timestamps=True)
    ttl_s = {field.name: view.ttl.total_seconds() for view in store.list_feature_views() for field in view.features}
    return {
        (user, moment): {
            name: words[name][row] if moment.timestamp() - words[f"{name}__ts"][row] <= ttl_s[name] else None
            for name in ttl_s
        }
        for row, user in enumerate(users)
        for moment in moments
    }


def answered_by_the_server(url: str, moments: Sequence[dt.datetime]) -> Answers:
    """What the port says, resolved as for a request at each moment."""

    async def asked() -> dict[str, Mapping[str, Any] | None]:
        profiles = Profiles(open_store(url), 30.0)
        found = {user: (await profiles.of(user, None)).features for user in USERS + NEVER_SEEN}
        await profiles.aclose()
        return found

    answers: Answers = {}
    for user, features in asyncio.run(asked()).items():
        for moment in moments:
            values, fell_back, *_ = resolve(features, None, moment)
            answers[user, moment] = {name: None if name in fell_back else value for name, value in values.items()}
    return answers


def answered_by_feasts_history(repository: FeastProfiles, made: Made) -> Answers:
    """Feast's point-in-time join, view by view.

    Its file store drops a row that is stale in one view from all of them, and fails on somebody whom no snapshot
    holds; so each view is asked by itself, and about people whom the lake knows.
    """
    known = set(made.rows["user"])
    asked = [
        (user, moment) for moments in made.stages.values() for moment in moments for user in USERS if user in known
    ]
    questions = pd.DataFrame(asked, columns=["user", "event_timestamp"]).drop_duplicates()
    answers: Answers = {question: dict.fromkeys(f.name for f in PROFILE_FEATURES) for question in asked}
    for view in feast_repository.views(PROFILE_FEATURES):
        references = [f"{view.name}:{feature.name}" for feature in view.features]
        found = repository.store.get_historical_features(questions, references).to_df()
        for row in found.to_dict("records"):
            at = row["event_timestamp"].to_pydatetime()
            for feature in view.features:
                answers[row["user"], at][feature.name] = plain(feature, row[feature.name])
    return answers


def plain(feature: ProfileFeature, value: Any) -> Any:
    """As pandas holds it, without its ways of saying null."""
    if feature.dtype == "strings":
        return None if value is None or np.ndim(value) == 0 else list(value)
    if pd.isna(value):
        return None
    return {"int": int, "float": float, "string": str}[feature.dtype](value)


@pytest.fixture(params=["sqlite", "redis"])
def served(request: pytest.FixtureRequest, made: Made, tmp_path: Path) -> Iterator[tuple[FeastProfiles, str]]:
    """A repository, and the address of the server's store: both in SQLite, or both in one Redis."""
    if request.param == "sqlite":
        yield opened(made, tmp_path / "repo", "sqlite"), f"sqlite:///{tmp_path}/profiles.db"
    else:
        with redis_server.running() as server:
            yield opened(made, tmp_path / "repo", server.url), server.url


def test_feast_and_the_server_answer_as_the_join_does_at_every_moment(
    served: tuple[FeastProfiles, str], made: Made, reference: Answers
) -> None:
    repository, url = served
    n_values = 0
    for last, moments in made.stages.items():
        repository.materialize(end_of(DAYS[0]), last)
        write_profiles(url, repository.profiles(USERS + NEVER_SEEN))
        for answers in (answered_by_feast(repository, moments), answered_by_the_server(url, moments)):
            assert differences(answers, reference) == []
            n_values += sum(value is not None for values in answers.values() for value in values.values())
    assert n_values > 10_000  # most of what is compared is a value


def test_feasts_history_is_the_join(repository: FeastProfiles, made: Made, reference: Answers) -> None:
    answers = answered_by_feasts_history(repository, made)
    assert differences(answers, reference) == []
    assert sum(value is not None for values in answers.values() for value in values.values()) > 5_000


def test_a_single_value_that_is_changed_and_a_ttl_that_is_a_second_short_are_found(
    repository: FeastProfiles, made: Made, reference: Answers, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path}/profiles.db"
    last, moments = list(made.stages.items())[-1]
    repository.materialize(end_of(DAYS[0]), last)
    write_profiles(url, repository.profiles(USERS))
    user, features = next((user, ask(url, user).features) for user in USERS if ask(url, user).features)
    assert features is not None
    aged = features["session_minutes"]
    moved = Profile(user, dt.datetime.fromisoformat(aged["computed_at"]), {"session_minutes": (aged["value"] or 0) + 1})
    write_profiles(url, [moved])
    found = differences(answered_by_the_server(url, moments), reference)
    assert found
    assert {(line.startswith(user), " session_minutes: " in line) for line in found} == {(True, True)}
    shortened = differences(joined(made, shortened_s=1), reference)
    assert {line.split(": ")[-2].split()[-1] for line in shortened} >= {"tips_7d", "streak_days", "preferred_hour"}


def test_a_view_that_the_contract_does_not_have_any_more_goes(made: Made, tmp_path: Path) -> None:
    snapshots = made.lake.locate(layout.PROFILES)
    feast_repository.write(tmp_path, IN_FORCE, snapshots, "sqlite")
    FeastProfiles(tmp_path).apply()
    fewer = IN_FORCE._replace(profile=tuple(one for one in PROFILE_FEATURES if one.name != "preferred_hour"))
    feast_repository.write(tmp_path, fewer, snapshots, "sqlite")
    found = FeastProfiles(tmp_path)
    found.apply()
    assert {view.name for view in found.store.list_feature_views()} == {"profile_1h", "profile_1d", "profile_30d"}
    assert len(found.store.get_feature_service("profile").feature_view_projections) == 3


def test_what_cannot_be_done_is_told_in_one_sentence(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    monkeypatch.setenv("TIP_LAKE", made.lake.url)

    def refused(*command: str) -> str:
        done = CliRunner().invoke(main, ["features", *command])
        assert isinstance(done.exception, SystemExit), done.exception
        assert done.exit_code != 0
        return done.output

    nobody = f"redis://127.0.0.1:{redis_server.free_port()}"
    assert "holds no Feast repository" in refused("feast-export", "--to", f"sqlite:///{tmp_path}/profiles.db")
    assert "comes after --to" in refused("feast", "--from", "2026-03-05", "--to", "2026-03-01")
    assert not (tmp_path / "feast").exists()
    assert "Feast's online store cannot be used" in refused("feast", "--online", nobody)
    assert CliRunner().invoke(main, ["features", "feast"]).exit_code == 0
    assert "refused" in refused("feast-export", "--to", nobody)
    write_table(made.lake, layout.profile_features("2026-02-01"), pl.DataFrame({"user": ["ann"]}))
    try:
        assert "of 1 days have other columns than the contract in force" in refused("feast")
    finally:
        made.lake.delete(layout.profile_features("2026-02-01"))


def test_a_lake_in_an_object_store_fills_feast_alike(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with object_store.running(monkeypatch) as bucket:
        away = Lake(bucket.url)
        for day in DAYS[:2]:
            path = layout.profile_features(day.isoformat())
            away.write(path, made.lake.read(path))
        told = [opened(Made(lake, made.rows, made.stages), tmp_path / name, "sqlite")
                for name, lake in (("here", made.lake), ("away", away))]  # fmt: skip
        for repository in told:
            repository.materialize(end_of(DAYS[0]), end_of(DAYS[1]))
        here, there = (sorted(repository.profiles(USERS), key=str) for repository in told)
        assert here == there != []


@pytest.mark.parametrize("online", ["sqlite", "redis"])
def test_a_person_who_asks_to_be_forgotten_leaves_feasts_store_too(made: Made, tmp_path: Path, online: str) -> None:
    def forgotten(where: str) -> None:
        chosen = Settings(tip_home=tmp_path)
        assert feast_erasing.feast(chosen) is None
        repository = opened(made, feast_repository.folder_of(chosen), where)
        last = end_of(DAYS[-1])
        repository.materialize(end_of(DAYS[0]), last)
        user, other = sorted(set(made.rows["user"]))[:2]
        place = feast_erasing.feast(chosen)
        assert place is not None
        assert place.erase(user, last).n_removed >= len(PROFILE_FEATURES)
        assert place.erase(user, last).n_removed == 0
        assert list(repository.profiles([user])) == []
        assert [profile.user for profile in repository.profiles([other])] == [other]
        n_expired = place.expire(last + dt.timedelta(days=31)).n_removed
        assert (n_expired > 0) == (where == "sqlite")
        assert bool(list(repository.profiles([other]))) == (where != "sqlite")

    if online == "sqlite":
        forgotten(online)
    else:
        with redis_server.running() as server:
            forgotten(server.url)


_WATCHED = """
import json, os, sys
seen = []
def audit(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.sendto"}:
        seen.append(f"{event} {arguments!r:.120}")
    elif event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        seen.append(os.path.abspath(arguments[0]))
    elif event in {"os.mkdir", "os.rename", "sqlite3.connect", "subprocess.Popen"}:
        seen.append(os.path.abspath(str(arguments[1 if event == "os.rename" else 0])))
sys.addaudithook(audit)
sys.dont_write_bytecode = True
from tip_serving.cli import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(seen), file=sys.stderr)
"""


def test_the_commands_need_no_network_and_write_nowhere_but_where_they_were_told(made: Made, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "passing").mkdir()  # whatever lies there for a moment must be gone
    environment = child_environment(
        HOME=str(tmp_path / "home"), TMPDIR=str(tmp_path / "passing"), TIP_HOME=str(tmp_path / "tip"),
        TIP_LAKE=made.lake.url, TZ="America/New_York",
    )  # fmt: skip
    store = f"sqlite:///{tmp_path}/served/profiles.db"

    def run(*command: str) -> tuple[str, list[str]]:
        done = subprocess.run(
            [sys.executable, "-c", _WATCHED, "features", *command],
            env=environment, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout, json.loads(done.stderr.splitlines()[-1])

    told, did = run("feast", "--repo", str(tmp_path / "repo"))
    assert "4 views of contract" in told
    assert did
    _, exported = run("feast-export", "--repo", str(tmp_path / "repo"), "--to", store)
    allowed = (f"{tmp_path}/repo", f"{tmp_path}/served", f"{tmp_path}/passing", "/dev/null")
    assert [thing for thing in did + exported if not thing.startswith(allowed)] == []
    assert {path.name for path in tmp_path.iterdir()} == {"home", "passing", "repo", "served"}
    assert [path for name in ("home", "passing") for path in (tmp_path / name).iterdir()] == []
    assert sum(ask(store, user).features is not None for user in USERS) == len(set(made.rows["user"]))
