"""The example in TypeScript passes the compiler's strictest checks and does with a running server what it says."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from support.nats_server import free_port
from support.serving import serving
from support.terminal import ROOT

from tip_serving.events.exposure import Exposure
from tip_serving.events.feedback import Feedback

EXAMPLE = ROOT / "deploy" / "typescript" / "recommend.ts"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("typescript")
    compiler = shutil.which("tsc")
    if compiler is None or shutil.which("node") is None:
        pytest.skip("node or tsc is not installed (Debian: apt-get install nodejs node-typescript)")
    shutil.copy(EXAMPLE, folder)
    (folder / "package.json").write_text('{"type": "module"}')
    options = ["--target", "es2022", "--module", "es2022", "--moduleResolution", "node", "--lib", "es2022,dom",
               "--strict", "--noUncheckedIndexedAccess"]  # fmt: skip
    done = subprocess.run([compiler, *options, "recommend.ts"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return folder / "recommend.js"


def test_the_example_takes_one_tip_from_tasks_to_feedback(program: Path, tmp_path: Path) -> None:
    with serving(tmp_path, routes="all") as server:
        done = subprocess.run(
            ["node", str(program), server.url], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert server.end() == 0
        scored = next(event for event in server.events if isinstance(event, Exposure) and event.kind == "score")
        told = next(event for event in server.events if isinstance(event, Feedback))
    assert said["decision_id"] == scored.decision_id == told.decision_id
    assert said["event_id"] == told.event_id
    assert [author is not None for author in scored.written] == [False, True]
    assert said["shown"] == told.tip_id == scored.tip_ids[scored.order[0]]
    assert said["propensities"] == pytest.approx(scored.propensities)
    assert said["faults"], "a request without candidates was not refused"


def test_the_example_says_why_it_could_not_call(program: Path) -> None:
    done = subprocess.run(
        ["node", str(program), f"http://127.0.0.1:{free_port()}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "fetch failed" in done.stderr
