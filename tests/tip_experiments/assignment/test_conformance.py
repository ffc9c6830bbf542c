"""GrowthBook's own test cases, where they are at hand: those that concern assignment, and a table of the others."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tip_experiments.assignment.assign import Assignment, assign
from tip_experiments.assignment.buckets import (
    BucketRange,
    bucket_ranges,
    choose_variation,
    equal_weights,
    in_namespace,
)
from tip_experiments.assignment.experiment import Experiment, Filter, Namespace
from tip_experiments.assignment.hashing import place
from tip_experiments.assignment.sticky import StickyDocument

ROOT = Path(__file__).parents[3]
CASES_FILE = ROOT.parent / "shared" / "conformance" / "growthbook_cases.json"
CASES: dict[str, list[Any]] = json.loads(CASES_FILE.read_text(encoding="utf-8")) if CASES_FILE.exists() else {}

pytestmark = pytest.mark.skipif(not CASES, reason="GrowthBook's cases lie beside the checkout of its maintainers only")

SECTIONS_ELSEWHERE = {
    "evalCondition": "targeting by attributes is the caller's, who passes is_eligible",
    "feature": "features with default values and rules are configuration; an experiment here is assigned by itself",
    "getQueryStringOverride": "reading a URL is the web's; the caller passes forced",
    "decrypt": "configuration is not fetched, so none arrives encrypted",
    "urlRedirect": "redirecting is the web's",
    "contextualBandit": "weights by context are tip_experiments.policies",
}
CASES_ELSEWHERE = {
    "querystring force": SECTIONS_ELSEWHERE["getQueryStringOverride"],
    "querystring force with inactive": SECTIONS_ELSEWHERE["getQueryStringOverride"],
}
FIELDS = {
    "active": "is_active",
    "bucketVersion": "bucket_version",
    "coverage": "coverage",
    "fallbackAttribute": "fallback_attribute",
    "force": "force",
    "hashAttribute": "hash_attribute",
    "key": "key",
    "minBucketVersion": "min_bucket_version",
    "seed": "seed",
}
READ_APART = {"condition", "disableStickyBucketing", "filters", "hashVersion", "meta", "namespace", "parentConditions",
              "phase", "ranges", "variations", "weights"}  # fmt: skip


def _ranges(pairs: list[list[float]]) -> tuple[BucketRange, ...]:
    return tuple(BucketRange(*pair) for pair in pairs)


def _experiment(given: Mapping[str, Any]) -> Experiment:
    """The definition in GrowthBook's words as ours; unknown fields are an error, so that no case passes by neglect."""
    assert set(given) <= FIELDS.keys() | READ_APART
    names = [entry["key"] for entry in given.get("meta", [])] or [str(i) for i in range(len(given["variations"]))]
    return Experiment(
        **{ours: given[theirs] for theirs, ours in FIELDS.items() if theirs in given},
        variations=tuple(names),
        hash_version=given.get("hashVersion", 1),
        is_sticky=not given.get("disableStickyBucketing", False),
        weights=tuple(given["weights"]) if "weights" in given else None,
        ranges=_ranges(given["ranges"]) if "ranges" in given else None,
        namespace=Namespace(*given["namespace"]) if "namespace" in given else None,
        filters=tuple(
            Filter(f["seed"], _ranges(f["ranges"]), f.get("attribute", "id"), f.get("hashVersion", 2))
            for f in given.get("filters", [])
        ),
    )


def _is_eligible(context: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """The caller's part, for the three kinds of condition that the cases use."""
    verdicts = []
    for name, expected in given.get("condition", {}).items():
        actual = context["attributes"].get(name)
        is_group = isinstance(expected, dict)
        verdicts.append(actual in context["savedGroups"][expected["$inGroup"]] if is_group else actual == expected)
    verdicts += [
        context["features"][parent["id"]]["defaultValue"] == parent["condition"]["value"]
        for parent in given.get("parentConditions", [])
    ]
    return all(verdicts)


def _named(section: str) -> list[Any]:
    return [pytest.param(*case[1:], id=case[0]) for case in CASES.get(section, [])]


def test_every_section_is_either_run_here_or_named_as_somebody_elses() -> None:
    run_here = {"hash", "getBucketRange", "chooseVariation", "inNamespace", "getEqualWeights", "run", "stickyBucket"}
    assert CASES.keys() - {"specVersion"} == run_here | SECTIONS_ELSEWHERE.keys()
    assert {case[0] for case in CASES["run"]} >= CASES_ELSEWHERE.keys()


@pytest.mark.parametrize(("seed", "value", "version", "expected"), CASES.get("hash", []))
def test_hash(seed: str, value: str, version: Any, expected: float | None) -> None:
    if expected is None:
        with pytest.raises(ValueError, match="99 is unknown"):
            place(seed, value, version)
    else:
        assert place(seed, value, version) == expected


@pytest.mark.parametrize(("arguments", "expected"), _named("getBucketRange"))
def test_bucket_range(arguments: list[Any], expected: list[list[float]]) -> None:
    assert [pytest.approx(pair, abs=1e-9) for pair in expected] == [list(pair) for pair in bucket_ranges(*arguments)]


@pytest.mark.parametrize(("at", "ranges", "expected"), _named("chooseVariation"))
def test_choose_variation(at: float, ranges: list[tuple[float, float]], expected: int) -> None:
    assert choose_variation(at, ranges) == expected


@pytest.mark.parametrize(("unit", "namespace", "expected"), _named("inNamespace"))
def test_in_namespace(unit: str, namespace: tuple[str, float, float], expected: bool) -> None:
    assert in_namespace(unit, *namespace) is expected


@pytest.mark.parametrize(("n", "expected"), CASES.get("getEqualWeights", []))
def test_equal_weights(n: int, expected: list[float]) -> None:
    assert equal_weights(n) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize(("context", "given", "value", "is_in_experiment", "hash_used"), _named("run"))
def test_run(
    context: dict[str, Any],
    given: dict[str, Any],
    value: Any,
    is_in_experiment: bool,
    hash_used: bool,
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.callspec.id
    if name in CASES_ELSEWHERE:
        pytest.skip(CASES_ELSEWHERE[name])
    found = assign(
        _experiment(given),
        context.get("attributes", {}),
        forced=context.get("forcedVariations"),
        is_eligible=_is_eligible(context, given),
        is_enabled=context.get("enabled", True),
        is_qa=context.get("qaMode", False),
    )
    assert given["variations"][found.variation] == value
    assert found.is_in_experiment is is_in_experiment
    assert found.is_randomised is hash_used


@pytest.mark.parametrize(("context", "documents", "feature", "expected", "stored"), _named("stickyBucket"))
def test_sticky_bucket(
    context: dict[str, Any],
    documents: list[dict[str, Any]],
    feature: str,
    expected: dict[str, Any] | None,
    stored: dict[str, dict[str, Any]],
) -> None:
    (rule,) = context["features"][feature]["rules"]
    given = {"key": feature, **rule}
    store = {document.key: document for document in map(StickyDocument.from_json, documents)}
    found = assign(_experiment(given), context["attributes"], sticky=store, is_eligible=_is_eligible(context, given))
    _assert_agrees(found, given, expected)
    if found.to_store is not None:
        store[found.to_store.key] = found.to_store
    # Documents of others are in our store and were never in theirs.
    own = {f"{name}||{value}" for name, value in context["attributes"].items()}
    assert {key: document.to_json() for key, document in store.items() if key in own} == stored


def _assert_agrees(found: Assignment, given: dict[str, Any], expected: dict[str, Any] | None) -> None:
    assert found.is_in_experiment is (expected is not None)
    if expected is not None:
        assert found.place == expected["bucket"]
        assert (found.attribute, found.unit) == (expected["hashAttribute"], expected["hashValue"])
        assert (found.variation, found.name) == (expected["variationId"], expected["key"])
        assert given["variations"][found.variation] == expected["value"]
        assert (found.reason == "sticky") is expected["stickyBucketUsed"]
        assert found.is_randomised is expected["hashUsed"]
