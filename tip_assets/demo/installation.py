"""An installation under the home of a demo: the programs, the event store that they fill, and who lives with them.

What they are told by their environment stands in `cli`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import msgspec

from tip_assets.demo import processes
from tip_assets.demo.living import Living
from tip_assets.demo.processes import Fleet, ProgramError
from tip_assets.demo.world import World
from tip_serving.events.importing import import_files
from tip_serving.events.store import EventStore, open_store
from tip_serving.settings import Settings

_SERVES_WITHIN_S = 60.0
_POLL_S = 0.1


@dataclass(frozen=True)
class Installation:
    """What is up while a demo runs."""

    settings: Settings
    fleet: Fleet
    store: EventStore
    living: Living
    port: int
    """Of the server."""
    broker: Mapping[str, str]
    """The environment in which programs find the broker; empty where there is none."""

    def prepare(self, model: str) -> None:
        """Begin to start a server whose tips this model writes; one that writes with it already goes on."""
        program = processes.server(self.port, **self.broker, TIP_GENERATE_MODEL=model)
        if self.fleet.program("server") != program:
            self.fleet.replace(program)

    def serve(self, manifest: str | None) -> None:
        """Wait until the server serves this release.

        Raises:
            ProgramError: it refuses it, or does not come to it.
        """
        end = time.monotonic() + _SERVES_WITHIN_S
        told: dict[str, object] = {}
        while time.monotonic() < end:
            self.fleet.wait_ready("server")
            try:
                with urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=2) as answer:
                    told = msgspec.json.decode(answer.read())
            except OSError:
                continue
            if told["manifest"] == manifest:
                return
            time.sleep(_POLL_S)
        raise ProgramError(f"The server does not come to serve release {manifest}; it says {told}.")


@contextmanager
def installation(home: Path, settings: Settings, world: World) -> Iterator[Installation]:
    """Everything up but the server, which `prepare` starts; all of it is ended at the end. Raises ProgramError."""
    with processes.fleet(home) as fleet:
        found: dict[str, str] = {}
        broker = processes.broker(home, processes.free_port())
        if broker is not None:
            fleet.start(broker)
            found["TIP_NATS_URL"] = f"nats://127.0.0.1:{broker.command[4]}"
            fleet.start(processes.consumers(**found))
        port = processes.free_port()
        with closing(open_store(settings)) as store:
            gather: Callable[[], None] = (lambda: _import(store, settings)) if broker is None else (lambda: None)
            living = Living(world, f"http://127.0.0.1:{port}", store, fleet.wait_all, gather)
            with closing(living):
                yield Installation(settings, fleet, store, living, port, found)


def _import(store: EventStore, settings: Settings) -> None:
    for _ in import_files(store, settings.wal_directory):
        pass
