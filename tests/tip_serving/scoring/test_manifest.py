"""The released manifest: what can be meant is read, what cannot is refused with every reason."""

import json
from typing import Any

import pytest

from tip_serving.scoring.manifest import ManifestError, Role, parse

FILE = {"path": "models/reward/1/model.txt", "sha256": "0" * 64, "version": "1"}


def arm(name: str, role: str, weight: float, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "role": role,
        "weight": weight,
        "model": None,
        "policy": None,
        "prompt_policy": None,
        **changes,
    }


def written(*arms: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps(
        {"version": "r1", "created_at": "2026-03-01T00:00:00Z", "arms": arms, "example": None, **changes}
    ).encode()


def faults(data: bytes) -> str:
    with pytest.raises(ManifestError) as refused:
        parse(data)
    return "\n".join(refused.value.faults)


def test_users_meet_the_champion_first_and_shadows_never() -> None:
    manifest = parse(written(arm("new", "challenger", 0.1), arm("dark", "shadow", 0.0), arm("old", "champion", 0.9)))
    assert [found.name for found in manifest.live] == ["old", "new"]
    assert [found.name for found in manifest.shadows] == ["dark"]
    assert manifest.live[0].role is Role.CHAMPION


def test_every_fault_is_told_at_once() -> None:
    told = faults(written(
        arm("", "king", 1.5), arm("b", "shadow", 0, model={**FILE, "sha256": "xyz"}),
        arm("c", "shadow", "1", policy={**FILE, "stray": 1}), created_at="yesterday",
    ))  # fmt: skip
    for place in ("arms.0.name", "arms.0.role", "arms.0.weight", "arms.1.model.sha256", "arms.1.model.contract_hash",
                  "arms.2.weight", "arms.2.policy.stray", "created_at"):  # fmt: skip
        assert place in told


@pytest.mark.parametrize(
    ("arms", "reason"),
    [
        ([arm("a", "challenger", 1.0)], "0 arms are champion"),
        ([arm("a", "champion", 0.5), arm("b", "champion", 0.5)], "2 arms are champion"),
        ([arm("a", "champion", 0.5), arm("b", "challenger", 0.4)], "sum to 0.9"),
        ([arm("a", "champion", 1.0), arm("a", "shadow", 0.0)], "arms repeat: a"),
        ([], "arms"),
    ],
)
def test_arms_that_do_not_fit_one_another_are_refused(arms: list[dict[str, Any]], reason: str) -> None:
    assert reason in faults(written(*arms))


def test_a_shadow_takes_no_part_of_the_users() -> None:
    assert parse(written(arm("a", "champion", 1.0), arm("b", "shadow", 0.7))).version == "r1"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../x/y", "models/../../x", "models//x", "x", "models/.hidden", "a/b\nc"]
)
def test_a_path_that_leaves_the_lake_is_refused(path: str) -> None:
    model = {**FILE, "path": path, "contract_hash": "0"}
    assert "arms.0.model.path" in faults(written(arm("a", "champion", 1.0, model=model)))


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_manifest_is_refused(data: bytes) -> None:
    assert faults(data)
