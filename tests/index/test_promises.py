"""What one index or one user was told is no answer for another; and a client that lives for long stays small."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from envkit.errors import MetadataMismatch, ProjectNotFound
from envkit.index import pages
from envkit.index import projects as projects_module
from envkit.index.sockets import Clocked
from envkit.index.transport import DeadlineExceeded, Request
from envkit.testing.loopback import JSON_TYPE, LoopbackAnswer, LoopbackIndex, LoopbackRequest
from envkit.testing.wheels import metadata_text, wheel_bytes

WHEEL, DATA = wheel_bytes("demo", "1.0", requires=["good"])
OTHER_WHEEL, OTHER = wheel_bytes("demo", "1.0", requires=["evil"])


def forged_metadata() -> bytes:
    return metadata_text("demo", "1.0", requires=["evil"]).encode()


@pytest.mark.parametrize("advertised", [True, False])
def test_what_one_index_says_of_a_file_is_no_answer_for_another(make_client: Any, *, advertised: bool) -> None:
    forged = forged_metadata()

    def hook(request: LoopbackRequest) -> LoopbackAnswer | None:
        if request.path.endswith(".metadata"):
            return LoopbackAnswer(body=forged)
        return LoopbackAnswer(status=404) if "range" in request.headers else None

    told = {"core-metadata": {"sha256": hashlib.sha256(forged).hexdigest()}}
    with (
        LoopbackIndex({WHEEL: DATA}, details={WHEEL: told}, hook=hook) as bad,
        LoopbackIndex({WHEEL: DATA}, core_metadata=advertised) as good,
    ):
        client = make_client(bad.url)
        assert b"evil" in client.metadata(client.project("demo").artifacts[0])
        client = make_client(good.url)
        (artifact,) = client.project("demo").artifacts
        assert artifact.hashes == {"sha256": hashlib.sha256(DATA).hexdigest()}
        metadata = client.metadata(artifact)
        assert b"evil" not in metadata
        assert b"good" in metadata
        assert client.fetch(artifact).read_bytes() == DATA


def private(request: LoopbackRequest) -> LoopbackAnswer | None:
    """Hide everything from whoever does not sign in, as some servers of private projects do."""
    return None if "authorization" in request.headers else LoopbackAnswer(status=404)


@pytest.mark.parametrize("how", ["callback", "netrc"])
def test_a_login_that_comes_later_sees_what_was_hidden(make_client: Any, tmp_path: Path, how: str) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    with LoopbackIndex({WHEEL: DATA}, hook=private) as index:
        with pytest.raises(ProjectNotFound):
            make_client(index.url, env={}).project("demo")
        signed: Any = (
            {"credentials": lambda _: ("me", "secret")} if how == "callback" else {"env": {"NETRC": str(netrc)}}
        )
        assert make_client(index.url, **signed).page_identity("demo") is None
        assert len(make_client(index.url, **signed).project("demo").artifacts) == 1


def test_absence_is_remembered_for_each_user(make_client: Any) -> None:
    with LoopbackIndex({WHEEL: DATA}) as index:
        for _ in range(2):
            for user in (None, ("me", "secret"), ("you", "secret"), ("you", "secret")):
                with pytest.raises(ProjectNotFound):
                    make_client(index.url, credentials=lambda _, user=user: user).project("missing")
        assert index.count() == 5


def test_a_login_is_not_asked_for_where_pages_are_kept(make_client: Any) -> None:
    asked: list[str] = []
    with LoopbackIndex({WHEEL: DATA}) as index:
        make_client(index.url).project("demo")
        make_client(index.url, credentials=asked.append).project("demo")
    assert not asked


@pytest.mark.parametrize("projects", [1, 40])
def test_pages_that_may_not_be_kept_do_not_pile_up(
    make_client: Any, monkeypatch: pytest.MonkeyPatch, projects: int
) -> None:
    """In a process that lives for long each of them would stay for ever."""
    monkeypatch.setattr(pages, "_UNKEPT", 50)
    monkeypatch.setattr(pages, "_SETTLED", 0.0)
    count = itertools.count()

    def hook(request: LoopbackRequest) -> LoopbackAnswer:
        number = next(count)
        files = [{"filename": f"p{number}-{n}.tar.gz", "url": f"/{n}", "hashes": {}} for n in range(10)]
        body = {"meta": {"api-version": "1.0"}, "name": request.path, "files": files}
        headers = {"Content-Type": JSON_TYPE, "Cache-Control": "no-store"}
        return LoopbackAnswer(headers=headers, body=json.dumps(body).encode())

    with LoopbackIndex(hook=hook) as index:
        client = make_client(index.url)
        source = client._projects._sources._open[0]
        for number in range(60):
            source.page(f"p{number % projects}")
        assert next(count) == 60
        assert 0 < len(source._pages._unkept) <= min(projects, 6)


def test_names_do_not_pile_up(make_client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (pages, projects_module):
        monkeypatch.setattr(module, "_NAMES", 20)
    with LoopbackIndex({WHEEL: DATA}) as index:
        client = make_client(index.url)
        for number in range(70):
            with pytest.raises(ProjectNotFound):
                client.project(f"p{number}")
            assert client.page_identity(f"p{number}") is not None
        source = client._projects._sources._open[0]
        memos = (client._projects._identities, source._pages._settled, source._pages._missed)
        assert all(0 < len(memo) <= 20 for memo in memos)
        assert not source._pages._asking


@pytest.mark.parametrize(("name", "version"), [("evil", "1.0"), ("demo", "2.0")])
def test_a_sidecar_of_something_else_is_refused(make_client: Any, name: str, version: str) -> None:
    """Its hash is right: it is the index that is wrong."""
    forged = metadata_text(name, version).encode()
    told = {WHEEL: {"core-metadata": {"sha256": hashlib.sha256(forged).hexdigest()}}}

    def hook(request: LoopbackRequest) -> LoopbackAnswer | None:
        return LoopbackAnswer(body=forged) if request.path.endswith(".metadata") else None

    with LoopbackIndex({WHEEL: DATA}, details=told, hook=hook) as index:
        client = make_client(index.url)
        with pytest.raises(MetadataMismatch, match=rf"{name} {version}"):
            client.metadata(client.project("demo").artifacts[0])


def test_credentials_in_a_redirect_are_dropped(make_client: Any) -> None:
    def away(_: LoopbackRequest) -> LoopbackAnswer:
        place = f"http://user:sesame@127.0.0.1:{index.port}/simple/demo/"
        return LoopbackAnswer(status=302, headers={"Location": place})

    with LoopbackIndex({WHEEL: DATA}) as index, LoopbackIndex(hook=away) as first:
        page = make_client(first.url).project("demo")
    assert [request.headers.get("authorization") for request in (*first.requests, *index.requests)] == [None, None]
    assert len(page.artifacts) == 1
    assert "sesame" not in repr(page) + "".join(artifact.url for artifact in page.artifacts)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform has no fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_does_not_speak_on_its_parents_connections(make_client: Any) -> None:
    with LoopbackIndex({WHEEL: DATA}) as index:
        client = make_client(index.url)
        client.ask(f"{index.url}demo/")
        assert index.connections == 1
        child = os.fork()
        if not child:
            status = 1
            try:
                status = int(not client.ask(f"{index.url}demo/"))
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert index.connections == 2
        client.ask(f"{index.url}demo/")
        assert index.connections == 2
        assert index.count("demo") == 3


def test_the_deadline_holds_however_much_is_there() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"x" * 10)
        clocked = Clocked(ours)
        clocked.request = Request(url="", deadline=time.monotonic() + 60.0)
        assert clocked.recv(1) == b"x"
        clocked.request = Request(url="", deadline=time.monotonic())
        with pytest.raises(DeadlineExceeded):
            clocked.recv(1)
