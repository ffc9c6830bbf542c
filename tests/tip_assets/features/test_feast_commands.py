"""`tip features feast` and `feast-export` as programs: what they write where, what they refuse, whom they forget."""

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from click.testing import CliRunner
from support import object_store, redis_server
from support.profiles import ask
from support.snapshots import DAYS, USERS, applied, written

from tip_assets.features import feast_erasing, feast_repository
from tip_assets.features.feast_store import FeastProfiles
from tip_serving.cli import main
from tip_serving.features.contract import IN_FORCE
from tip_serving.features.profile import PROFILE_FEATURES
from tip_serving.lake import layout
from tip_serving.lake.storage import Lake
from tip_serving.lake.tables import write_table
from tip_serving.settings import Settings, child_environment
from tip_serving.training.profiles import end_of

pytestmark = [
    pytest.mark.slow,  # importing Feast takes 5 s
    pytest.mark.filterwarnings("ignore:::feast"),  # Feast and Dask call what pandas will remove
    pytest.mark.filterwarnings("ignore:::dask"),
]


class Made(NamedTuple):
    """A lake, and all rows of its snapshots."""

    lake: Lake
    rows: pl.DataFrame


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    return Made(lake, written(lake))


def test_a_view_that_the_contract_does_not_have_any_more_goes(made: Made, tmp_path: Path) -> None:
    snapshots = made.lake.locate(layout.PROFILES)
    feast_repository.write(tmp_path, IN_FORCE, snapshots, "sqlite")
    FeastProfiles(tmp_path).apply()
    fewer = IN_FORCE._replace(profile=tuple(one for one in PROFILE_FEATURES if one.name != "preferred_hour"))
    feast_repository.write(tmp_path, fewer, snapshots, "sqlite")
    found = FeastProfiles(tmp_path)
    found.apply()
    assert {view.name for view in found.store.list_feature_views()} == {"profile_1d", "profile_30d"}
    assert len(found.store.get_feature_service("profile").feature_view_projections) == 2


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
        told = [applied(lake, tmp_path / name, "sqlite")
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
        repository = applied(made.lake, feast_repository.folder_of(chosen), where)
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
    assert "3 views of contract" in told
    assert did
    _, exported = run("feast-export", "--repo", str(tmp_path / "repo"), "--to", store)
    allowed = (f"{tmp_path}/repo", f"{tmp_path}/served", f"{tmp_path}/passing", "/dev/null")
    assert [thing for thing in did + exported if not thing.startswith(allowed)] == []
    assert {path.name for path in tmp_path.iterdir()} == {"home", "passing", "repo", "served"}
    assert [path for name in ("home", "passing") for path in (tmp_path / name).iterdir()] == []
    assert sum(ask(store, user).features is not None for user in USERS) == len(set(made.rows["user"]))
