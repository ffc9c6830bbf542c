"""Pulling batches from a durable consumer, in place of nats-py's own pull subscription.

nats-py makes a task and a random id for each message of a batch, which is most of what a message costs, and what it
raises besides its own time-out ends FastStream's task with messages in its hands. Here messages are gathered as they
arrive, those of the next batch while this one is kept, and every failure to fetch is a time-out: what came before it is
passed on, what comes later is in the next batch.
"""

import asyncio
import json
import logging
from collections import deque
from contextlib import suppress
from itertools import chain

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import ConnectionClosedError, Error
from nats.errors import TimeoutError as NatsTimeoutError

_LOG = logging.getLogger(__name__)

_PAUSE_S = 0.5  # after a refusal, so that a broker that restarts is not asked in a loop
_LONGEST_REQUEST_S = 2.0  # that a reader waits for at its end
_REMEMBERED = 8  # fetches: a subscriber gathers a batch of several, and lets go of it when it is stopped
_SLACK_S = 0.25  # on top of the time after which the broker itself ends a request
_NOTHING_THERE = frozenset({"404", "408"})


class Pull:
    """One reader of a durable consumer; has what FastStream uses of a `JetStreamContext.PullSubscription`.

    Args:
        client: connected, or about to be again.
        stream: by name.
        consumer: a pull consumer of the stream, by name.
    """

    def __init__(self, client: Client, stream: str, consumer: str) -> None:
        self._client = client
        self._address = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._arrived: list[Msg] = []
        self._handed_over: deque[list[Msg]] = deque(maxlen=_REMEMBERED)
        self._woken = asyncio.Event()
        self._n_wanted = 0
        self._n_due = 0  # of the last request
        self._is_over = asyncio.Event()  # nothing is due
        self._is_over.set()
        self._n_requests = 0
        self._refusal = self._told = ""
        self._is_closed = False

    async def fetch(self, batch: int, timeout: float | None) -> list[Msg]:  # noqa: ASYNC109  as it is called
        """Up to `batch` messages.

        Raises:
            nats.errors.TimeoutError: there were none within the time-out, whatever the reason.
            nats.errors.ConnectionClosedError: `unsubscribe` was called.
        """
        self._n_wanted = batch
        if len(self._arrived) < batch:
            await self._wait(timeout or 1.0)
        if self._is_closed:
            raise ConnectionClosedError
        taken = self._arrived[:batch]
        del self._arrived[:batch]
        if not taken:
            raise NatsTimeoutError
        self._handed_over.append(taken)
        self._told = ""
        if len(taken) == batch and self._is_over.is_set():
            with suppress(Error):
                await self._ask(batch, timeout or 1.0)
        return taken

    async def unsubscribe(self) -> None:
        """Fetch no more, and give back what nobody took or kept."""
        self._is_closed = True
        self._woken.set()
        # A request that outlives its reader swallows one of the messages that are given back (nats-server 2.9).
        with suppress(TimeoutError):
            async with asyncio.timeout(_LONGEST_REQUEST_S if self._client.is_connected else 0):
                await self._is_over.wait()
        with suppress(Error):
            if self._subscription is not None:
                await self._subscription.unsubscribe()
        for message in chain(*self._handed_over, self._arrived):
            with suppress(Error):  # raised for a message that was acknowledged
                await message.nak()

    async def _wait(self, timeout_s: float) -> None:
        """Until the batch is full, the broker ends the request, or the time is over."""
        self._woken.clear()
        try:
            if not self._client.is_connected:
                await asyncio.sleep(min(timeout_s, _PAUSE_S))
                return
            if self._is_over.is_set():
                await self._ask(self._n_wanted - len(self._arrived), timeout_s)
            async with asyncio.timeout(timeout_s + _SLACK_S):
                await self._woken.wait()
        except TimeoutError:
            self._is_over.set()  # whatever the broker still owes, it has forgotten
            return
        except Error as error:
            self._refusal = str(error)
        if self._refusal:
            if self._refusal != self._told:
                _LOG.warning("The broker does not deliver: %s.", self._refusal)
            self._told, self._refusal = self._refusal, ""
            await asyncio.sleep(_PAUSE_S)

    async def _ask(self, n_messages: int, timeout_s: float) -> None:
        if self._subscription is None:
            self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._receive)
        self._n_requests += 1  # each has an address of its own, so that the end of an old one ends no other
        self._n_due = n_messages
        self._is_over.clear()
        request = {"batch": n_messages, "expires": int(timeout_s * 1e9)}
        await self._client.publish(self._address, json.dumps(request).encode(), f"{self._inbox}.{self._n_requests}")

    async def _receive(self, message: Msg) -> None:
        if message.reply:
            self._arrived.append(message)
            self._n_due -= 1
            if self._n_due <= 0:
                self._is_over.set()
            if len(self._arrived) >= self._n_wanted:
                self._woken.set()
        elif message.subject == f"{self._inbox}.{self._n_requests}":
            headers = message.headers or {}
            status = headers.get("Status", "")
            if status not in _NOTHING_THERE:
                self._refusal = f"{status} {headers.get('Description', 'nobody answers')}"
            self._is_over.set()
            self._woken.set()
