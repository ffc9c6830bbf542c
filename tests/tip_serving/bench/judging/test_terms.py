"""What a language model is asked to judge: terms that cannot be met are refused before anything is done."""

import pytest

from tip_serving.bench.judging.terms import Terms
from tip_serving.generation.catalog import Catalog


@pytest.mark.parametrize(
    ("terms", "fields", "words"),
    [
        (Terms("embedded/planner"), {"model"}, "cannot judge"),
        (Terms("gpt-4o"), {"model"}, "provider/model"),
        (Terms("openai/" + "x" * 150), {"model"}, "cannot name a judge"),
        (Terms("openai/nobody-knows", max_cost_usd=1.0), {"max_cost_usd"}, "price is unknown"),
        (Terms("openai/gpt-4o", partners=1, anchor_set="people"), {"anchors"}, "single tips"),
        (Terms("embedded/planner", partners=1, anchor_set="people"), {"model", "anchors"}, "cannot judge"),
    ],
)
def test_terms_that_cannot_be_met_are_refused_with_all_their_faults(terms: Terms, fields: set[str], words: str) -> None:
    found = terms.faults(Catalog())
    assert {fault.field for fault in found} == fields
    assert words in " ".join(fault.message for fault in found)


def test_a_model_with_a_price_and_a_name_is_welcome() -> None:
    assert Terms("openai/gpt-4o-mini", max_cost_usd=1.0, anchor_set="people").faults(Catalog()) == []
