"""Policy over a transport: redirects, retries, credentials, deadlines, size caps, decompression.

Nothing here knows about projects. Every error names the address without its credentials.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from envkit.dataclass import dataclass
from envkit.errors import Cancelled, TransportError
from envkit.events import Emitter
from envkit.index.addresses import check_scheme, origin, printable, redirect_target
from envkit.index.bodies import finish, read_body
from envkit.index.transport import DeadlineExceeded, Limits, Request, Response, Retriable, Timeouts, Transport
from envkit.model.secret import strip_credentials

if TYPE_CHECKING:
    from envkit.index.auth import Credentials

_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_RETRIED = frozenset((408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 527))
_T = TypeVar("_T")
USER_AGENT = "envkit/0.1 (Python)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole response: *url* is where it came from after redirects; *headers* have lower-case names."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes


class Unfinished(Exception):
    """Raised by a consumer of a body to have the request made again; *headers* replace those of the same names."""

    def __init__(self, reason: str, headers: Mapping[str, str]) -> None:
        super().__init__(reason)
        self.headers = headers


class Session:
    """Makes requests for one client; thread-safe."""

    def __init__(
        self,
        transport: Callable[[], Transport],
        *,
        emitter: Emitter,
        credentials: Credentials | None = None,
        trusted_hosts: frozenset[str] = frozenset(),
        timeouts: Timeouts | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._make_transport = transport
        self._transport: Transport | None = None
        self._lock = threading.Lock()
        self._turn, self._pid = threading.Lock(), os.getpid()
        self._emitter = emitter
        self._credentials = credentials
        self._trusted = trusted_hosts
        self.timeouts = timeouts or Timeouts()
        self.limits = limits or Limits()

    def turn(self) -> threading.Lock:
        """Give what is held while an answer is made sense of.

        All of that work needs the interpreter's lock anyway. Where fifty threads do it at once each loses that lock at every
        file and every socket, and waits for the others in between: a third of the time went into that.
        """
        if self._pid != os.getpid():  # a thread of the parent may have held it
            self._turn, self._pid = threading.Lock(), os.getpid()
        return self._turn

    def close(self) -> None:
        """Close idle connections."""
        if self._transport is not None:
            self._transport.close()

    def get(
        self,
        url: str,
        headers: Mapping[str, str],
        *,
        max_bytes: int,
        decode: bool = True,
        body: bytes | None = None,
    ) -> Answer:
        """Get a whole body of at most *max_bytes* after decompression, whatever the status.

        With *body* it is a POST, which has to be a mere question: it may be asked again.

        Raises `TransportError` (retries are over, the deadline has passed, too large) or `Cancelled`.
        """

        def consume(response: Response, url: str) -> Answer:
            content = read_body(response, max_bytes, decode=decode)
            return Answer(status=response.status, url=url, headers=response.headers, body=content)

        return self.run(url, headers, consume, seconds=self.timeouts.page, body=body)

    def run(
        self,
        url: str,
        headers: Mapping[str, str],
        consume: Callable[[Response, str], _T],
        *,
        seconds: float,
        body: bytes | None = None,
    ) -> _T:
        """Make a request and give what *consume* makes of the response and its final address, within *seconds*.

        *consume* may read the body, and raise `Retriable` or `Unfinished` for another attempt.
        """
        deadline = time.monotonic() + seconds
        extra: Mapping[str, str] = {}
        attempt = 0
        while True:
            delay, haste = None, 1.0
            try:
                response, final = self._follow(url, {**headers, **extra}, deadline, body)
                try:
                    if response.status not in _RETRIED:
                        return consume(response, final)
                    problem = f"the server answered {response.status}"
                    delay = _retry_after(response.headers.get("retry-after"))
                    last: BaseException | None = None
                finally:
                    response.close()
            except Unfinished as error:
                extra, problem, last = error.headers, str(error), error
            except Retriable as error:
                problem, last, haste = error.message, error, error.haste
            except DeadlineExceeded as error:
                raise self._failed(url, f"not finished after {seconds:g} seconds", error, attempt) from error
            except Cancelled:
                raise
            except TransportError as error:
                raise self._failed(url, error.message, error, attempt) from error
            attempt += 1
            if attempt > self.limits.retries:
                try:
                    raise self._failed(url, problem, last, attempt) from last
                finally:
                    del last  # its trace leads back to here, and would keep all that was read
            import random  # few requests are made again

            # Full jitter: many clients that failed together do not come back together.
            usual = random.uniform(0.5, 1.0) * min(8.0, 0.2 * 2**attempt) / haste  # noqa: S311
            self._pause(url, attempt, problem, usual if delay is None else delay, deadline, seconds)

    def _pause(self, url: str, attempt: int, problem: str, delay: float, deadline: float, seconds: float) -> None:
        pause = min(delay, self.limits.retry_after)
        if time.monotonic() + pause >= deadline:
            raise self._failed(url, f"{problem}; not finished after {seconds:g} seconds", None, attempt)
        if self._emitter.active:
            from envkit.events import RequestRetried

            self._emitter(
                RequestRetried(
                    operation=self._emitter.operation,
                    url=strip_credentials(url),
                    attempt=attempt,
                    delay=pause,
                    reason=problem,
                )
            )
        if self._emitter.cancel is None:
            time.sleep(pause)
        elif self._emitter.cancel.wait(pause):
            self._emitter.check()

    def _failed(self, url: str, problem: str, error: BaseException | None, attempts: int) -> TransportError:
        shown = strip_credentials(url)
        hint = error.hint if isinstance(error, TransportError) else None
        context: dict[str, Any] = dict(error.context) if isinstance(error, TransportError) else {}
        return TransportError(f"{shown}: {problem}", hint=hint, context={**context, "url": shown, "attempts": attempts})

    def _follow(
        self, url: str, headers: Mapping[str, str], deadline: float, body: bytes | None
    ) -> tuple[Response, str]:
        current, authorization = printable(strip_credentials(url)), None
        if self._credentials is not None:
            authorization = self._credentials.header_for(url)
        asked: set[str] = set()
        for _ in range(self.limits.redirects + 1):
            check_scheme(current, self._trusted)
            response = self._send(current, headers, authorization, deadline, body)
            location = response.headers.get("location")
            if response.status in (401, 403) and self._credentials is not None and current not in asked:
                asked.add(current)
                finish(response)
                authorization = self._credentials.header_after_refusal(current, refused=authorization)
                if authorization is not None:
                    continue
                return response, current
            if response.status not in _REDIRECTS or not location:
                return response, current
            finish(response)
            if body is not None:
                raise TransportError("the answer to a question is a redirect")
            target = redirect_target(current, location)
            if origin(target) != origin(current):
                # What was meant for one origin is not for another; the new one's own credentials may be known.
                authorization = None
                if self._credentials is not None:
                    authorization = self._credentials.header_for(target, redirected=True)
            current = target
        raise TransportError(f"more than {self.limits.redirects} redirects")

    def _send(
        self, url: str, headers: Mapping[str, str], authorization: str | None, deadline: float, body: bytes | None
    ) -> Response:
        complete = {"User-Agent": USER_AGENT, "Connection": "keep-alive", **headers}
        if authorization is not None:
            complete["Authorization"] = authorization
        request = Request(
            url=url,
            headers=complete,
            method="GET" if body is None else "POST",
            body=body,
            deadline=deadline,
            read_timeout=self.timeouts.read,
            connect_timeout=self.timeouts.connect,
            cancel=self._emitter.cancel,
        )
        request.remaining()
        if self._transport is None:
            with self._lock:
                if self._transport is None:
                    self._transport = self._make_transport()
        return self._transport.send(request)


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    value = value.strip()
    if value.isdecimal() and len(value) < 12:
        return float(value)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None
