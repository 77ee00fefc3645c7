"""What a client asks the network with: credentials and a session over a transport, made when something must be asked.

A client whose pages are all fresh never loads any of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from envkit.index.bounds import Limits

if TYPE_CHECKING:
    from envkit.events import Emitter
    from envkit.index.auth import Credentials, CredentialsCallback
    from envkit.index.bounds import Timeouts
    from envkit.index.login import KeyringProvider
    from envkit.index.session import Session
    from envkit.index.transport import Transport


class Network:
    """The way out of one client; thread-safe. *transport* is called for one with the first request."""

    def __init__(
        self,
        transport: Callable[[], Transport],
        *,
        emitter: Emitter,
        credentials: CredentialsCallback | Credentials | None,
        env: Mapping[str, str] | None,
        keyring: KeyringProvider,
        trusted_hosts: frozenset[str],
        timeouts: Timeouts | None,
        limits: Limits | None,
    ) -> None:
        self.limits = limits or Limits()
        self._timeouts = timeouts
        self._transport = transport
        self._emitter = emitter
        self._given = credentials
        self._env = env
        self._keyring: KeyringProvider = keyring
        self._trusted = trusted_hosts
        self._addresses: list[str] = []
        self._made: Session | None = None
        self._logins: Credentials | None = None
        self._lock = threading.RLock()

    def learn(self, url: str) -> None:
        """Learn of an index before anything is asked; user information in *url* is for its origin."""
        self._addresses.append(url)

    @property
    def session(self) -> Session:
        """What makes requests."""
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = self._make()
        return self._made

    def _make(self) -> Session:
        from envkit.index.session import Session

        return Session(
            self._transport,
            emitter=self._emitter,
            credentials=self._credentials(),
            trusted_hosts=self._trusted,
            timeouts=self._timeouts,
            limits=self.limits,
        )

    def user(self, url: str) -> str:
        """Give a text for who asks for *url*: "" for one who does not sign in, else another one for each user name."""
        return self._credentials().user(url)

    def _credentials(self) -> Credentials:
        if self._logins is None:
            from envkit.index.auth import as_credentials

            with self._lock:
                if self._logins is None:
                    credentials = as_credentials(self._given, self._env, self._keyring)
                    for url in self._addresses:
                        credentials.add(url)
                    self._logins = credentials
        return self._logins

    def close(self) -> None:
        """Close idle connections."""
        if self._made is not None:
            self._made.close()
