"""Feast's answer, the server's and the as-of join are one: value for value, at every edge of every TTL."""

import asyncio
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import polars as pl
import pytest
from support import redis_server
from support.profiles import ask
from support.snapshots import DAYS, USERS, applied, written

from tip_assets.features import feast_repository
from tip_assets.features.feast_store import FeastProfiles
from tip_serving.features.profile import PROFILE_FEATURES, ProfileFeature, resolve
from tip_serving.lake.storage import Lake
from tip_serving.scoring.online_store import Profile, Profiles, open_store, write_profiles
from tip_serving.training.profiles import end_of

pytestmark = [
    pytest.mark.slow,  # importing Feast takes 5 s
    pytest.mark.filterwarnings("ignore:::feast"),  # Feast and Dask call what pandas will remove
    pytest.mark.filterwarnings("ignore:::dask"),
]

NEVER_SEEN = ["nobody", ""]
SECOND = dt.timedelta(seconds=1)
# After the snapshot: at once; an hour later and a little more; shortly before the next one.
WITHIN_A_DAY = (0 * SECOND, 3600 * SECOND, 3600 * SECOND + dt.timedelta(microseconds=1), 86_399 * SECOND)

Answers = dict[tuple[str, dt.datetime], dict[str, Any]]
"""By person and moment, of every declared feature the value, None where none holds."""


class Made(NamedTuple):
    """A lake with snapshots, and what is asked about them: for each snapshot the moments at which it is the last."""

    lake: Lake
    rows: pl.DataFrame
    stages: dict[dt.datetime, list[dt.datetime]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    lake = Lake(str(tmp_path_factory.mktemp("lake with spaces")))
    rows = written(lake)
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
    return Made(lake, rows, stages)


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
    return applied(made.lake, tmp_path_factory.mktemp("repo"), "sqlite")


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
        yield applied(made.lake, tmp_path / "repo", "sqlite"), f"sqlite:///{tmp_path}/profiles.db"
    else:
        with redis_server.running() as server:
            yield applied(made.lake, tmp_path / "repo", server.url), server.url


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
