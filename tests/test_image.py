"""The steps of the server's image, in a fresh environment that holds the extra `serving` and nothing else."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.nats_server import free_port
from support.released import ask
from support.serving import Serving, is_ready
from support.terminal import ROOT, wait_until

DOCKERFILE = (ROOT / "deploy" / "serving.Dockerfile").read_text(encoding="utf-8")


def test_the_image_is_not_root_and_ends_and_probes_as_the_server_expects() -> None:
    assert re.search(r"^USER (?!0|root)", DOCKERFILE, re.MULTILINE)
    assert "STOPSIGNAL SIGTERM" in DOCKERFILE
    assert 'ENTRYPOINT ["python", "-m", "tip_serving"]' in DOCKERFILE
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split()), source


def _health_check(port: int) -> list[str]:
    command = json.loads(re.search(r"^HEALTHCHECK .*? CMD \\\n\s+(\[.*\])$", DOCKERFILE, re.MULTILINE).group(1))  # type: ignore[union-attr]
    return [part.replace(":8000", f":{port}") for part in command[1:]]


@pytest.mark.slow
def test_the_installed_server_answers_every_route_and_writes_nowhere_but_home(tmp_path: Path) -> None:
    folder, home = tmp_path / "tip", tmp_path / "home"
    # Where packages come from is for the machine to say.
    outside = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    subprocess.run(["deploy/install-serving", str(folder)], cwd=ROOT, env=outside, check=True, timeout=280)
    python = str(folder / "bin" / "python")
    installed = {path.name for path in (folder / "lib" / "python3.11" / "site-packages").iterdir()}
    assert not installed & {"dagster", "mlflow", "scipy", "polars", "pandas", "pyarrow", "nicegui", "pytest"}
    before = sorted(str(path) for path in folder.rglob("*"))
    home.mkdir()
    port = free_port()
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [python, "-m", "tip_serving", "--port", str(port)], cwd=home, stdout=log, stderr=log,
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "TIP_HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
    server = Serving(home, port, process)
    try:
        wait_until(lambda: process.poll() is not None or is_ready(server), timeout=60)
        scored = server.post("/score", ask())
        assert scored.status == 200
        assert server.post("/generate", b'{"user": "u"}').json["written_by"] == "model"
        decision = scored.json["decision_id"]
        told = {"user": "u-1", "decision_id": decision, "tip_id": scored.json["order"][0], "reaction": "done"}
        assert server.post("/feedback", json.dumps(told).encode()).status == 200
        assert {server.get(path).status for path in ("/livez", "/readyz", "/metrics", "/openapi.json")} == {200}
        assert subprocess.run([python, *_health_check(port)], check=False, timeout=20).returncode == 0
        assert server.end() == 0
        assert len(server.events) == 3
        assert subprocess.run([python, *_health_check(port)], check=False, capture_output=True).returncode != 0
    finally:
        process.kill()
        process.wait()
    assert sorted(str(path) for path in folder.rglob("*")) == before
