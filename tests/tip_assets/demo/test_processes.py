"""Programs of a demo: started again when they die, ended when their driver does."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from support.terminal import wait_until

from tip_assets.demo.processes import Fleet, Program, ProgramError, fleet
from tip_serving.bench.leases import ProcessName


def program(name: str, code: str = "import time; time.sleep(60)") -> Program:
    return Program(name, (sys.executable, "-c", code), {}, lambda: True)


def pid(home: Path, name: str) -> int:
    return ProcessName.model_validate_json((home / "run" / f"{name}.json").read_text()).pid


def test_a_program_that_dies_is_started_again_and_counted(tmp_path: Path) -> None:
    with fleet(tmp_path) as found:
        found.start(program("one"))
        first = pid(tmp_path, "one")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: pid(tmp_path, "one") != first and psutil.pid_exists(pid(tmp_path, "one")), timeout=20)
        found.wait_ready("one")
        assert found.n_restarts == {"one": 1}
        second = pid(tmp_path, "one")
    assert not psutil.pid_exists(second)
    assert not (tmp_path / "run" / "one.json").exists()


def test_a_program_that_ends_again_and_again_is_given_up_with_its_last_words(tmp_path: Path) -> None:
    command = program("one", "import sys; sys.exit('no such thing')").command
    broken = Program("one", command, {}, lambda: False)
    with fleet(tmp_path) as found, pytest.raises(ProgramError, match=r"(?s)ends again and again.*no such thing"):
        found.start(broken)


def test_what_a_dead_driver_left_behind_is_ended_by_the_next_one(tmp_path: Path) -> None:
    dead = Fleet(tmp_path)  # never ended, as one that was killed
    dead.start(program("one"))
    left = pid(tmp_path, "one")
    reaper = threading.Thread(target=dead._running["one"].process.wait)
    reaper.start()  # in the place of the system, which reaps orphans
    with fleet(tmp_path) as found:
        found.start(program("one"))
        reaper.join(20)
        assert not psutil.pid_exists(left)
        assert pid(tmp_path, "one") != left


def test_a_process_that_only_has_the_number_of_an_old_one_is_left_alone(tmp_path: Path) -> None:
    with fleet(tmp_path) as other:
        other.start(program("bystander"))
        bystander = pid(tmp_path, "bystander")
        name = ProcessName.model_validate_json((tmp_path / "run" / "bystander.json").read_text())
        older = name.model_copy(update={"started": name.started - 1_000})
        (tmp_path / "run" / "one.json").write_text(older.model_dump_json())
        other.start(program("one"))
        time.sleep(0.3)
        assert psutil.Process(bystander).status() != psutil.STATUS_ZOMBIE
        assert other.n_restarts == {}


def test_two_drivers_never_share_a_home(tmp_path: Path) -> None:
    with fleet(tmp_path), pytest.raises(ProgramError, match="Another demo is at work"), fleet(tmp_path):
        pass


def test_a_program_in_the_place_of_another_is_no_restart(tmp_path: Path) -> None:
    with fleet(tmp_path) as found:
        found.start(program("one"))
        first = pid(tmp_path, "one")
        changed = program("one", "import time; time.sleep(61)")
        found.replace(changed)
        found.wait_ready("one")
        assert found.program("one") == changed
        assert not psutil.pid_exists(first)
        time.sleep(0.3)
        assert found.n_restarts == {}
