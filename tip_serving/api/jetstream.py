"""JetStream as the broker of the decision log: a connection with a thread and an event loop of its own.

It comes up when the broker does, finds or creates the streams, and says of every message whether it was stored. A
message whose acknowledgement got lost counts as not stored; it travels again under the same id, which the stream knows.
"""

import asyncio
import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import nats
from nats.aio.client import Client
from nats.errors import Error
from nats.js import JetStreamContext
from nats.js.api import Header, PubAck, StorageType, StreamConfig
from nats.js.errors import BadRequestError

from tip_serving.events.decision_log import Message
from tip_serving.events.streams import STREAMS

_LOG = logging.getLogger(__name__)

ACKNOWLEDGED_WITHIN_S = 1.0
PAUSE_S = 3.0  # after a batch that was not stored whole: meanwhile events go to the disk without waiting
_CONNECT_S = 2
_DAY_S = 86_400.0
_NAME_IN_USE = 10058  # of a stream that somebody declared otherwise; theirs stands


class JetStream:
    """A `Broker`; never raises, never keeps a caller waiting beyond the acknowledgement.

    Args:
        url: one or several addresses with commas between them.
        keep_days: how long a stream that is created here keeps its messages.
    """

    def __init__(self, url: str, keep_days: int) -> None:
        self._url = url
        self._keep_s = keep_days * _DAY_S
        self._stream: JetStreamContext | None = None
        self._client: Client | None = None
        self._again_at = 0.0
        self._last_fault = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="jetstream", daemon=True)
        self._thread.start()
        self._connecting = asyncio.run_coroutine_threadsafe(self._connect(), self._loop)

    @property
    def is_connected(self) -> bool:
        """Whether messages are accepted now."""
        return self._stream is not None and self._client is not None and self._client.is_connected

    def publish(self, messages: Sequence[Message]) -> Sequence[Message]:
        """Publish and wait for the acknowledgements; the messages that have none."""
        if not self.is_connected or time.monotonic() < self._again_at:
            return messages
        sending = asyncio.run_coroutine_threadsafe(self._send(messages), self._loop)
        try:
            left = sending.result(2 * ACKNOWLEDGED_WITHIN_S)
        except Exception as error:  # noqa: BLE001  whatever the client meets, the events are kept by the disk
            sending.cancel()
            self._tell(f"{type(error).__name__}: {error}")
            left = list(messages)
        if left:
            self._again_at = time.monotonic() + PAUSE_S
        else:
            self._last_fault = ""
        return left

    def close(self) -> None:
        """Disconnect and end the thread."""
        self._connecting.cancel()
        ending = asyncio.run_coroutine_threadsafe(self._disconnect(), self._loop)
        with suppress(Exception):
            ending.result(_CONNECT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_CONNECT_S)
        if not self._thread.is_alive():
            self._loop.close()

    async def _connect(self) -> None:
        servers = [address.strip() for address in self._url.split(",")]
        while self._stream is None:
            try:
                if self._client is None:
                    self._client = await nats.connect(
                        servers,
                        name="tip",
                        connect_timeout=_CONNECT_S,
                        max_reconnect_attempts=-1,
                        reconnect_time_wait=1,
                        pending_size=0,  # nothing is buffered while disconnected: the disk has it
                        error_cb=self._on_error,
                    )
                context = self._client.jetstream(timeout=_CONNECT_S)
                await self._ensure_streams(context)
                self._stream = context
                _LOG.info("Events go to the broker.")
            except (Error, OSError, TimeoutError) as error:
                self._tell(f"{type(error).__name__}: {error}")
                await asyncio.sleep(1.0)

    async def _ensure_streams(self, context: JetStreamContext) -> None:
        for declared in STREAMS:
            config = StreamConfig(
                name=declared.name,
                description=declared.meaning,
                subjects=list(declared.subjects),
                storage=StorageType.FILE,
                max_age=self._keep_s,
                duplicate_window=declared.duplicate_window_s,
            )
            try:
                await context.add_stream(config)
            except BadRequestError as error:
                if error.err_code != _NAME_IN_USE:
                    raise

    async def _send(self, messages: Sequence[Message]) -> list[Message]:
        if self._stream is None:
            return list(messages)
        sent = [await self._sent(self._stream, message) for message in messages]
        await asyncio.wait(sent, timeout=ACKNOWLEDGED_WITHIN_S)
        left = []
        for message, acknowledgement in zip(messages, sent, strict=True):
            fault = acknowledgement.exception() if acknowledgement.done() else TimeoutError("no acknowledgement")
            if fault is not None:
                self._tell(f"{type(fault).__name__}: {fault}")
                acknowledgement.cancel()
                left.append(message)
        return left

    async def _sent(self, stream: JetStreamContext, message: Message) -> "asyncio.Future[PubAck]":
        """What will be known of the message; a client that does not take it is a fault like any other."""
        try:
            return await stream.publish_async(message.subject, message.body, headers={Header.MSG_ID: message.event_id})
        except Error as error:
            refused: asyncio.Future[PubAck] = self._loop.create_future()
            refused.set_exception(error)
            return refused

    async def _disconnect(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _on_error(self, error: Exception) -> None:
        self._tell(f"{type(error).__name__}: {error}")

    def _tell(self, fault: str) -> None:
        """Log a fault once, not once per batch."""
        if fault != self._last_fault:
            self._last_fault = fault
            _LOG.warning("The broker takes no events (%s); they are kept on the disk.", fault)
