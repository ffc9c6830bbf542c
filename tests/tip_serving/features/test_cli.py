"""`tip features`: differences with their exit code, and an export that passes its own check."""

import datetime as dt
import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from support.situations import MONDAY_NOON, situation

from tip_serving.features.cli import features
from tip_serving.features.context import CONTEXT_FEATURES, resolve_context
from tip_serving.features.contract import IN_FORCE, contract_hash
from tip_serving.features.declared import FeatureError
from tip_serving.features.profile import PROFILE_FEATURES, resolve

NAMES = [feature.name for feature in PROFILE_FEATURES]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(features, arguments)


@cache
def exported(form: str) -> str:
    done = run("export", "--format", form)
    assert done.exit_code == 0
    return done.stdout


def checked(tmp_path: Path, source: str) -> Result:
    file = tmp_path / "registry.ts"
    file.write_text(source, encoding="utf-8")
    return run("check", str(file))


def test_what_is_exported_passes_the_check(tmp_path: Path) -> None:
    done = checked(tmp_path, exported("typescript"))
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == f"14 profile features agree with contract {contract_hash()}.\n"


@pytest.mark.parametrize("feature", PROFILE_FEATURES, ids=NAMES)
def test_each_ttl_and_each_name_that_is_changed_is_found(tmp_path: Path, feature: Any) -> None:
    source = exported("typescript")
    line = next(line for line in source.splitlines() if f'{{ name: "{feature.name}"' in line)
    number = source.splitlines().index(line) + 1
    longer = checked(tmp_path, source.replace(line, line.replace("ttlSec: ", "ttlSec: 1 + ")))
    assert longer.exit_code == 1
    assert longer.stdout == (
        f"{feature.name}: has ttlSec {feature.ttl_s + 1} in line {number}; {feature.ttl_s} is declared\n"
    )
    renamed = checked(tmp_path, source.replace(line, line.replace(feature.name, "other")))
    assert renamed.exit_code == 1
    assert renamed.stdout.splitlines() == [
        f"{feature.name}: is declared with ttlSec {feature.ttl_s} and not in the registry",
        f"other: is in the registry in line {number} and not declared",
    ]


def test_every_kind_of_difference_is_printed_at_once(tmp_path: Path) -> None:
    rows = [{"name": feature.name, "ttlSec": feature.ttl_s} for feature in PROFILE_FEATURES[2:]]
    rows += [{"name": "completion_rate"}, {"name": "mood", "ttlSec": 5}, {"name": "hour", "ttlSec": 60}, rows[0]]
    rows += [{"name": "weekday", "ttlSec": 0}, {"name": "n_tasks"}, {"name": "a team"}]
    source = "export const F = [\n" + ",\n".join(map(json.dumps, rows)) + "\n]"
    done = checked(tmp_path, source)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "preferred_hour: is declared with ttlSec 604800 and not in the registry",
        "completion_rate: has no ttlSec in line 14; 86400 is declared",
        "hour: has ttlSec 60 in line 16; it is a context feature, derived at each call and never cached",
        "mood: is in the registry in line 15 and not declared",
        "tips_7d: is in the registry 2 times, in lines 2, 17",
    ]
    assert done.stderr == f"5 differences from contract {contract_hash()}.\n"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "no object with a name and a ttlSec was found"),
        ("export const F = { name: 'tips_7d' };", "no object with a name and a ttlSec was found"),
        (
            "const F = [{ name: 'mood', ttlSec: 5 },\n{ name: 'tips_7d', ttlSec: days(1) }]",
            "registry.ts:2: ttlSec: days",
        ),
    ],
)
def test_a_file_that_cannot_be_made_out_is_bad_input(tmp_path: Path, source: str, said: str) -> None:
    done = checked(tmp_path, source)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_file_that_is_no_text_or_not_there_is_bad_input(tmp_path: Path) -> None:
    file = tmp_path / "registry.ts"
    assert run("check", str(file)).exit_code == 2
    file.write_bytes(b"\xff\xfe\x00")
    done = run("check", str(file))
    assert done.exit_code == 2
    assert "not UTF-8" in done.stderr


def test_the_exported_lists_are_what_node_reads(tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node is not installed")
    # What an older Node takes: the lists without what only TypeScript knows.
    plain = exported("typescript").partition("/** What `profile_features`")[0].replace(" as const;", ";")
    plain = "\n".join(line for line in plain.splitlines() if not line.startswith("export type"))
    program = f"{plain}\nconsole.log(JSON.stringify([CONTRACT_HASH, PROFILE_FEATURES, CONTEXT_FEATURES]));"
    (tmp_path / "contract.mjs").write_text(program, encoding="utf-8")
    done = subprocess.run([node, str(tmp_path / "contract.mjs")], capture_output=True, text=True, check=True)
    name, profile, context = json.loads(done.stdout)
    assert name == contract_hash()
    for shown, feature in zip(profile, PROFILE_FEATURES, strict=True):
        assert (shown["name"], shown["dtype"], shown["ttlSec"], shown["source"], shown["meaning"]) == (
            feature.name, feature.dtype, feature.ttl_s, feature.source, feature.meaning,
        )  # fmt: skip
        assert shown["fallback"] == json.loads(json.dumps(feature.fallback))
    assert [(shown["name"], shown["freshness"]) for shown in context] == [
        (feature.name, feature.freshness) for feature in CONTEXT_FEATURES
    ]


def test_every_declared_feature_is_listed() -> None:
    listed = run("list").stdout
    assert contract_hash() in listed
    assert all(feature.name in listed for feature in (*IN_FORCE.profile, *IN_FORCE.context))


@cache
def validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(exported("json-schema"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["x-contract-hash"] == contract_hash()
    return jsonschema.Draft202012Validator(schema)


def is_accepted(shipped: dict[str, Any]) -> bool:
    try:
        resolve(shipped["profile_features"], None, MONDAY_NOON)
        resolve_context(shipped["context"], situation())
    except FeatureError:
        return False
    return True


def test_the_schema_knows_no_other_fields() -> None:
    assert validator().is_valid({"profile_features": {"language": "en"}, "context": None})
    assert not validator().is_valid({"profile_features": {"language": "en\n"}})
    assert not validator().is_valid({"profile_features": None, "mood": {}})


MOMENTS = st.datetimes(timezones=st.just(dt.UTC)).map(dt.datetime.isoformat)
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-5, 60_000), st.floats(0, 1), st.sampled_from([9.0, 1e300, -0.5, 10**20]),
    st.sampled_from(["en", "de-AT", "", "e", "UTC", "Europe/Berlin", "22-7", "24-1", "morning", "en\n", "x" * 40]),
    st.lists(st.sampled_from(["home", "x" * 201, ""]), max_size=3), st.lists(st.just("a"), min_size=51, max_size=52),
    st.lists(st.integers(), min_size=1, max_size=1),
)  # fmt: skip
AGED = st.fixed_dictionaries({"value": SCALARS, "computed_at": MOMENTS}, optional={"more": st.just(1)})
SHIPPED = st.fixed_dictionaries(
    {
        "profile_features": st.none() | st.dictionaries(st.sampled_from([*NAMES, "mood"]), SCALARS | AGED, max_size=3),
        "context": st.none()
        | st.dictionaries(st.sampled_from([f.name for f in CONTEXT_FEATURES] + ["mood"]), SCALARS, max_size=3),
    }
)


def is_zone_in_doubt(shipped: dict[str, Any]) -> bool:
    """Whether there is a time zone that looks like one: whether it exists is beyond a schema."""
    zone = (shipped["profile_features"] or {}).get("time_zone")
    zone = zone.get("value") if isinstance(zone, dict) else zone
    return isinstance(zone, str) and zone not in {"UTC", "Europe/Berlin"}


@settings(max_examples=400, deadline=None)
@given(SHIPPED)
def test_the_schema_accepts_what_the_server_accepts_and_nothing_else(shipped: dict[str, Any]) -> None:
    if not is_zone_in_doubt(shipped):
        assert validator().is_valid(shipped) == is_accepted(shipped), shipped
