"""What every user may rely on: values that travel, globals that stay as they are, threads that share everything."""

from __future__ import annotations

import copy
import gc
import json
import locale
import logging
import os
import pickle
import signal
import socket
import sys
import threading
import warnings
from types import SimpleNamespace

import pytest

import envkit
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

PROJECTS = dict(
    [
        wheel_bytes("app", "1.0", requires=["lib>=1", "old; python_version < '3.9'"]),
        wheel_bytes("lib", "1.0"),
        wheel_bytes("lib", "1.1"),
        wheel_bytes("old", "1.0"),
    ]
)


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """Give one value of each kind, from one run of everything."""
    folder = tmp_path_factory.mktemp("contract")
    with LoopbackIndex(PROJECTS) as index, envkit.Kit(indexes=index.url, cache_dir=folder / "cache") as kit:
        env = kit.create(folder / "env")
        resolution = kit.resolve(["app"], target=env)
        plan = kit.plan(env, resolution)
        report = kit.apply(env, plan)
        lock = kit.lock(["app"], requires_python=">=3.9")
        pin = resolution.pins["app"]
        yield {
            "environment": env,
            "interpreter": env.interpreter,
            "target": resolution.target,
            "resolution": resolution,
            "pin": pin,
            "artifact": pin.artifacts[0],
            "plan": plan,
            "report": report,
            "lock": lock,
            "package": lock.packages[0],
            "distribution": env.distributions()[0],
        }


KINDS = [
    "environment", "interpreter", "target", "resolution", "pin", "artifact", "plan", "report", "lock", "package",
    "distribution",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_travels_as_json_with_its_schema(done, kind):
    value = done[kind]
    data = value.to_dict()
    assert data["schema"] >= 1
    again = type(value).from_dict(json.loads(json.dumps(data)))
    assert again == value
    assert again.to_dict() == data


@pytest.mark.parametrize("kind", KINDS)
def test_a_value_is_copied_pickled_and_not_changed(done, kind):
    value = done[kind]
    assert pickle.loads(pickle.dumps(value)) == value
    assert copy.deepcopy(value) == value
    with pytest.raises((AttributeError, TypeError)):
        value.surprise = 1
    name = next(iter(value.to_dict().keys() - {"schema"}))
    with pytest.raises((AttributeError, TypeError)):
        setattr(value, name, None)


def _globals():
    mask = os.umask(0o22)
    os.umask(mask)
    return SimpleNamespace(
        umask=mask,
        folder=os.getcwd(),
        variables=dict(os.environ),
        root=(logging.root.level, tuple(logging.root.handlers)),
        signals=[signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        warnings=list(warnings.filters),
        path=list(sys.path),
        hooks=(sys.excepthook, threading.excepthook, sys.stdout, sys.stderr),
        locale=locale.setlocale(locale.LC_ALL),
        limits=(sys.getrecursionlimit(), sys.getswitchinterval(), socket.getdefaulttimeout()),
        collector=(gc.isenabled(), gc.get_threshold()),
    )


def test_no_global_is_changed_and_nothing_is_printed(tmp_path, capfd):
    before = _globals()
    with LoopbackIndex(PROJECTS) as index, envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache") as kit:
        env = kit.create(tmp_path / "env")
        kit.install(env, ["app"], compile_bytecode=True)
        kit.sync(env, kit.lock(["app"], requires_python=">=3.9"))
        kit.uninstall(env, kit.freeze(env)[0].partition("==")[0])
        with pytest.raises(envkit.ResolutionError):
            kit.resolve(["lib>9"], target=env)
    assert _globals() == before
    assert capfd.readouterr() == ("", "")


def test_threads_share_a_kit_and_environments(tmp_path):
    """Of several threads that install into and uninstall from the same environments, each has its way or a plain answer."""
    failures: list[BaseException] = []
    with LoopbackIndex(PROJECTS) as index, envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache") as kit:

        def work(number):
            try:
                env = kit.create(tmp_path / f"env{number % 3}")
                kit.install(env, ["app"])
                kit.freeze(env)
                if number % 2:
                    kit.uninstall(env, ["app"], missing_ok=True)
            except BaseException as error:  # noqa: BLE001  whatever it is belongs to the test
                failures.append(error)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        for number in range(3):
            env = envkit.Environment.open(tmp_path / f"env{number}")
            assert kit.check(env) == ()
            assert kit.verify(env) == ()
