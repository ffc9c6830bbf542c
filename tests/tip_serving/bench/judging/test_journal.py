"""The journal of a judging session: what a dead process leaves is counted and arrives once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.bench import EXPERIMENT, create, fill_all, workshop

from tip_serving.bench.judging import intake, sessions
from tip_serving.bench.judging.export import Ask
from tip_serving.bench.judging.journal import EmptyJournalError, Journal, recover
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.judging.sessions import Ending, Header, Session
from tip_serving.bench.workshop import Workshop
from tip_serving.lake.storage import Lake

JUDGE = "llm:openai/judge"
RUBRIC = load_rubric()
HEADER = Header(
    session_id="20260105T090000.000000-0a0a0a0a",
    experiment=EXPERIMENT,
    judge=JUDGE,
    model="openai/judge",
    rubric_version=RUBRIC.version,
    is_pairs=False,
    n_items=24,
    started_at=datetime(2026, 1, 5, 9, tzinfo=UTC),
)


@pytest.fixture
def place(tmp_path: Path) -> Workshop:
    made = workshop(tmp_path)
    fill_all(made, create(made))
    return made


@pytest.fixture
def lines(place: Workshop) -> list[dict[str, Any]]:
    """A score line for every item that waits."""
    [batch] = place.export(EXPERIMENT, Ask(JUDGE))
    rows = [json.loads(line) for line in place.lake.read(batch.rows_path).splitlines()]
    points = dict.fromkeys(RUBRIC.names, 4)
    common = {"judge": JUDGE, "rubric_version": RUBRIC.version, "scores": points, "cost_usd": 0.5}
    return [{"item": row["item"], **common} for row in rows]


def _folder(place: Workshop) -> Path:
    return Journal.folder(place.settings.home, place.lake, EXPERIMENT, JUDGE)


@pytest.fixture
def journal(place: Workshop) -> Iterator[Journal]:
    """Of a session that has just begun."""
    made = Journal(_folder(place) / f"{HEADER.session_id}.jsonl", HEADER)
    yield made
    _die(made)


def _die(journal: Journal) -> None:
    """What the end of a process does to a journal."""
    journal._file.close()


def _n_readable(path: Path) -> int:
    """Verdicts that another process finds in a journal."""
    found = Journal(path)
    _die(found)
    return found.n_unshipped


def _call(cost_usd: float | None = 0.5, latency_ms: float = 10.0) -> dict[str, Any]:
    counted = {"prompt_tokens": 100, "completion_tokens": 20}
    return {"event": "call", "cost_usd": cost_usd, "latency_ms": latency_ms, **counted}


def _judge(journal: Journal, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        journal.note(_call())
        journal.note({"event": "verdict", "line": line})


def _n_said(lake: Lake) -> int:
    """Rows in the ledger, repeats counted."""
    return SCORES.history(lake, JUDGE, RUBRIC.version).height


def _only_session(place: Workshop) -> Session:
    [session] = sessions.read_all(place.lake, EXPERIMENT, JUDGE)
    return session


def test_what_a_dead_process_left_is_in_the_lake_after_recovery_and_counted(
    place: Workshop, journal: Journal, lines: list[dict[str, Any]]
) -> None:
    _judge(journal, lines[:7])
    journal.note(_call())  # answered and not readable
    journal.note({"event": "unscored", "item": lines[7]["item"], "kind": "unreadable", "reason": "no verdict"})
    _die(journal)
    assert _n_said(place.lake) == 0
    assert recover(_folder(place), place.lake) == 7
    assert _n_said(place.lake) == 7
    session = _only_session(place)
    assert (session.ending, session.n_judged, session.n_unscored, session.n_calls) == (Ending.DIED, 7, 1, 8)
    assert (session.cost_usd, session.prompt_tokens, session.completion_tokens) == (4.0, 800, 160)
    assert list(_folder(place).iterdir()) == []
    assert recover(_folder(place), place.lake) == 0


def test_a_chunk_that_had_arrived_without_a_mark_changes_nothing_when_it_comes_again(
    place: Workshop, journal: Journal, lines: list[dict[str, Any]]
) -> None:
    _judge(journal, lines[:3])
    journal.ship(place.lake)
    _judge(journal, lines[3:5])
    journal.note({"event": "cut"})
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines[3:5])
    assert intake.submit(place.lake, EXPERIMENT, data, JUDGE).accepted == 2  # and there the process dies
    _die(journal)
    assert recover(_folder(place), place.lake) == 2
    assert _n_said(place.lake) == 5
    assert _only_session(place).n_judged == 5


def test_half_a_line_at_the_end_never_counted(place: Workshop, journal: Journal, lines: list[dict[str, Any]]) -> None:
    _judge(journal, lines[:2])
    path = _folder(place) / f"{HEADER.session_id}.jsonl"
    whole = path.read_bytes()
    last = len(whole.splitlines(keepends=True)[-1])
    for cut in (1, last // 2, last - 1):
        path.write_bytes(whole[:-cut])
        assert _n_readable(path) == 1
    again = Journal(path)
    again.note({"event": "verdict", "line": lines[1]})
    _die(again)
    assert _n_readable(path) == 2


def test_a_journal_without_a_whole_line_is_dropped(place: Workshop) -> None:
    folder = _folder(place)
    folder.mkdir(parents=True)
    for name, content in (("a.jsonl", b""), ("b.jsonl", b'{"event": "ope')):
        (folder / name).write_bytes(content)
        with pytest.raises(EmptyJournalError):
            Journal(folder / name)
    assert recover(folder, place.lake) == 0
    assert list(folder.iterdir()) == []
    assert sessions.read_all(place.lake, EXPERIMENT, JUDGE) == []


def test_shipping_sends_each_verdict_once(place: Workshop, journal: Journal, lines: list[dict[str, Any]]) -> None:
    for start in range(0, 24, 5):
        _judge(journal, lines[start : start + 5])
        journal.ship(place.lake)
        journal.ship(place.lake)
    assert _n_said(place.lake) == 24
    assert journal.n_unshipped == 0
    session = journal.session(Ending.COMPLETE)
    assert (session.n_judged, session.cost_usd, session.latency_p50_ms) == (24, 12.0, 10.0)


def test_percentiles_are_those_of_the_calls(journal: Journal) -> None:
    assert journal.session(Ending.RUNNING).latency_p95_ms is None
    journal.note(_call(latency_ms=7.0))
    assert journal.session(Ending.RUNNING).latency_p95_ms == 7.0
    for latency_ms in range(8, 108):
        journal.note(_call(latency_ms=float(latency_ms)))
    session = journal.session(Ending.RUNNING)
    assert (session.latency_p50_ms, session.latency_p95_ms) == (57.0, 102.0)


def test_one_call_of_unknown_price_makes_the_cost_unknown(journal: Journal) -> None:
    journal.note(_call(0.5))
    assert journal.session(Ending.RUNNING).cost_usd == 0.5
    journal.note(_call(None))
    journal.note(_call(0.5))
    assert journal.session(Ending.RUNNING).cost_usd is None


def test_a_session_that_says_it_runs_while_its_judge_is_free_is_marked_as_dead(
    place: Workshop, journal: Journal
) -> None:
    sessions.write(place.lake, journal.session(Ending.RUNNING))
    sessions.bury_dead(place.lake, EXPERIMENT, JUDGE)
    session = _only_session(place)
    assert session.ending is Ending.DIED
    assert session.ended_at is not None
    sessions.write(place.lake, session.model_copy(update={"ending": Ending.COMPLETE}))
    sessions.bury_dead(place.lake, EXPERIMENT, JUDGE)
    assert _only_session(place).ending is Ending.COMPLETE
