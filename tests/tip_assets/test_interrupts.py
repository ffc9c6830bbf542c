"""Interrupts that Dagster keeps to itself still end a run."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from dagster._utils.interrupts import capture_interrupts
from support.bench import EXPERIMENT, create, workshop

from tip_assets.bench import running
from tip_assets.resources.interrupts import interrupts_noted


def test_an_interrupt_that_was_captured_and_dropped_is_raised_once() -> None:
    with interrupts_noted() as raise_noted:
        raise_noted()
        with capture_interrupts():
            os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            raise_noted()
        raise_noted()
    assert signal.set_wakeup_fd(-1) == -1


def test_outside_the_main_thread_nothing_is_noted_and_nothing_breaks() -> None:
    ended = []

    def note() -> None:
        with interrupts_noted() as raise_noted:
            raise_noted()
        ended.append(True)

    thread = threading.Thread(target=note)
    thread.start()
    thread.join()
    assert ended == [True]


def test_an_interrupt_at_the_end_of_a_run_starts_no_further_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TIP_HOME", str(tmp_path))
    place = workshop(tmp_path)
    create(place, n_scenarios=2)
    execute, executed = running._execute, []

    def execute_and_interrupt(*arguments: Any, **more: Any) -> str:
        executed.append(arguments[3])
        with capture_interrupts():  # as Dagster does around the whole run
            run_id = execute(*arguments, **more)
            os.kill(os.getpid(), signal.SIGINT)
        return run_id

    monkeypatch.setattr(running, "_execute", execute_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        running.run_to_end(place, EXPERIMENT, lambda _: None)
    assert executed == ["choose_scenarios"]
