"""A kit that lives as long as an editor: what it remembers is bounded, however many projects and environments it meets."""

from __future__ import annotations

import types
from collections import deque

import pytest

import envkit
from envkit.index import auth, download, http11, metadata, pages, projects
from envkit.interpreter import places, probe
from envkit.kit import builds, parts, source
from envkit.model.recent import Recent
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

PROJECTS, MOST = 18, 4
BOUNDS = [
    (metadata, "_NAMES"),
    (metadata, "_JUST_READ"),
    (download, "_NAMES"),
    (pages, "_NAMES"),
    (pages, "_JUST_READ"),
    (projects, "_NAMES"),
    (projects, "_MEMO"),
    (parts, "_INTERPRETERS"),
    (auth, "_HOSTS"),
    (http11, "_HOSTS"),
    (builds, "_FAILURES"),
]
OPAQUE = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType, str, bytes, int, envkit.Interpreter)


def containers(start: object) -> list[tuple[str, int]]:
    """Give where the containers are that can be reached from *start*, and how many things are in each."""
    found, seen = [], set()
    waiting = deque([(start, "kit")])
    while waiting:
        value, path = waiting.popleft()
        if id(value) in seen or isinstance(value, OPAQUE):
            continue
        seen.add(id(value))
        if isinstance(value, dict):
            found.append((path, len(value)))
            waiting.extend((item, f"{path}[]") for item in (*value, *value.values()))
        elif isinstance(value, (list, set, frozenset, deque)):
            found.append((path, len(value)))
            waiting.extend((item, f"{path}[]") for item in value)
        elif isinstance(value, tuple):
            waiting.extend((item, f"{path}()") for item in value)
        elif isinstance(value, types.MethodType):
            waiting.append((value.__self__, f"{path}.self"))
        else:
            names = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
            names += getattr(value, "__dict__", {})
            waiting.extend((getattr(value, name, None), f"{path}.{name}") for name in names if name != "__dict__")
    return found


@pytest.mark.parametrize("hashes", [True, False])
def test_what_a_kit_remembers_is_bounded(tmp_path, monkeypatch, hashes):
    files = dict(wheel_bytes(f"demo-{number}", "1.0") for number in range(PROJECTS))
    for module, name in BOUNDS:
        monkeypatch.setattr(module, name, MOST * 20 if name == "_MEMO" else MOST)
    monkeypatch.setattr(source, "MEMORY", 2_000)  # bytes
    for module, name in ((probe, "_known"), (probe, "_refused"), (places, "_listings")):
        monkeypatch.setattr(module, name, Recent(MOST))
    with LoopbackIndex(files, hashes=hashes) as index:
        kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache")
        for number in range(PROJECTS):
            env = kit.create(tmp_path / f"env{number}")
            env = envkit.Environment.open(env.root)
            envkit.Interpreter.probe(env.executable)
            kit.install(env, [f"demo-{number}"])
            with pytest.raises(envkit.ProjectNotFound):
                kit.resolve([f"nothing-{number}"], target=env)
        large = [(path, count) for path, count in containers(kit._parts) if count >= PROJECTS]
        assert large == []
        assert len(probe._known) <= MOST
        assert len(places._listings) <= MOST
