"""A password in a requirement's or an index's address is used, and left nowhere."""

import base64
from pathlib import Path
from typing import Any

import pytest

import envkit
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

SECRET = "s3cretword"
FILES = dict([wheel_bytes("demo", "1.0", requires=["other"]), wheel_bytes("other", "1.0")])


@pytest.mark.parametrize("direct", [True, False])
def test_passwords_are_left_nowhere(tmp_path: Path, *, direct: bool) -> None:
    seen: list[Any] = []
    with LoopbackIndex(FILES, login=("user", SECRET)) as index:
        root = index.root.replace("//", f"//user:{SECRET}@")
        wish = f"demo @ {root}/files/demo-1.0-py3-none-any.whl" if direct else "demo"
        kit = envkit.Kit(indexes=(f"{root}/simple/",), cache_dir=tmp_path / "cache", reporter=seen.append)
        env = kit.create(tmp_path / "env")
        resolution = kit.resolve([wish], target=env)
        report = kit.install(env, [wish])
        lock = kit.lock([wish], requires_python=">=3.11,<3.13")
        assert {item.name for item in env.distributions()} >= {"demo", "other"}
        texts = [
            repr(seen), repr(resolution), str(resolution.to_dict()), resolution.to_pylock(), repr(report),
            str(report.to_dict()), lock.to_pylock(), repr(lock), "\n".join(kit.freeze(env)),
            str(resolution.explain("other")), "\n".join(map(str, resolution.to_requirements())),
        ]  # fmt: skip
    kept = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()]
    for text in (*texts, *kept, *map(str, tmp_path.rglob("*"))):
        assert SECRET not in text
        assert base64.b64encode(f"user:{SECRET}".encode()).decode() not in text
