"""Files that are not what their names say: passed over where there is a choice, errors of their own where not."""

from pathlib import Path
from typing import Any

import pytest

import envkit
from envkit.errors import EnvkitError, HashMismatch, InvalidWheel, ResolutionError
from envkit.model.target import Target
from envkit.testing.wheels import make_wheel

TARGET = Target.for_python("3.12", platform="manylinux_2_28_x86_64")


def kit_of(tmp_path: Path, **options: Any) -> envkit.Kit:
    return envkit.Kit(indexes=(), cache_dir=tmp_path / "cache", **options)


@pytest.mark.parametrize("solver", ["pubgrub", "resolvelib"])
def test_a_version_whose_wheel_is_garbage_is_passed_over(tmp_path: Path, solver: str) -> None:
    make_wheel(tmp_path, "demo", "1.0")
    (tmp_path / "demo-2.0-py3-none-any.whl").write_bytes(b"garbage")
    kit = kit_of(tmp_path, find_links=[tmp_path], solver=solver)
    assert str(kit.resolve(["demo"], target=TARGET).pins["demo"].version) == "1.0"
    with pytest.raises(ResolutionError, match="archive is broken"):
        kit.resolve(["demo==2.0"], target=TARGET)


def test_a_wheel_that_is_asked_for_itself(tmp_path: Path) -> None:
    kit = kit_of(tmp_path)
    path = tmp_path / "demo-1.0-py3-none-any.whl"
    path.write_bytes(b"garbage")
    for wish in (path, f"demo @ {path.as_uri()}", f"demo @ {path}"):
        with pytest.raises(InvalidWheel, match=path.name):
            kit.resolve([wish], target=TARGET)
    make_wheel(tmp_path, "demo", "1.0")
    assert kit.resolve([f"demo @ {path}"], target=TARGET).pins["demo"].origin is not None
    with pytest.raises(HashMismatch, match="sha256"):
        kit.resolve([f"demo @ {path.as_uri()}#sha256={'0' * 64}"], target=TARGET)
    with pytest.raises(EnvkitError, match="absolute path"):
        kit.resolve(["demo @ demo-1.0-py3-none-any.whl"], target=TARGET)
