"""One stretch of virtual time, lived: signals are told, tips asked for and shown, reactions reported.

All ids follow from the plan. A stretch is over when each of its events is in the event store. Whatever dies meanwhile,
the stretch is lived again from its beginning: the same requests make the same events, and the store has each once.
"""

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from tip_assets.demo import rhythm
from tip_assets.demo.catalogue import known_tips
from tip_assets.demo.people import Person
from tip_assets.demo.plan import TEMPERATURE
from tip_assets.demo.rhythm import HISTORY_DAYS, Opening
from tip_assets.demo.stretch import Decision, Stretch, Told
from tip_assets.demo.world import World, chances
from tip_serving.client import Recommendation, ServerError, TipClient
from tip_serving.events.signal import AnySignal
from tip_serving.events.store import EventStore
from tip_serving.prompts import registry
from tip_serving.scoring.event_clock import EventClock
from tip_serving.scoring.prompt_choice import AUTO
from tip_serving.scoring.request import Candidate, FeedbackRequest

CLIENTS = 8
_TRIED_EVERY = 6  # days: then one's first tip is by a prompt in rotation and shown unranked, whatever is released
_QUIET_S = 4.0  # without a new event in the store: what is missing died on its way
_POLL_S = 0.1
_ANSWERS_WITHIN_S = 120.0
_MOST_TRIES = 20
_CLOCK = EventClock(is_of_requests=True)


class LivingError(Exception):
    """A stretch that does not come to its end."""


@dataclass(frozen=True)
class _Lived:
    event_ids: frozenset[str]
    decisions: tuple[Decision, ...]
    later: tuple[Told, ...]


class Living:
    """Lives the days of a world with the programs of a demo.

    Args:
        world: who lives.
        url: of the server.
        store: of events.
        is_ready: waits until all programs are, and raises where they will not be.
        gather: has what waits in files imported, where no broker carries events.
    """

    def __init__(
        self,
        world: World,
        url: str,
        store: EventStore,
        is_ready: Callable[[], None],
        gather: Callable[[], None],
    ) -> None:
        self._world = world
        self._url = url
        self._store = store
        self._is_ready = is_ready
        self._gather = gather
        self._threads = ThreadPoolExecutor(CLIENTS, "person")
        self._own = threading.local()
        self._clients: list[TipClient] = []
        self._is_pilot = False

    def close(self) -> None:
        """End the threads, and close their connections."""
        self._threads.shutdown(cancel_futures=True)
        for client in self._clients:
            client.close()

    def history(self) -> Stretch:
        """What the app knows of people when the demo begins: signals alone."""
        begin = self._world.midnight(-HISTORY_DAYS)
        told = [*(rhythm.account(person, begin) for person in self._world.people),
                *self._signals(begin, self._world.midnight(0))]  # fmt: skip
        return self._lived(begin, self._world.midnight(0), None, told, ())

    def stretch(
        self, begin: dt.datetime, end: dt.datetime, waiting: Sequence[Told], manifest: str | None, *, is_pilot: bool
    ) -> Stretch:
        """Live from `begin` to before `end`, both of one UTC day.

        Args:
            begin: aware.
            end: aware.
            waiting: reactions to earlier tips.
            manifest: what is released; nothing else may answer.
            is_pilot: whether everybody is shown what the writer of these days writes.
        """
        self._is_pilot = is_pilot
        return self._lived(begin, end, manifest, list(self._signals(begin, end)), waiting)

    def _lived(
        self,
        begin: dt.datetime,
        end: dt.datetime,
        manifest: str | None,
        signals: Sequence[AnySignal],
        waiting: Sequence[Told],
    ) -> Stretch:
        due = [told for told in waiting if told.at < end]
        for _ in range(_MOST_TRIES):
            lived = self._live_once(begin, end, manifest, signals, due)
            if self._has_all(lived.event_ids):
                later = sorted((*(told for told in waiting if told.at >= end), *lived.later), key=_order)
                return Stretch(
                    begin=begin, end=end, n_events=len(lived.event_ids), decisions=lived.decisions,
                    later=tuple(later), manifest=manifest,
                )  # fmt: skip
        missing = lived.event_ids - self._store.held(lived.event_ids)
        raise LivingError(
            f"From {begin:%d %b %H:%M} to {end:%H:%M} {len(missing)} of {len(lived.event_ids)} events do not arrive in "
            f"the event store, {', '.join(sorted(missing)[:3])} among them."
        )

    def _live_once(
        self,
        begin: dt.datetime,
        end: dt.datetime,
        manifest: str | None,
        signals: Sequence[AnySignal],
        due: Sequence[Told],
    ) -> _Lived:
        ids = {signal.event_id for signal in signals}
        self._patiently(lambda client: client.signals(signals) if signals else 0)
        openings = [self._openings(person, begin, end) for person in self._world.people]
        ids |= set(self._threads.map(self._report, due))
        days = list(self._threads.map(lambda opened: self._live(opened, end, manifest), filter(None, openings)))
        for day in days:
            ids |= day.event_ids
        return _Lived(
            frozenset(ids),
            tuple(decision for day in days for decision in day.decisions),
            tuple(told for day in days for told in day.later),
        )

    def _live(self, opened: Sequence[Opening], end: dt.datetime, manifest: str | None) -> _Lived:
        """What one person does in a stretch, in order."""
        ids: set[str] = set()
        decisions, later = [], []
        for opening in opened:
            found, decision = self._shown(opening, manifest)
            decisions.append(decision)
            ids |= {_CLOCK.event_id("score", found.decision_id)}
            if found.written is not None:
                ids |= {_CLOCK.event_id("generate", found.written.decision_id)}
            for reacted in self._world.react(opening, decision.chance):
                told = Told(
                    user=found.user, decision_id=found.decision_id, tip_id=found.tip_id, reaction=reacted.reaction,
                    at=reacted.at, rating=reacted.rating,
                )  # fmt: skip
                if told.at < end:
                    ids.add(self._report(told))
                else:
                    later.append(told)
        return _Lived(frozenset(ids), tuple(decisions), tuple(later))

    def _shown(self, opening: Opening, manifest: str | None) -> tuple[Recommendation, Decision]:
        person, situation = opening.person, self._world.situation(opening)
        writes = opening.number % 2 == 0
        is_trial = opening.number == 0 and (self._is_pilot or (opening.day + person.index) % _TRIED_EVERY == 0)
        known = [] if is_trial else [Candidate(text=text) for text in known_tips(person.language)]
        found = self._patiently(
            lambda client: client.recommend(person.user, opening.at, situation.tasks, None, known, write=writes),
            names=[f"{opening.name}.write", f"{opening.name}.show"] if writes else [f"{opening.name}.show"],
            is_rotated=is_trial,
        )
        if found.scored.manifest_version != manifest:
            raise LivingError(f"{found.decision_id} was decided under {found.scored.manifest_version}, not {manifest}.")
        chance = float(chances(person, situation, [found.text])[0])
        choice = self._world.choice(opening, TEMPERATURE, writes=writes)
        others = [*choice, *([found.written.tip] if found.written else [])]
        taken = any(reacted.reaction == "accepted" for reacted in self._world.react(opening, chance))
        author = None if found.written is None else f"{found.written.model}@{found.written.prompt_version}"
        return found, Decision(
            decision_id=found.decision_id, at=opening.at.astimezone(dt.UTC), arm=found.scored.arm, author=author,
            is_written=found.is_new, chance=chance, best=float(chances(person, situation, others).max()),
            is_taken=taken,
        )  # fmt: skip

    def _report(self, told: Told) -> str:
        """Report one reaction; the id of its event."""
        event_id = f"{told.decision_id}.{told.reaction}"
        request = FeedbackRequest(**told.model_dump(), event_id=event_id)
        self._patiently(lambda client: client.feedback(request))
        return event_id

    def _patiently(
        self, call: Callable[[TipClient], Any], names: Iterable[str] = (), *, is_rotated: bool = False
    ) -> Any:
        """What a call comes to, made again under the same ids for as long as the programs are being started again."""
        end = time.monotonic() + _ANSWERS_WITHIN_S
        named = list(names)
        while True:
            client = self._client(named, is_rotated=is_rotated)
            try:
                return call(client)
            except ServerError:
                if time.monotonic() > end:
                    raise
                self._is_ready()

    def _client(self, names: Sequence[str], *, is_rotated: bool) -> TipClient:
        """This thread's client, which takes the next ids from `names`."""
        setting = ",".join(registry.versions()) if is_rotated else AUTO
        if not hasattr(self._own, "clients"):
            self._own.clients, self._own.names = {}, []
        clients, own_names = self._own.clients, self._own.names
        if setting not in clients:
            clients[setting] = TipClient(
                self._url, prompts=setting, timeout_s=10.0, ids=lambda: str(own_names.pop(0))
            )  # fmt: skip
            self._clients.append(clients[setting])
        own_names[:] = names
        found: TipClient = clients[setting]
        return found

    def _openings(self, person: Person, begin: dt.datetime, end: dt.datetime) -> list[Opening]:
        day = (begin.date() - self._world.first_day).days
        if day < 0:  # of the history only signals are known
            return []
        return [opening for opening in self._world.openings(person, day) if begin <= opening.at < end]

    def _signals(self, begin: dt.datetime, end: dt.datetime) -> Iterator[AnySignal]:
        days = range((begin.date() - self._world.first_day).days - 1, (end.date() - self._world.first_day).days + 1)
        for person in self._world.people:
            opened = [opening for day in days if day >= -HISTORY_DAYS for opening in self._world.openings(person, day)]
            yield from rhythm.signals(person, self._world.tasks(person), opened, begin, end)

    def _has_all(self, wanted: frozenset[str]) -> bool:
        """Wait until all of `wanted` is in the store; False where for a while nothing more came."""
        n_left, quiet_since = len(wanted) + 1, time.monotonic()
        while True:
            self._is_ready()
            self._gather()
            left = wanted - self._store.held(wanted)
            if not left:
                return True
            if len(left) < n_left:
                n_left, quiet_since = len(left), time.monotonic()
            if time.monotonic() - quiet_since > _QUIET_S:
                return False
            time.sleep(_POLL_S)


def _order(told: Told) -> tuple[dt.datetime, str, str]:
    return told.at, told.decision_id, told.reaction
