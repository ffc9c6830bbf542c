"""`tip bench judge` as a user runs it: real processes that are killed, interrupted and started twice."""

import json
import signal
from collections import Counter
from pathlib import Path

import pytest
from support.bench import EXPERIMENT, create, fill_all, workshop
from support.openai_server import OpenAIServer
from support.terminal import Terminal, kill_tree, loopback, wait_until

from tip_serving.bench import leases
from tip_serving.bench.identity import Cell
from tip_serving.bench.judging import sessions
from tip_serving.bench.judging.rubric import load_rubric
from tip_serving.bench.judging.scores import SCORES
from tip_serving.bench.judging.sessions import Ending, Session
from tip_serving.lake import layout

CONCURRENCY = 4
N_TIPS = 80
JUDGE = "llm:openai/judge"
COMMAND = ("bench", "judge", EXPERIMENT, "--model", "openai/judge", "--concurrency", str(CONCURRENCY))
PRICE = "input_usd_per_mtok = 10\noutput_usd_per_mtok = 50\n"


@pytest.fixture
def terminal(tmp_path: Path, server: OpenAIServer) -> Terminal:
    home = tmp_path / "home"
    home.mkdir()
    (home / "models.toml").write_text(f'["openai/judge"]\n{PRICE}["openai/judgealways429"]\n{PRICE}')
    made = workshop(home)
    fill_all(made, create(made, n_scenarios=20))
    return loopback(home, server)


def _sessions(terminal: Terminal) -> list[Session]:
    return sessions.read_all(terminal.lake, EXPERIMENT, JUDGE)


def _n_said(terminal: Terminal) -> int:
    return SCORES.history(terminal.lake, JUDGE, load_rubric().version).height


def _spooled(terminal: Terminal) -> list[Path]:
    return list((terminal.home / "spool" / "judging").rglob("*.jsonl"))


def assert_all_scored_once(terminal: Terminal) -> None:
    assert _n_said(terminal) == SCORES.latest(terminal.lake, JUDGE, load_rubric().version).height == N_TIPS
    assert _spooled(terminal) == []
    assert not terminal.lake.exists(layout.judging_lease(EXPERIMENT, JUDGE))


def test_after_kill_9_the_same_command_asks_no_more_again_than_was_in_flight(
    terminal: Terminal, server: OpenAIServer
) -> None:
    process = terminal.start(*COMMAND)
    wait_until(lambda: server.asked().total() >= 50)
    kill_tree(process)
    n_asked = server.asked().total()
    n_answered = sum(path.read_bytes().count(b'"event": "verdict"') for path in _spooled(terminal))
    assert n_answered >= n_asked - 2 * CONCURRENCY  # a verdict is on disk as soon as it is there

    done = terminal.run(*COMMAND)
    assert done.returncode == 0, done.stdout + done.stderr
    assert N_TIPS <= server.asked().total() <= N_TIPS + CONCURRENCY
    assert all(request["response_format"] for request in server.requests())
    assert "verdicts that a process had left when it died are in" in done.stdout
    assert JUDGE in done.stdout
    assert_all_scored_once(terminal)
    died, complete = _sessions(terminal)
    assert (died.ending, complete.ending) == (Ending.DIED, Ending.COMPLETE)
    assert died.n_judged + complete.n_judged == N_TIPS
    assert died.n_judged == died.n_calls == n_answered
    assert died.cost_usd == pytest.approx(n_answered * 0.002)


@pytest.mark.slow
def test_ctrl_c_keeps_what_came_back_and_the_same_command_goes_on(terminal: Terminal, server: OpenAIServer) -> None:
    process = terminal.start(*COMMAND)
    wait_until(lambda: server.asked().total() >= 20)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "the same command goes on from here" in output
    assert "Traceback" not in output
    [session] = _sessions(terminal)
    assert session.ending is Ending.INTERRUPTED
    # Calls on the wire were let finish: every one that was asked counts.
    assert session.n_judged == server.asked().total() == _n_said(terminal) < N_TIPS
    assert _spooled(terminal) == []
    done = terminal.run(*COMMAND)
    assert done.returncode == 0, done.stdout + done.stderr
    assert server.asked().total() == N_TIPS
    assert_all_scored_once(terminal)


@pytest.mark.slow
def test_two_at_once_ask_nothing_twice(terminal: Terminal, server: OpenAIServer) -> None:
    first = terminal.start(*COMMAND)
    wait_until(lambda: server.asked().total() >= 1)
    holding = leases.read_at(terminal.lake, layout.judging_lease(EXPERIMENT, JUDGE))
    assert holding is not None
    assert holding.process.pid == first.pid
    second = terminal.start(*COMMAND)
    outputs = [process.communicate(timeout=120)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    asked = Counter(json.dumps(request["messages"]) + str(request["seed"]) for request in server.requests())
    assert asked.total() == len(asked) == N_TIPS
    assert_all_scored_once(terminal)
    assert [session.n_judged for session in _sessions(terminal)] == [N_TIPS]


@pytest.mark.slow
def test_a_model_that_fails_for_ever_ends_the_command_with_the_reason(terminal: Terminal, server: OpenAIServer) -> None:
    done = terminal.run("bench", "judge", EXPERIMENT, "--model", "openai/judgealways429", "--concurrency", "4")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "was given up: 5 calls in a row failed" in done.stdout
    assert "rate_limited" in done.stdout
    assert len(server.asked()) <= 5 + CONCURRENCY


@pytest.mark.slow
def test_what_cannot_judge_is_refused_before_anything_is_written(terminal: Terminal, server: OpenAIServer) -> None:
    before = sorted(path for path in terminal.home.rglob("*") if path.is_file())
    done = terminal.run("bench", "judge", EXPERIMENT, "--model", "embedded/planner")
    assert done.returncode == 2
    assert "cannot judge" in done.stderr
    done = terminal.run("bench", "judge", EXPERIMENT, "--model", "openai/nobody", "--max-cost-usd", "1")
    assert done.returncode == 2
    assert "price is unknown" in done.stderr
    done = terminal.run("bench", "judge", "tip-bench-nowhere", "--model", "openai/judge")
    assert done.returncode == 2
    assert sorted(path for path in terminal.home.rglob("*") if path.is_file()) == before
    assert server.asked().total() == 0


@pytest.mark.slow
def test_a_race_leaves_out_who_cannot_win_and_says_why(terminal: Terminal, server: OpenAIServer) -> None:
    command = (*COMMAND[:3], "--model", "openai/judgelong", "--race", "6")
    done = terminal.run(*command)
    assert done.returncode == 0, done.stderr
    assert "dropped embedded/first" in done.stdout
    by_model = {str(cell.model): n for cell, n in _n_judged_by_cell(terminal).items()}
    assert by_model["embedded/first"] < 20
    assert server.asked("judgelong").total() < N_TIPS
    n_before = server.asked("judgelong").total()
    assert "The race is over" in terminal.run(*command).stdout
    assert server.asked("judgelong").total() == n_before


@pytest.mark.slow
def test_a_limit_holds_over_all_rounds_of_a_race(terminal: Terminal, server: OpenAIServer) -> None:
    done = terminal.run(*COMMAND, "--race", "3", "--limit", "20")
    assert done.returncode == 0, done.stderr
    assert _n_said(terminal) == server.asked("judge").total() == 20


def _n_judged_by_cell(terminal: Terminal) -> Counter[Cell]:
    scored = set(SCORES.latest(terminal.lake, "llm:openai/judgelong", load_rubric().version)["candidate_id"])
    cells = [Cell(model, prompt) for model in ("embedded/first", "embedded/planner") for prompt in ("v1", "v2")]
    return Counter({cell: len(scored & set(terminal.candidates(*cell)["candidate_id"])) for cell in cells})
