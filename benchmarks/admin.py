"""The admin process on a large lake: 1,000 experiments, one of them with 300 cells, and 50 pages that stay open.

Told are the medians and the slowest of repeated answers, how long a browser takes to show a page, what the open pages
cost the server, and how much longer a bench takes beside them than alone.

    .venv/bin/python benchmarks/admin.py [--experiments 1000] [--models 100] [--pages 50] [--repeats 20]
"""

import argparse
import asyncio
import itertools
import re
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import httpx
import psutil
import socketio
from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from support import admin_site, bench
from support.admin_site import PASSWORD, Site

from tip_serving import settings as environment
from tip_serving.bench import results
from tip_serving.bench.identity import Cell, needs
from tip_serving.bench.results import CellResult, CellStatus
from tip_serving.bench.store import candidate_row
from tip_serving.bench.workshop import Workshop
from tip_serving.generation.model import Completion
from tip_serving.prompts import registry

BIG = "tip-bench-big"
WATCHED_S = 20.0
TO_BEAT_MS = 300


def fill_lake(place: Workshop, n_experiments: int, n_models: int) -> None:
    """Small experiments with four done cells each, and the big one with every prompt, scored and ranked."""
    for number in range(n_experiments - 1):
        asked = bench.create(place, experiment=f"tip-bench-small-{number:04d}")
        for model, prompt in itertools.product(asked.models, asked.prompts):
            done = CellResult(
                model=model, prompt=prompt, prompt_hash="", status=CellStatus.COMPLETE, n_needed=6, n_done=6,
                n_called=6, cost_usd=0.0,
            )  # fmt: skip
            results.save(place.lake, asked.experiment, done)
    models = [f"openai/model-{number:03d}" for number in range(n_models)]
    asked = bench.create(place, experiment=BIG, models=models, prompts=list(registry.versions()), n_scenarios=20)
    for number, (model, prompt) in enumerate(itertools.product(asked.models, asked.prompts)):
        cell, version = Cell(model, prompt), registry.get(prompt)
        wanted = needs(asked, cell, version, place.scenarios(BIG))
        segment = place.store.open_segment(cell)
        for at, need in enumerate(wanted):
            text = f"Begin with the first small step and take {at + number % 7} minutes. " * (1 + (at + number) % 4)
            completion = Completion(text, "stop", 100.0 + number, 600, 40, 0.0001 * (1 + number % 9), 1)
            segment.append(candidate_row(cell, version.content_hash, need, completion, BIG))
        segment.close()
        results.finish(place.store, BIG, cell, version.content_hash, wanted, (), len(wanted), None, None)
    place.judge_automatically(BIG)
    place.import_scores(BIG)
    place.rank(BIG)


def answer_times(site: Site, n_repeats: int) -> None:
    """How long routes and pages take until the last byte."""
    with httpx.Client(base_url=site.url, timeout=60) as client:
        client.post("/api/session", json={"name": "root", "password": PASSWORD}).raise_for_status()
        for path in (
            "/api/bench/experiments?limit=50",
            f"/api/bench/runs/{BIG}?limit=500",
            f"/api/bench/leaderboard/{BIG}",
            "/",
            f"/experiments/{BIG}",
        ):
            tell(path, [timed(lambda path=path: client.get(path).raise_for_status()) for _ in range(n_repeats)])


def shown_times(site: Site, n_repeats: int) -> None:
    """How long a browser takes from the address to the table, programs already cached."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=site.url)
        context.request.post("/api/session", data={"name": "root", "password": PASSWORD})
        page = context.new_page()
        for path, drawn in (
            ("/", ".experiments tbody tr"),
            (f"/experiments/{BIG}", ".grid td"),
            (f"/experiments/{BIG}", ".ranking tbody tr"),
        ):

            def show(path: str = path, drawn: str = drawn) -> None:
                page.goto(path, wait_until="commit")
                page.locator(drawn).first.wait_for()

            show()
            tell(f"{path} in a browser, {drawn.split()[0]}", [timed(show) for _ in range(n_repeats)])
        browser.close()


def timed(act: Callable[[], object]) -> float:
    """Milliseconds."""
    begun = time.perf_counter()
    act()
    return (time.perf_counter() - begun) * 1e3


def tell(what: str, times_ms: list[float]) -> None:
    """One line; the first answer, which had nothing to rest on, apart."""
    first, *others = times_ms
    median, slowest = statistics.median(others), max(others)
    print(f"{what:52} first {first:5.0f} ms, then {median:5.0f} ms, slowest {slowest:5.0f} ms (to beat: {TO_BEAT_MS})")


async def keep_open(site: Site, n_pages: int, meanwhile: Callable[[], None]) -> None:
    """Pages that stay open as a browser keeps them, half at the table and half at the big experiment."""
    async with httpx.AsyncClient(base_url=site.url, timeout=60) as client:
        (await client.post("/api/session", json={"name": "root", "password": PASSWORD})).raise_for_status()
        sockets = [await _open(client, site, ("/", f"/experiments/{BIG}")[number % 2]) for number in range(n_pages)]
        await asyncio.sleep(3)
        await asyncio.to_thread(meanwhile)
        print(f"{sum(one.connected for one in sockets)} of them are open still")
        for one in sockets:
            await one.disconnect()


async def _open(client: httpx.AsyncClient, site: Site, path: str) -> socketio.AsyncClient:
    """A page, and the socket that its program opens."""
    (client_id,) = re.findall(r"'client_id': '([0-9a-f-]+)'", (await client.get(path)).text)
    query = {
        "client_id": client_id,
        "next_message_id": 0,
        "implicit_handshake": "true",
        "document_id": uuid.uuid4(),
        "tab_id": uuid.uuid4(),
    }
    opened = socketio.AsyncClient()
    address = f"{site.url}?{urlencode(query)}"
    await opened.connect(address, socketio_path="/_nicegui_ws/socket.io", transports=["websocket"])
    return opened


def cpu_s(site: Site) -> float:
    """What the server has taken so far."""
    used = psutil.Process(site.process.pid).cpu_times()
    return used.user + used.system


def watched(site: Site) -> None:
    """What the server takes while nothing changes."""
    before = cpu_s(site)
    time.sleep(WATCHED_S)
    memory = psutil.Process(site.process.pid).memory_info().rss / 2**20
    print(f"  nothing changes: the server takes {(cpu_s(site) - before) / WATCHED_S:.0%} of a core and {memory:.0f} MB")


def bench_s(site: Site, number: int) -> float:
    """Seconds that a bench of embedded writers takes, in a process of its own."""
    command = [sys.executable, "-m", "tip_serving", "bench", "run", "--experiment", f"tip-bench-run-{number}"]
    asked = ["--n-scenarios", "100", "--sampling-seed", str(number)]
    begun, before = time.perf_counter(), cpu_s(site)
    environ = environment.child_environment(TIP_HOME=str(site.home))
    subprocess.run([*command, *asked], env=environ, check=True, capture_output=True)
    took = time.perf_counter() - begun
    print(f"  a bench takes {took:.1f} s, the server meanwhile {(cpu_s(site) - before) / took:.0%} of a core")
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experiments", type=int, default=1_000)
    parser.add_argument("--models", type=int, default=100, help="Of the big experiment; each meets every prompt.")
    parser.add_argument("--pages", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=20)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, admin_site.running(Path(folder) / "home") as site:
        fill_lake(site.place, asked.experiments, asked.models)
        print(f"{asked.experiments} experiments, one of {asked.models * len(registry.versions())} cells")
        answer_times(site, asked.repeats)
        shown_times(site, asked.repeats)
        alone, beside = [bench_s(site, 1)], []

        def meanwhile() -> None:
            print(f"{asked.pages} pages are open:")
            watched(site)
            beside.extend(bench_s(site, number) for number in (2, 3))

        asyncio.run(keep_open(site, asked.pages, meanwhile))
        alone.append(bench_s(site, 4))
        print(f"a bench beside them takes {min(beside) / min(alone):.2f} times as long as alone")


if __name__ == "__main__":
    main()
