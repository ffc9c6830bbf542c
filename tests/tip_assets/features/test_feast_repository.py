"""The files of a Feast repository: they say what the contract says, and are Python and YAML whatever it holds."""

import ast
import stat
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from tip_assets.features.feast_repository import (
    CONFIGURATION,
    DEFINITIONS,
    FeastRepositoryError,
    configuration,
    definitions,
    views,
    write,
)
from tip_serving.cli import main
from tip_serving.entry_points import EntryPointGroup
from tip_serving.features.cli import features
from tip_serving.features.contract import IN_FORCE, contract_hash
from tip_serving.features.profile import PROFILE_FEATURES


def test_every_declared_feature_is_in_the_one_view_of_its_ttl() -> None:
    found = [(feature.name, view.ttl_s) for view in views(PROFILE_FEATURES) for feature in view.features]
    assert sorted(found) == sorted((feature.name, feature.ttl_s) for feature in PROFILE_FEATURES)
    assert [view.name for view in views(PROFILE_FEATURES)] == ["profile_1d", "profile_7d", "profile_30d"]


def test_the_definitions_name_every_feature_with_its_type_and_the_contract() -> None:
    text = definitions(IN_FORCE, "/lake/features/profile")
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    fields = {
        ast.literal_eval(words["name"]): ast.unparse(words["dtype"])
        for call in calls
        if getattr(call.func, "id", "") == "Field" and (words := {word.arg: word.value for word in call.keywords})
    }
    assert fields.pop("user") == "String"
    assert fields.keys() == {feature.name for feature in PROFILE_FEATURES}
    assert (fields["tips_7d"], fields["favourite_labels"]) == ("Int64", "Array(String)")
    assert contract_hash() in text


@pytest.mark.parametrize("meaning", ['of "all"', "back\\slash {brace} %s", "家事 🙂", "two\nlines", '"""'])
def test_definitions_are_python_whatever_a_declaration_says(meaning: str) -> None:
    told = IN_FORCE._replace(profile=(PROFILE_FEATURES[0]._replace(meaning=meaning, source=meaning),))
    constants = [
        node.value
        for node in ast.walk(ast.parse(definitions(told, f"/lake/{meaning}")))
        if isinstance(node, ast.Constant)
    ]
    assert constants.count(meaning) == 2
    assert f"/lake/{meaning}" in constants


@pytest.mark.parametrize(
    ("url", "connection"),
    [
        ("redis://cache", "cache:6379,db=0"),
        ("redis://cache:7000/3", "cache:7000,db=3"),
        ("rediss://tip:hu%40sh@cache/1", "cache:6379,db=1,username=tip,password=hu@sh,ssl=true"),
    ],
)
def test_an_address_of_redis_is_spelled_as_feast_does(url: str, connection: str) -> None:
    online = yaml.safe_load(configuration(url))["online_store"]
    assert (online["type"], online["connection_string"]) == ("redis", connection)


@pytest.mark.parametrize(
    "url", ["mysql://tip:hush@cache", "redis://", "redis://:hush,er@cache", "redis://:hush$HOME@cache"]
)
def test_an_address_that_feast_cannot_spell_is_refused_and_no_password_repeated(url: str) -> None:
    with pytest.raises(FeastRepositoryError, match="Feast cannot") as refusal:
        configuration(url)
    assert "hush" not in str(refusal.value)


def test_what_may_hold_a_password_is_read_by_nobody_else_and_an_online_file_is_made_anew(tmp_path: Path) -> None:
    write(tmp_path / "repo", IN_FORCE, "/lake", "sqlite")
    (tmp_path / "repo/data/online.db").write_text("of people who are gone")
    write(tmp_path / "repo", IN_FORCE, "/lake", "redis://:hush@cache")
    assert {path.name for path in (tmp_path / "repo").rglob("*")} == {"data", CONFIGURATION, DEFINITIONS}
    assert stat.S_IMODE((tmp_path / "repo" / CONFIGURATION).stat().st_mode) == 0o600


def test_where_feast_is_not_installed_its_commands_are_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    def offered() -> str:
        group = EntryPointGroup(entry_point_group="tip.features", commands=dict(features.commands))
        told = CliRunner().invoke(group, ["--help"])
        assert told.exit_code == 0
        return told.output

    assert "feast-export" in offered()
    monkeypatch.setattr("tip_serving.entry_points._is_installed", lambda requirement: requirement.name != "feast")
    told = offered()
    assert "feast" not in told
    assert "check" in told


def test_a_lake_without_snapshots_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    monkeypatch.delenv("TIP_LAKE", raising=False)
    done = CliRunner().invoke(main, ["features", "feast"])
    assert done.exit_code == 1
    assert "holds no profile snapshot; materialize `profile_features` first" in done.output
    assert not (tmp_path / "feast").exists()
