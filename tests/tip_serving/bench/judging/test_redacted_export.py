"""A redacted export: the same items without what tells who somebody is, and scores that count like any."""

import datetime as dt
import json
from pathlib import Path

import pytest
from support.bench import EXPERIMENT, create, fill_all, workshop
from support.judging import exported, given, submit

from tip_serving.bench.judging.export import Ask
from tip_serving.bench.workshop import Workshop
from tip_serving.scenarios import sets
from tip_serving.scenarios.model import Scenario, Situation, Task

_SECRETS = ("Okafor", "Priya", "priya@example.org", "7946", "Lindenstraße", "4111")
_TASKS = (
    "Call Dr. Okafor at +44 20 7946 0958",
    "Send the contract to priya@example.org",
    "Pick up keys at Lindenstraße 14a",
    "Block card 4111 1111 1111 1111 and tell Priya",
)


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    made = workshop(tmp_path)
    now = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
    tasks = [Task(id=str(n), content=text, added_at=now) for n, text in enumerate(_TASKS)]
    lists = [Scenario.of(Situation(now=now, tasks=tuple(tasks[n:])), "imported") for n in range(3)]
    sets.save_set(made.lake, "mine", lists)
    fill_all(made, create(made, scenarios="mine", n_scenarios=3))
    return made


def test_nothing_that_tells_who_somebody_is_leaves_when_asked(place: Workshop) -> None:
    def text(ask: Ask) -> str:
        return "".join(json.dumps(item.row, ensure_ascii=False) for item in exported(place, ask))

    assert [secret for secret in _SECRETS if secret not in text(Ask("ana"))] == []
    redacted = text(Ask("ana", is_redacted=True))
    assert [secret for secret in _SECRETS if secret in redacted] == []
    assert "[name 1]" in redacted


def test_a_redacted_batch_is_another_one_with_the_same_items_whose_scores_count(place: Workshop) -> None:
    whole, redacted = exported(place, Ask("ana")), exported(place, Ask("ana", is_redacted=True))
    assert {item.row["batch"] for item in whole}.isdisjoint({item.row["batch"] for item in redacted})
    assert sorted(item.key.candidate_id for item in whole) == sorted(item.key.candidate_id for item in redacted)
    submit(place, [given(item, 4) for item in redacted])
    assert place.export(EXPERIMENT, Ask("ana")) == []
