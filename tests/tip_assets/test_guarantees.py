"""What a bench run holds to whatever happens to it: real processes, a real server on loopback, a lake on disk."""

import signal
import time
from pathlib import Path

import dagster as dg
import numpy as np
import polars as pl
import pytest
from support.openai_server import OpenAIServer
from support.terminal import Terminal, kill_tree, loopback, wait_until

from tip_assets.bench.sensors import bench_sensor
from tip_assets.resources.instance import open_instance
from tip_serving.settings import Settings

CONCURRENCY = 8
SMALL = (
    "bench", "run", "--experiment", "tip-bench-small", "--models", "openai/alpha,openai/beta", "--prompts", "v1,v2",
    "--n-scenarios", "40", "--concurrency", str(CONCURRENCY),
)  # fmt: skip
N_CALLS = 2 * 2 * 40
BOARD = ("model", "prompt", "status", "score_mean", "score_se", "n_scored", "n_unscored", "n_failed")


def _settings(terminal: Terminal) -> Settings:
    return Settings(tip_home=terminal.home, dagster_home=terminal.home / "dagster")


def _open_runs(terminal: Terminal) -> list[str]:
    statuses = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.NOT_STARTED]
    with open_instance(_settings(terminal)) as instance:
        return [run.run_id for run in instance.get_runs(dg.RunsFilter(statuses=statuses))]


def _board(terminal: Terminal) -> pl.DataFrame:
    return terminal.board("tip-bench-small").select(BOARD).sort("model", "prompt")


def assert_each_candidate_once(terminal: Terminal) -> None:
    for model in ("openai/alpha", "openai/beta"):
        for prompt in ("v1", "v2"):
            found = terminal.candidates(model, prompt)
            assert found.height == found["candidate_id"].n_unique() == 40


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pl.DataFrame:
    """The leaderboard of a run that nobody disturbed."""
    from support import openai_server

    home = tmp_path_factory.mktemp("undisturbed")
    with openai_server.running(home / "asked.jsonl") as server:
        terminal = loopback(home, server)
        done = terminal.run(*SMALL)
        assert done.returncode == 0, done.stderr
        assert server.asked().total() == N_CALLS
        return _board(terminal)


@pytest.mark.parametrize("n_asked", [0, 1, 60, 155])
def test_after_kill_9_the_same_command_repeats_no_more_calls_than_were_in_flight(
    tmp_path: Path, server: OpenAIServer, undisturbed: pl.DataFrame, n_asked: int
) -> None:
    terminal = loopback(tmp_path, server)
    process = terminal.start(*SMALL)
    if n_asked == 0:
        wait_until((tmp_path / "lake/bench/experiments/tip-bench-small/spec.json").exists)
        time.sleep(1.0)
    wait_until(lambda: server.asked().total() >= n_asked)
    kill_tree(process)

    done = terminal.run(*SMALL)

    assert done.returncode == 0, done.stderr
    asked = server.asked()
    assert len(asked) == N_CALLS
    assert asked.total() - N_CALLS <= CONCURRENCY
    assert_each_candidate_once(terminal)
    assert _board(terminal).equals(undisturbed)
    assert _open_runs(terminal) == []


@pytest.mark.slow
def test_killed_again_and_again_at_any_moment_it_still_ends_as_if_undisturbed(
    tmp_path: Path, server: OpenAIServer, undisturbed: pl.DataFrame
) -> None:
    terminal = loopback(tmp_path, server)
    moments = np.random.default_rng(7).uniform(0.0, 9.0, 14)
    for moment in moments:
        process = terminal.start(*SMALL)
        time.sleep(moment)
        kill_tree(process)

    done = terminal.run(*SMALL)

    assert done.returncode == 0, done.stderr
    asked = server.asked()
    assert len(asked) == N_CALLS
    assert asked.total() - N_CALLS <= CONCURRENCY * len(moments)
    assert_each_candidate_once(terminal)
    assert _board(terminal).equals(undisturbed)
    assert _open_runs(terminal) == []


def test_ctrl_c_ends_cleanly_and_the_same_command_goes_on(
    tmp_path: Path, server: OpenAIServer, undisturbed: pl.DataFrame
) -> None:
    terminal = loopback(tmp_path, server)
    process = terminal.start(*SMALL)
    wait_until(lambda: server.asked().total() >= 50)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 130, output
    assert "same command goes on" in output
    assert "Traceback" not in output
    assert list((tmp_path / "lake/bench/candidates").rglob("lease.json")) == []
    assert _open_runs(terminal) == []

    done = terminal.run(*SMALL)

    assert done.returncode == 0, done.stderr
    asked = server.asked()
    assert len(asked) == N_CALLS
    assert asked.total() - N_CALLS <= CONCURRENCY
    assert _board(terminal).equals(undisturbed)


@pytest.mark.parametrize("trouble", ["always429", "hang"])
def test_a_model_that_never_answers_fails_alone_and_only_it_is_asked_again(
    tmp_path: Path, server: OpenAIServer, trouble: str
) -> None:
    command = ("bench", "run", "--experiment", "tip-bench-small", "--models", f"openai/alpha,openai/{trouble}",
               "--prompts", "v1,v2", "--n-scenarios", "12", "--concurrency", "8")  # fmt: skip
    terminal = loopback(tmp_path, server)
    done = terminal.run(*command)
    assert done.returncode == 1, done.stderr
    board = terminal.board("tip-bench-small")
    by_model = {model: rows for (model,), rows in board.group_by("model")}
    assert by_model["openai/alpha"]["n_scored"].to_list() == [12, 12]
    assert by_model[f"openai/{trouble}"]["status"].to_list() == ["failed", "failed"]
    assert by_model[f"openai/{trouble}"]["score_mean"].to_list() == [None, None]
    assert f"openai/{trouble}|v1" in done.stdout
    assert "given up" in done.stdout

    with open_instance(_settings(terminal)) as instance, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIP_HOME", str(terminal.home))
        requested = bench_sensor.evaluate_tick(dg.build_sensor_context(instance=instance)).run_requests
    assert requested == []

    n_before = server.asked("alpha").total()
    again = terminal.run(*command)
    assert again.returncode == 1
    assert server.asked("alpha").total() == n_before == 24
    assert server.asked(trouble).total() > 8


def test_the_same_experiment_twice_makes_no_call_and_shared_cells_are_shared(
    tmp_path: Path, server: OpenAIServer
) -> None:
    terminal = loopback(tmp_path, server)
    assert terminal.run(*SMALL).returncode == 0
    again = terminal.run(*SMALL)
    assert again.returncode == 0
    assert "No call was needed" in again.stdout
    assert server.asked().total() == N_CALLS

    other = terminal.run(
        "bench", "run", "--experiment", "tip-bench-other", "--models", "openai/beta,openai/gamma",
        "--prompts", "v2", "--n-scenarios", "50",
    )  # fmt: skip
    assert other.returncode == 0, other.stderr
    # beta with v2 has its first 40 scenarios already; gamma is new.
    assert server.asked("beta").total() == 80 + 10
    assert server.asked("gamma").total() == 50
    assert set(server.asked().values()) == {1}
    assert terminal.board("tip-bench-other")["n_scored"].to_list() == [50, 50]


def test_bad_input_is_refused_with_all_faults_at_once_and_nothing_is_written(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path / "home")
    done = terminal.run(
        "bench", "run", "--experiment", "Nonsense", "--models", "llama,embedded/nobody,a/b|c", "--prompts", "v1,v99",
        "--n-tips", "0", "--n-scenarios", "-3", "--temperature", "7",
    )  # fmt: skip
    assert done.returncode == 2
    for word in ("Nonsense", "llama", "embedded/nobody", "a/b|c", "v99", "n_tips", "n_scenarios", "temperature"):
        assert word in done.stderr
    assert not (tmp_path / "home").exists()


def test_two_runs_at_once_make_no_call_twice(tmp_path: Path, server: OpenAIServer, undisturbed: pl.DataFrame) -> None:
    terminal = loopback(tmp_path, server)
    first, second = terminal.start(*SMALL), terminal.start(*SMALL)
    outputs = [process.communicate(timeout=90)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert set(server.asked().values()) == {1}
    assert server.asked().total() == N_CALLS
    assert_each_candidate_once(terminal)
    assert _board(terminal).equals(undisturbed)


def test_the_cost_limit_stops_within_one_round_of_calls_in_flight(tmp_path: Path, server: OpenAIServer) -> None:
    # gpt-4o costs 2.50 and 10 dollars per million tokens; the server counts 100 and 20: 0.00045 a call.
    terminal = loopback(tmp_path, server)
    command = ("bench", "run", "--experiment", "tip-bench-small", "--models", "openai/gpt-4o", "--prompts", "v1,v2",
               "--n-scenarios", "60", "--concurrency", "8", "--max-cost-usd", "0.009")  # fmt: skip
    done = terminal.run(*command)
    assert done.returncode == 1, done.stderr
    assert "cost limit of $0.009 was reached" in done.stdout
    n_at_limit = 20
    assert n_at_limit <= server.asked().total() <= n_at_limit + 8
    assert terminal.board("tip-bench-small")["n_scored"].sum() == server.asked().total()

    assert terminal.run(*command).returncode == 1
    assert server.asked().total() <= n_at_limit + 8


def test_a_cancelled_run_stops_and_goes_on_when_it_is_run_again(tmp_path: Path, server: OpenAIServer) -> None:
    terminal = loopback(tmp_path, server)
    # Half a second a call: the command that cancels must be there before the last one.
    command = [word.replace("openai/", "openai/slow-") for word in SMALL]
    process = terminal.start(*command)
    wait_until(lambda: server.asked().total() >= 20)
    assert terminal.run("bench", "cancel", "tip-bench-small").returncode == 0
    output, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "Cancelled" in output
    assert server.asked().total() < N_CALLS
    assert terminal.run(*command).returncode == 0
    assert len(server.asked()) == N_CALLS
