"""A transport without a network: answers from a mapping or a function."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias

from envkit.dataclass import dataclass, field
from envkit.index.transport import Request, Response, Retriable


@dataclass(slots=True)
class FakeResponse:
    """A response whose body is at hand; *cut_after* bytes it breaks off."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    cut_after: int | None = None
    closed: bool = False
    _at: int = 0

    def read(self, size: int) -> bytes:
        """Give the next bytes."""
        if self.cut_after is not None and self._at >= self.cut_after:
            raise Retriable("the body was cut short")
        end = self._at + size if self.cut_after is None else min(self._at + size, self.cut_after)
        data = self.body[self._at : end]
        self._at += len(data)
        return data

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True


Answer: TypeAlias = "FakeResponse | bytes | BaseException"


class FakeTransport:
    """Answers requests from *answers*: a mapping of URLs, or a function of the request. Anything else is a 404.

    ``bytes`` stand for a 200 with this body, an exception is raised. *requests* remembers all of them.
    """

    def __init__(self, answers: Mapping[str, Answer] | Callable[[Request], Answer | None]) -> None:
        self._answers = answers
        self._lock = threading.Lock()
        self.requests: list[Request] = []
        self.closed = False

    def send(self, request: Request) -> Response:
        """Give the answer to *request*."""
        with self._lock:
            self.requests.append(request)
        answer = self._answers(request) if callable(self._answers) else self._answers.get(request.url)
        if answer is None:
            return FakeResponse(status=404)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, bytes):
            return FakeResponse(body=answer)
        return FakeResponse(answer.status, answer.body, answer.headers, answer.cut_after)

    def close(self) -> None:
        """Note that it was closed."""
        self.closed = True
