"""Who gets which credentials, and that nobody else does, nor any text."""

import base64
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from envkit.errors import TransportError
from envkit.events import Emitter
from envkit.index.auth import Credentials
from envkit.index.proxies import Proxies
from envkit.model.secret import Secret
from envkit.model.source import Index
from envkit.testing.loopback import LoopbackAnswer, LoopbackIndex
from envkit.testing.wheels import wheel_bytes

FILES = dict([wheel_bytes("demo", "1.0")])
SECRET = "s3cret/word"
LOGIN = ("user@example", SECRET)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def with_user(url: str, user: str = "user%40example:s3cret%2Fword") -> str:
    return url.replace("//", f"//{user}@", 1)


def everything_works(client: Any) -> None:
    artifact = client.project("demo").artifacts[0]
    assert SECRET not in repr(artifact)
    assert "@" not in artifact.url + (artifact.index or "")
    client.metadata(artifact)
    client.fetch(artifact)


def test_user_information_of_the_url_serves_the_origin(make_client: Any) -> None:
    with LoopbackIndex(FILES, login=LOGIN) as index:
        everything_works(make_client(with_user(index.url)))


def test_a_callback_is_asked_once_for_an_index(make_client: Any) -> None:
    asked: list[str] = []

    def callback(url: str) -> tuple[str, Secret]:
        asked.append(url)
        return LOGIN[0], Secret(SECRET)

    with LoopbackIndex(FILES, login=LOGIN) as index:
        client = make_client(index.url, credentials=callback)
        client.prefetch_pages(["demo", "other", "third"])
        everything_works(client)
        assert asked == [index.url]


def test_a_callback_is_asked_once_for_a_host_that_files_are_on(make_client: Any) -> None:
    asked: list[str] = []
    two = {**FILES, **dict([wheel_bytes("demo", "2.0")])}
    with LoopbackIndex(two) as files:
        host = files.url.removesuffix("simple/")
        links = "".join(f'<a href="{host}files/{name}">{name}</a>' for name in two).encode()
        page = LoopbackAnswer(body=links, headers={"Content-Type": "text/html"})
        with LoopbackIndex(hook=lambda _: page) as index:
            client = make_client(index.url, credentials=asked.append)
            for artifact in client.project("demo").artifacts:
                client.fetch(artifact)
            assert asked == [index.url, host]


def test_netrc(make_client: Any, tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text(f"machine 127.0.0.1 login {LOGIN[0]} password {SECRET}\n")
    path.chmod(0o600)
    with LoopbackIndex(FILES, login=LOGIN) as index:
        everything_works(make_client(index.url, env={"NETRC": str(path)}))
        with pytest.raises(TransportError, match="credentials"):
            make_client(index.url, env={"HOME": str(tmp_path)}, refresh=True).project("demo")


def test_keyring_in_process_is_asked_after_a_refusal(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str | None]] = []

    def get_credential(service: str, username: str | None) -> Any:
        asked.append((service, username))
        return types.SimpleNamespace(username=LOGIN[0], password=SECRET) if "/simple" not in service else None

    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_credential=get_credential))
    with LoopbackIndex(FILES, login=LOGIN) as index:
        everything_works(make_client(index.url, keyring="auto"))
        assert asked == [(index.url, None), (f"127.0.0.1:{index.port}", None)]
    with LoopbackIndex(FILES) as index:
        everything_works(make_client(index.url, keyring="auto"))
        assert len(asked) == 2


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for the command is a shell script")
def test_keyring_as_a_command(make_client: Any, tmp_path: Path) -> None:
    command = tmp_path / "keyring"
    command.write_text(f'#!/bin/sh\n[ "$1 $3" = "get user" ] && echo "{SECRET}"\n')
    command.chmod(0o700)
    with LoopbackIndex(FILES, login=("user", SECRET)) as index:
        client = make_client(
            with_user(index.url, "user"), keyring="subprocess", env={"PATH": f"{tmp_path}:/usr/bin:/bin"}
        )
        everything_works(client)


def test_a_broken_keyring_has_nothing_to_give(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def get_credential(service: str, username: str | None) -> Any:
        raise RuntimeError("no backend")

    monkeypatch.setitem(sys.modules, "keyring", types.SimpleNamespace(get_credential=get_credential))
    with LoopbackIndex(FILES, login=LOGIN) as index, pytest.raises(TransportError, match="credentials"):
        make_client(index.url, keyring="import").project("demo")


class TestChoice:
    def known(self, *urls: str) -> Credentials:
        credentials = Credentials()
        for url in urls:
            credentials.add(url)
        return credentials

    def test_longest_common_path(self) -> None:
        credentials = self.known(
            "https://a:1@i.example/one/simple/", "https://b:2@i.example/two/simple/", "https://i.example/x/"
        )
        assert credentials.header_for("https://i.example/one/simple/demo/") == basic("a", "1")
        assert credentials.header_for("https://i.example/two/files/x.whl") == basic("b", "2")
        assert credentials.header_for("https://i.example/x/demo/") is None
        assert credentials.header_for("https://i.example/elsewhere/") is None

    def test_only_the_same_origin(self) -> None:
        credentials = self.known("https://a:1@i.example/simple/")
        for url in (
            "http://i.example/simple/",
            "https://i.example:8443/simple/",
            "https://sub.i.example/",
            "https://i.example.evil/",
        ):
            assert credentials.header_for(url) is None
        assert credentials.header_for("https://i.example:443/files/x") == basic("a", "1")

    def test_netrc_and_callback_do_not_follow_redirects(self, tmp_path: Path) -> None:
        path = tmp_path / "netrc"
        path.write_text("default login a password 1\n")
        path.chmod(0o600)
        credentials = Credentials(lambda url: ("c", "3") if "first" in url else None, env={"NETRC": str(path)})
        assert credentials.header_for("https://first.example/") == basic("c", "3")
        assert credentials.header_for("https://second.example/") == basic("a", "1")
        assert credentials.header_for("https://second.example/", redirected=True) is None


def test_redirects_inside_an_origin_keep_the_login(make_client: Any) -> None:
    with LoopbackIndex(FILES, login=LOGIN) as index:

        def hook(request: Any) -> LoopbackAnswer | None:
            if request.path.startswith("/old/"):
                return LoopbackAnswer(status=308, headers={"Location": request.path.removeprefix("/old")})
            return None

        index.hook = hook
        everything_works(make_client(with_user(index.url.replace("/simple/", "/old/simple/"))))


def test_redirects_to_other_origins_carry_nothing(make_client: Any, tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text(f"machine 127.0.0.1 login {LOGIN[0]} password {SECRET}\n")
    path.chmod(0o600)
    with LoopbackIndex(FILES) as other, LoopbackIndex(FILES, login=LOGIN) as index:

        def hook(request: Any) -> LoopbackAnswer | None:
            if request.headers.get("authorization") and ".whl" in request.path:
                return LoopbackAnswer(status=307, headers={"Location": other.root + request.path})
            return None

        index.hook = hook
        everything_works(make_client(index.url, env={"NETRC": str(path)}))
        assert other.count(".whl") > 0
        assert not [request for request in other.requests if "authorization" in request.headers]
        assert not [request for request in other.requests if "cookie" in request.headers]


def test_no_text_shows_a_secret(make_client: Any, cache: Any) -> None:
    seen: list[Any] = []
    with LoopbackIndex(FILES, hook=lambda _: LoopbackAnswer(status=500)) as index:
        url = with_user(index.url)
        client = make_client(url, emitter=Emitter(seen.append))
        with pytest.raises(TransportError) as caught:
            client.project("demo")
        index.hook = None
        everything_works(client)
    error = caught.value
    chain: list[BaseException] = []
    link: BaseException | None = error
    while link is not None:
        chain.append(link)
        link = link.__cause__ or link.__context__
    shown = [
        repr(seen),
        json.dumps(error.to_dict()),
        repr(Index(url)),
        repr(client),
        str(vars(error)),
        *map(repr, chain),
        *map(str, chain),
    ]
    for text in shown:
        assert SECRET not in text
        assert "s3cret" not in text
        assert basic(*LOGIN) not in text
    for path in cache.root.rglob("*"):
        if path.is_file():
            assert b"s3cret" not in path.read_bytes()
            assert base64.b64encode(":".join(LOGIN).encode()) not in path.read_bytes()


@pytest.mark.parametrize(
    ("env", "url", "expected"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, ("https", "i.example", 443), "http://p:1"),
        ({"https_proxy": "p:1", "HTTPS_PROXY": "http://q:1"}, ("https", "i.example", 443), "http://p:1"),
        ({"HTTPS_PROXY": "http://p:1"}, ("http", "i.example", 80), None),
        ({"ALL_PROXY": "socks5://p:1"}, ("http", "i.example", 80), "socks5://p:1"),
        ({"HTTP_PROXY": "http://p:1", "REQUEST_METHOD": "GET"}, ("http", "i.example", 80), None),
        ({"http_proxy": "http://p:1", "REQUEST_METHOD": "GET"}, ("http", "i.example", 80), "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "i.example"}, ("https", "i.example", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "i.example"}, ("https", "sub.I.example.", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": ".i.example, x"}, ("https", "sub.i.example", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*.i.example"}, ("https", "sub.i.example", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "i.example"}, ("https", "evili.example", 443), "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "i.example:8443"}, ("https", "i.example", 443), "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "i.example:443"}, ("https", "i.example", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, ("https", "10.1.2.3", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, ("https", "11.1.2.3", 443), "http://p:1"),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "::1"}, ("https", "::1", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, ("https", "anything", 443), None),
        ({"ALL_PROXY": "http://p:1", "NO_PROXY": "[broken, 1/2/3"}, ("https", "i.example", 443), "http://p:1"),
    ],
)  # fmt: skip
def test_proxies(env: dict[str, str], url: tuple[str, str, int], expected: str | None) -> None:
    assert Proxies(env).for_url(*url) == expected
