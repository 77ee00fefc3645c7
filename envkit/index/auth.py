"""Credentials for indexes: from URLs, a callback, netrc and keyring, bound to the origin they are for.

Among several on one origin the longest common path wins. They are shown nowhere: `Secret` masks itself, and headers are
made at the last moment.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeAlias

from envkit.dataclass import dataclass
from envkit.errors import TransportError
from envkit.index.addresses import Origin, Parts, origin_of, take_apart
from envkit.index.login import KeyringProvider, Login
from envkit.model.fingerprint import fingerprint
from envkit.model.recent import Recent
from envkit.model.secret import Secret, strip_credentials

CredentialsCallback: TypeAlias = Callable[[str], "tuple[str, str | Secret] | None"]
"""Takes the credential-free URL of an index, or of a host that has files of others; gives (user name, password) or None."""


@dataclass(slots=True)
class _Place:
    """An index: where it is, and what its URL says about a user."""

    url: str
    origin: Origin
    segments: tuple[str, ...]
    username: str | None = None
    login: Login | None = None


_HOSTS = 1_000
"""Indexes and hosts of files for which the callback's answer is remembered."""


class Credentials:
    """What is known about users, asked in this order: URLs, the callback, netrc; keyring once a server refused.

    *env* is where ``NETRC`` and ``HOME`` are looked up. Thread-safe: a callback that prompts does so once for an index.
    """

    def __init__(
        self,
        callback: CredentialsCallback | None = None,
        *,
        env: Mapping[str, str] | None = None,
        keyring: KeyringProvider = "disabled",
    ) -> None:
        self._callback = callback
        self._env = env
        self._keyring: KeyringProvider = keyring
        self._places: list[_Place] = []
        self._lock = threading.RLock()
        self._asked = Recent[str, Login | None](_HOSTS)
        self._netrc: Mapping[str, Login] | None = None
        self._proven: dict[str, Login] = {}

    def add(self, url: str) -> None:
        """Learn of an index; user information in *url* is for its origin."""
        place = _place(url)
        parts = take_apart(url)
        if parts.username is not None:
            from urllib.parse import unquote

            place.username = unquote(parts.username)
            if parts.password is not None:
                place.login = Login(place.username, Secret(unquote(parts.password)))
            elif ":" in parts.netloc.rpartition("@")[0]:
                place.login = Login(place.username, Secret(""))
        self._places.append(place)

    def header_for(self, url: str, *, redirected: bool = False) -> str | None:
        """Give the header for a request; after a redirect to another origin only what was given for that origin."""
        login = self._find(url, redirected=redirected)
        return login.header() if login is not None else None

    def user(self, url: str) -> str:
        """Give a text that tells users of *url* apart, and hides their names, as some are tokens; "" for none."""
        login = self._find(url, redirected=False)
        return fingerprint(login.username, 16) if login is not None else ""

    def _find(self, url: str, *, redirected: bool) -> Login | None:
        parts = take_apart(url)
        if parts.username is not None and parts.password is not None:
            from urllib.parse import unquote

            return Login(unquote(parts.username), Secret(unquote(parts.password)))
        place = self._nearest(parts)
        # Pages name thousands of files of another host, and whoever is asked may be a person.
        subject = place.url if place is not None else _root(url)
        if subject in self._proven:
            return self._proven[subject]
        if place is not None and place.login is not None:
            return place.login
        if redirected:
            return None
        return self._ask(subject) or self._from_netrc(parts.hostname or "", place.username if place else None)

    def header_after_refusal(self, url: str, *, refused: str | None) -> str | None:
        """Give another header after a 401 or 403, from keyring; None where nothing else is known."""
        if self._keyring == "disabled":
            return None
        place = self._nearest(take_apart(url))
        subject = place.url if place is not None else _root(url)
        with self._lock:
            login = self._proven.get(subject)
            if login is None:
                from envkit.index.keyring import ask_keyring

                login = ask_keyring(subject, place.username if place else None, self._keyring, self._env or {})
                if login is None:
                    return None
                self._proven[subject] = login
        header = login.header()
        return header if header != refused else None

    def _nearest(self, parts: Parts) -> _Place | None:
        wanted = origin_of(parts)
        same = [place for place in self._places if place.origin == wanted]
        if len(same) < 2:
            return same[0] if same else None
        segments = _segments(parts)
        scored = [(_common(place.segments, segments), place) for place in same]
        best = max(score for score, _ in scored)
        chosen = [place for score, place in scored if score == best]
        # Where nothing tells two users of one host apart, neither is right.
        return chosen[0] if best or all(place.login == chosen[0].login for place in chosen) else None

    def _ask(self, subject: str) -> Login | None:
        if self._callback is None:
            return None
        with self._lock:
            if subject not in self._asked:
                given = self._callback(subject)
                login = None
                if given is not None:
                    try:
                        name, password = given
                    except (TypeError, ValueError):
                        raise TransportError(
                            f"the credentials callback gave no pair for {subject}",
                            hint="it gives (user name, password), or None where it knows none",
                        ) from None
                    login = Login(name, password if isinstance(password, Secret) else Secret(password))
                self._asked[subject] = login
            return self._asked[subject]

    def _from_netrc(self, host: str, username: str | None) -> Login | None:
        if self._env is None:
            return None
        with self._lock:
            if self._netrc is None:
                from envkit.index.netrc_file import read_netrc

                self._netrc = read_netrc(self._env)
        login = self._netrc.get(host.lower()) or self._netrc.get("")
        if login is None or (username is not None and login.username != username):
            return None
        return login


def as_credentials(
    given: CredentialsCallback | Credentials | None, env: Mapping[str, str] | None, keyring: KeyringProvider
) -> Credentials:
    """Give what is given, or make credentials with the given callback."""
    return given if isinstance(given, Credentials) else Credentials(given, env=env, keyring=keyring)


def _place(url: str) -> _Place:
    parts = take_apart(url)
    return _Place(strip_credentials(url), origin_of(parts), _segments(parts))


def _segments(parts: Parts) -> tuple[str, ...]:
    return tuple(part for part in parts.path.split("/") if part)


def _root(url: str) -> str:
    parts = take_apart(strip_credentials(url))
    return f"{parts.scheme}://{parts.netloc}/"


def _common(one: tuple[str, ...], two: tuple[str, ...]) -> int:
    count = 0
    for left, right in zip(one, two, strict=False):
        if left != right:
            break
        count += 1
    return count
