"""Which tips go along: every kind of scenario, whole rounds, never more than the page bears."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import pages

from tip_serving.bench.page import sample
from tip_serving.bench.page.content import Sample, SampleScenario, Score, Tip


def test_rare_kinds_are_chosen_too_and_always_the_same_ones() -> None:
    kind_of = {f"{i:04x}": "common" for i in range(2000)} | {"aaaa": "rare", "bbbb": "rare", "cccc": "odd"}
    chosen = sample.choose(kind_of, 10)
    assert len(set(chosen)) == 10
    assert {"aaaa", "bbbb", "cccc"} <= set(chosen)
    assert chosen == sample.choose(dict(reversed(kind_of.items())), 10)


def test_everything_is_chosen_where_there_is_little() -> None:
    assert set(sample.choose({"a": "x", "b": "y"}, 10)) == {"a", "b"}
    assert sample.choose({}, 10) == ()


@given(st.text())
def test_no_text_leaves_its_script_element_and_all_come_back(text: str) -> None:
    written = sample.as_json([text])
    assert not set("<>&\u2028\u2029") & set(written)
    assert json.loads(written) == [text]


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="JSON"):
        sample.as_json([float("nan")])


def test_a_second_tip_of_each_cell_goes_along_for_all_scenarios_or_for_none() -> None:
    cells = pages.grid(4, 2)
    tips = pages.sample(cells, n_scenarios=6, n_tips=3)
    sizes = {}
    for limit in range(5_000, 80_000, 5_000):
        encoded = sample.encode(tips, [pages.board(cells=cells)], limit)
        counts = {len(scenario["tips"]) for scenario in encoded["scenarios"]}
        assert len(counts) == 1
        assert counts <= {8, 16, 24}
        sizes[limit] = (len(encoded["scenarios"]), *counts)
        if len(encoded["scenarios"]) > 1:
            assert len(sample.as_json(encoded["scenarios"]).encode()) <= limit * 1.01
    assert sizes[5_000] < (6, 8) < sizes[75_000] == (6, 24)


def test_fifty_cells_with_ten_tips_each_fit() -> None:
    cells = pages.grid(10, 5)
    encoded = sample.encode(pages.sample(cells, sample.MAX_SCENARIOS, n_tips=10), [pages.board(cells=cells)])
    assert len(sample.as_json(encoded).encode()) < sample.MAX_BYTES * 1.02
    assert len(encoded["scenarios"]) == sample.MAX_SCENARIOS
    assert {len({tip[0] for tip in scenario["tips"]}) for scenario in encoded["scenarios"]} == {50}


def test_scores_keep_judge_points_and_comment() -> None:
    tip = Tip(
        model="m", prompt="v1", sample_index=0, text="t",
        scores=(
            Score(judge="ben", rubric_version="r2", score=2, points={"tone": 2}),
            Score(judge="ana", rubric_version="r1", score=3, points={"tone": 3, "brevity": 4}, comment="so"),
        ),
    )  # fmt: skip
    one = SampleScenario(scenario_id="s", kind="k", now="now", n_tasks=0, tips=(tip,))
    encoded = sample.encode(Sample(scenarios=(one,), n_scenarios=1, n_candidates=1), [pages.board()])
    first, second = encoded["judges"]
    assert (first["judge"], first["criteria"]) == ("ana", ["tone", "brevity"])
    assert (second["judge"], second["rubric"], second["criteria"]) == ("ben", "r2", ["tone"])
    assert encoded["scenarios"][0]["tips"][0][3] == [[1, 2.0, [2.0], ""], [0, 3.0, [3.0, 4.0], "so"]]


def test_an_endless_tip_is_cut_and_says_so() -> None:
    tip = Tip(model="m", prompt="v1", sample_index=0, text="x" * 100_000)
    one = SampleScenario(scenario_id="s", kind="k", now="now", n_tasks=0, tips=(tip,))
    encoded = sample.encode(Sample(scenarios=(one,), n_scenarios=1, n_candidates=1), [pages.board()])
    text = encoded["scenarios"][0]["tips"][0][2]
    assert len(text) < 2 * sample.MAX_TEXT
    assert text.endswith("(cut; 100,000 characters in all)")
