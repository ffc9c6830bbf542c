"""Assignments: what they share out, what keeps a unit out, what stays, and what they cost to import."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from tip_experiments.assignment.assign import Reason, assign
from tip_experiments.assignment.buckets import BucketRange
from tip_experiments.assignment.experiment import Experiment, Holdout, Namespace
from tip_experiments.assignment.sticky import StickyDocument

TIPS = Experiment(key="tips", variations=("v1", "v2", "v3"), weights=(0.5, 0.3, 0.2), coverage=0.8)
USERS = [{"id": f"user-{i}"} for i in range(12_000)]


def test_drawn_shares_match_the_propensities_that_are_logged() -> None:
    found = [a for user in USERS if (a := assign(TIPS, user)).is_in_experiment]
    logged = {a.name: a.propensity for a in found}
    assert sum(p for p in logged.values() if p is not None) == pytest.approx(1, abs=1e-12)
    # Weights to within two places of the 8,000 that are covered: 0.5 + 0.24 falls just short of the place 0.74.
    assert logged == pytest.approx({"v1": 0.5, "v2": 0.3, "v3": 0.2}, abs=2 / 8_000)
    counts = Counter(a.name for a in found)
    expected = [len(found) * (logged[name] or 0.0) for name in ("v1", "v2", "v3")]
    assert stats.chisquare([counts["v1"], counts["v2"], counts["v3"]], expected).pvalue > 1e-4
    assert len(found) / len(USERS) == pytest.approx(0.8, abs=0.015)


def test_propensities_count_places_not_weights() -> None:
    thirds = Experiment(key="thirds", variations=("a", "b", "c"))
    logged = {a.name: a.propensity for a in (assign(thirds, user) for user in USERS[:200])}
    assert logged == {"a": 0.3334, "b": 0.3333, "c": 0.3333}


def test_an_assignment_is_the_same_in_another_process() -> None:
    program = (
        "from tip_experiments.assignment.assign import assign\n"
        "from tip_experiments.assignment.experiment import Experiment\n"
        "tips = Experiment(key='tips', variations=('v1', 'v2', 'v3'), weights=(0.5, 0.3, 0.2), coverage=0.8)\n"
        "print(''.join(str(assign(tips, {'id': f'user-{i}'}).variation) for i in range(300)))"
    )
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert there.stdout.strip() == "".join(str(assign(TIPS, user).variation) for user in USERS[:300])


def test_parts_of_a_namespace_share_no_unit_and_leave_none_out() -> None:
    low = Experiment(key="low", variations=("a", "b"), namespace=Namespace("screen", 0, 0.3))
    high = Experiment(key="high", variations=("a", "b"), namespace=Namespace("screen", 0.3, 1))
    pairs = [(assign(low, user), assign(high, user)) for user in USERS[:3_000]]
    assert all(one.is_in_experiment is not other.is_in_experiment for one, other in pairs)
    assert {one.reason for one, _ in pairs} == {Reason.RANDOMISED, Reason.OTHER_NAMESPACE}
    assert np.mean([one.is_in_experiment for one, _ in pairs]) == pytest.approx(0.3, abs=0.04)


def test_a_hold_out_keeps_the_same_units_out_of_every_experiment_and_tells_nothing_of_variations() -> None:
    quarter = (Holdout("2025-q3", 0.1),)
    one = Experiment(key="one", variations=("a", "b"), holdouts=quarter)
    other = Experiment(key="other", variations=("a", "b", "c"), holdouts=quarter)
    out = [
        {user["id"] for user in USERS if assign(experiment, user).reason is Reason.HELD_OUT}
        for experiment in (one, other)
    ]
    assert out[0] == out[1]
    assert len(out[0]) / len(USERS) == pytest.approx(0.1, abs=0.012)
    without = Experiment(key="one", variations=("a", "b"))
    table = np.zeros((2, 2))
    for user in USERS:
        table[int(user["id"] in out[0]), assign(without, user).variation] += 1
    assert stats.chi2_contingency(table).pvalue > 1e-4


def test_kill_switches_give_everybody_the_control_and_only_the_general_one_stops_a_forced_variation() -> None:
    off = Experiment(key="tips", variations=("v1", "v2"), is_active=False)
    assert assign(off, {"id": "1"})[1:5] == (0, "v1", False, Reason.INACTIVE)
    assert assign(off, {"id": "1"}, forced={"tips": 1}).reason is Reason.FORCED_BY_CALLER
    assert assign(off, {"id": "1"}, forced={"tips": 1}).variation == 1
    assert assign(TIPS, {"id": "1"}, is_enabled=False, forced={"tips": 1})[1:5] == (0, "v1", False, Reason.DISABLED)


def test_a_forced_variation_is_neither_randomised_nor_remembered() -> None:
    forced = assign(TIPS, {"id": "1"}, forced={"tips": 2}, sticky={})
    assert (forced.is_in_experiment, forced.is_randomised, forced.propensity, forced.to_store) == (
        True,
        False,
        None,
        None,
    )
    assert assign(TIPS, {"id": "1"}, forced={"tips": 3}).reason is Reason.NO_SUCH_VARIATION


def test_sticky_units_keep_their_variation_when_weights_and_coverage_change() -> None:
    store: dict[str, StickyDocument] = {}
    before = {}
    for user in USERS[:500]:
        found = assign(TIPS, user, sticky=store)
        if found.to_store is not None:
            store[found.to_store.key] = found.to_store
            before[user["id"]] = found.name
    # Variations are stored by name: another order, another one in front and less coverage move nobody.
    changed = Experiment(key="tips", variations=("v4", "v3", "v2", "v1"), coverage=0.1)
    for user in USERS[:500]:
        found = assign(changed, user, sticky=store, is_eligible=False)
        if user["id"] in before:
            assert (found.name, found.reason, found.propensity) == (before[user["id"]], Reason.STICKY, None)
            assert found.to_store is None
        else:
            assert found.reason is Reason.NOT_ELIGIBLE
    assert 300 < len(before) < 500


def test_a_sticky_variation_that_is_gone_is_dealt_anew() -> None:
    store = {"id||1": StickyDocument("id", "1", {"tips__0": "v9", "other__0": "x"})}
    found = assign(Experiment(key="tips", variations=("v1", "v2")), {"id": "1"}, sticky=store)
    assert found.reason is Reason.RANDOMISED
    assert found.to_store is not None
    assert found.to_store.assignments == {"tips__0": found.name, "other__0": "x"}


def test_a_withdrawn_version_and_a_later_hold_out_take_sticky_units_out() -> None:
    store = {"id||1": StickyDocument("id", "1", {"tips__0": "v2"})}
    newer = Experiment(key="tips", variations=("v1", "v2"), bucket_version=1, min_bucket_version=1)
    assert assign(newer, {"id": "1"}, sticky=store).reason is Reason.VERSION_WITHDRAWN
    held = Experiment(key="tips", variations=("v1", "v2"), holdouts=(Holdout("all", 1.0),))
    assert assign(held, {"id": "1"}, sticky=store).reason is Reason.HELD_OUT


def test_a_sticky_document_survives_its_json_and_others_are_refused() -> None:
    document = StickyDocument("id", "1", {"tips__0": "v2"})
    assert StickyDocument.from_json(document.to_json()) == document
    with pytest.raises(ValueError, match=r"attributeValue None, assignments None; expected"):
        StickyDocument.from_json({"attributeName": "id"})
    with pytest.raises(ValueError, match=r"assignments \{'tips__0': 2\}; expected"):
        StickyDocument.from_json({**document.to_json(), "assignments": {"tips__0": 2}})


@pytest.mark.parametrize("value", [1.0, True, ["1"], b"1"])
def test_ids_that_programs_write_differently_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="Attribute 'id' tells units apart"):
        assign(TIPS, {"id": value})


def test_whole_numbers_are_their_digits_and_zero_is_a_unit() -> None:
    assert assign(TIPS, {"id": 42}) == assign(TIPS, {"id": "42"})
    assert assign(TIPS, {"id": 0}).unit == "0"
    assert assign(TIPS, {"id": ""}).reason is Reason.NO_UNIT


def test_ranges_of_no_length_are_never_drawn() -> None:
    parts = (BucketRange(0, 0), BucketRange(0, 1))
    found = {assign(Experiment(key="k", variations=("a", "b"), ranges=parts), user).name for user in USERS[:500]}
    assert found == {"b"}


def test_assignment_loads_neither_numpy_nor_scipy() -> None:
    program = (
        "import sys\n"
        "import tip_experiments.assignment.assign, tip_experiments.assignment.rotation\n"
        "print(sorted({'numpy', 'scipy', 'pydantic', 'polars'} & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert seen.stdout.strip() == "[]"
