"""Usual mistakes: each ends in an error of ours that names the place, the cause, and what would help."""

from __future__ import annotations

import json
import socket

import pytest

import envkit
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

HERE = envkit.Interpreter.current()


@pytest.fixture(scope="module")
def url():
    files = [wheel_bytes("requests", "2.0"), wheel_bytes("app", "1.0", requires=["reqeusts"])]
    with LoopbackIndex(dict(files)) as index:
        yield index.url


@pytest.fixture
def failing(tmp_path):
    """Give the error of a call, after looking at what holds for every error."""

    def fail(call, kind=envkit.EnvkitError):
        with pytest.raises(kind) as caught:
            call()
        error = caught.value
        assert isinstance(error, envkit.EnvkitError)
        assert error.code == json.loads(json.dumps(error.to_dict()))["code"]
        assert str(error) == error.message
        return error

    return fail


@pytest.fixture
def resolve(tmp_path, url):
    def run(*wanted, **options):
        given = {"indexes": url, "cache_dir": tmp_path / "cache", "retries": 0, **options}
        return envkit.Kit(**given).resolve(wanted, target=HERE)

    return run


def test_indexes_that_were_asked_in_vain_are_named(failing, resolve, url):
    error = failing(lambda: resolve("reqeusts"), envkit.ProjectNotFound)
    assert url in error.message
    assert error.hint == "did you mean requests?"
    error = failing(lambda: resolve("app"), envkit.ResolutionImpossible)
    assert "did you mean requests?" in error.hint
    error = failing(lambda: resolve("app", indexes=()), envkit.ProjectNotFound)
    assert "none was given" in error.message


def test_addresses_that_are_none(failing, resolve, tmp_path):
    error = failing(lambda: resolve("app", indexes="http://[bad"), envkit.TransportError)
    assert "http://[bad" in error.message
    error = failing(lambda: resolve("app", indexes="index.example/simple"), envkit.TransportError)
    assert "https://" in error.hint
    error = failing(lambda: resolve("app", indexes=(), find_links=tmp_path / "gone"), envkit.TransportError)
    assert str(tmp_path / "gone") in error.message


def test_a_server_that_is_not_there(failing, resolve):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = failing(lambda: resolve("app", indexes=f"http://127.0.0.1:{port}/simple/"), envkit.TransportError)
    assert f"port {port}" in error.message
    assert "offline=True" in error.hint


@pytest.mark.parametrize("answer", [42, ("only",), "password"])
def test_a_callback_for_credentials_that_gives_none(failing, resolve, answer):
    error = failing(lambda: resolve("app", credentials=lambda _: answer), envkit.TransportError)
    assert "credentials" in error.message
