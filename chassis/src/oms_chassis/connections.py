"""HTTP connections that nobody can hold open by asking slowly.

uvicorn waits for ever for the rest of a request; a few hundred clients that send a byte now and
then would keep everybody else out.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REQUEST_SECONDS = 20.0
"""From the first byte of a request to its last. Ordinary ones come in one piece; the largest that
is taken, 1 MiB, still comes through at 52 kB/s."""
_TOO_SLOW = b"the request took too long"


class Connection(H11Protocol):
    """Answers 408 to a request that does not come to its end, and hangs up."""

    request_seconds = REQUEST_SECONDS
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Somebody who connects and says nothing is as slow as can be."""
        super().connection_made(transport)
        self._look_at_clock(asking=True)

    def data_received(self, data: bytes) -> None:
        """Some of a request, or its end, or more than one."""
        super().data_received(data)
        self._look_at_clock(self._asking())

    def on_response_complete(self) -> None:
        """The next request may have begun already."""
        super().on_response_complete()
        self._look_at_clock(self._asking())

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._look_at_clock(asking=False)
        super().connection_lost(exc)

    def _asking(self) -> bool:
        """Whether a request has begun and not ended. Between two uvicorn's own clock runs."""
        begun = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        return begun or self.conn.their_state is h11.SEND_BODY

    def _look_at_clock(self, asking: bool) -> None:
        if asking and self._deadline is None:
            self._deadline = self.loop.call_later(self.request_seconds, self._hang_up)
        elif not asking and self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _hang_up(self) -> None:
        if self.transport.is_closing():
            return
        if self.cycle is not None:  # who waits for the rest of the body is told that it never comes
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            headers = [("Content-Type", "text/plain"), ("Connection", "close")]
            answer = h11.Response(status_code=408, headers=headers, reason=b"Request Timeout")
            for event in (answer, h11.Data(data=_TOO_SLOW), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event))
        self.transport.close()
