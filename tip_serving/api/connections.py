"""How a worker treats connections, beyond what uvicorn does by itself.

A client must send the head of a request within a time and a size, and the application is told how many requests wait.
"""

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_WITHIN_S = 10.0
MAX_HEAD_BYTES = 65_536
WAITING = "tip.waiting"
"""The ASGI extension that says how many requests were in this worker when this one came, itself included."""


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    _head_timer: asyncio.TimerHandle | None = None
    _is_in_head = False
    _n_head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._end_waiting()
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin a head."""
        super().on_message_begin()
        self._is_in_head = True

    def on_headers_complete(self) -> None:
        """Let the application begin, and tell it how many came before."""
        self._is_in_head = False
        self.scope["extensions"] = {WAITING: len(self.tasks) + 1}  # type: ignore[dict-item]  # others have dicts there
        self._n_head_bytes = 0
        self._end_waiting()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that is not whole with it has limited time and room."""
        super().data_received(data)
        if not self._is_in_head and not self._is_idle():
            return
        self._n_head_bytes += len(data)
        if self._n_head_bytes > MAX_HEAD_BYTES:
            self._refuse(b"431 Request Header Fields Too Large")
        else:
            self._await_head()

    def _is_idle(self) -> bool:
        """Whether no request is under way although bytes came: line ends between requests, say."""
        return self.cycle is None or (self.cycle.response_complete and self.timeout_keep_alive_task is None)

    def _await_head(self) -> None:
        if self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(HEAD_WITHIN_S, self._refuse, b"408 Request Timeout")

    def _end_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: bytes) -> None:
        self._end_waiting()
        if not self.transport.is_closing():
            self.transport.write(b"HTTP/1.1 " + status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()
