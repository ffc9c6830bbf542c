"""An installation under the home of a demo: the programs, the event store that they fill, and who lives with them.

Events take the clock of their requests here, and whatever could make an answer depend on how busy the machine is has
room enough: the same requests are to make the same events.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import msgspec

from tip_assets.demo import processes
from tip_assets.demo.living import TEMPERATURE, Living
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
    url: str
    """Of the server."""
    has_broker: bool

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
                with urlopen(f"{self.url}/readyz", timeout=2) as answer:  # noqa: S310  our own http address
                    told = msgspec.json.decode(answer.read())
            except OSError:
                continue
            if told["manifest"] == manifest:
                return
            time.sleep(_POLL_S)
        raise ProgramError(f"The server does not come to serve release {manifest}; it says {told}.")


@contextmanager
def installation(home: Path, settings: Settings, world: World) -> Iterator[Installation]:
    """Everything up, to be ended at the end. Raises ProgramError."""
    with processes.fleet(home) as fleet:
        shared = _environment(home)
        broker = processes.broker(home, processes.free_port())
        if broker is not None:
            fleet.start(broker)
            shared["TIP_NATS_URL"] = f"nats://127.0.0.1:{broker.command[4]}"
        port = processes.free_port()
        url = f"http://127.0.0.1:{port}"
        fleet.start(processes.server(port, **shared))
        if broker is not None:
            fleet.start(processes.consumers(**shared))
        with closing(open_store(settings)) as store:
            names = ["server"] if broker is None else ["nats-server", "server", "consumers"]
            gather: Callable[[], None] = (lambda: _import(store, settings)) if broker is None else (lambda: None)

            def all_ready() -> None:
                for name in names:
                    fleet.wait_ready(name)

            with closing(Living(world, url, store, all_ready, gather)) as living:
                yield Installation(settings, fleet, store, living, url, broker is not None)


def online_store(home: Path) -> Path:
    """Where the profiles of people lie for the server."""
    return home / "online.db"


def _environment(home: Path) -> dict[str, str]:
    return {
        "TIP_EVENT_CLOCK": "request",
        "TIP_ONLINE_STORE": f"sqlite:///{online_store(home)}",
        "TIP_ONLINE_STORE_BUDGET_S": "20",
        "TIP_GENERATE_BUDGET_S": "100",
        "TIP_GENERATE_TEMPERATURE": str(TEMPERATURE),
        "TIP_MANIFEST_POLL_S": "0.2",
        "TIP_SHADOW_QUEUE": "100000",
        "TIP_EVENT_QUEUE": "1000000",
        "TIP_RETENTION_DAYS": "3650",  # the virtual days may lie in the past
        "TIP_WAL_ROTATE_S": "0.3",
        "TIP_LOG_LEVEL": "warning",
    }


def _import(store: EventStore, settings: Settings) -> None:
    for _ in import_files(store, settings.wal_directory):
        pass
