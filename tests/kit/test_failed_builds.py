"""A build that fails while something is resolved: the error shows how it ended, bounded and without secrets."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest

import envkit
from envkit import events
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

HERE = envkit.Interpreter.current()
BACKEND = r"""
import sys
for number in range(3000):
    print("line", number)
print("x" * 100_000)
print("cloning https://user:geheim@host.example/x.git")
print("\x1b[31mfatal error: Python.h: No such file\x1b[0m")
sys.exit(4)
"""


ENDLESS = """
import time
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    while True:
        time.sleep(1)
"""


def _sdist(name, version, backend=BACKEND):
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n',
        "b.py": backend,
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path, text in files.items():
            member = tarfile.TarInfo(f"{name}-{version}/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return f"{name}-{version}.tar.gz", buffer.getvalue()


@pytest.fixture(scope="module")
def url():
    files = [_sdist("bad", "1.0"), _sdist("bad", "0.9"), wheel_bytes("good", "1.0", requires=["bad"])]
    with LoopbackIndex(dict(files)) as index:
        yield index.url


@pytest.mark.parametrize("wanted", ["bad", "good"])
def test_a_resolution_shows_the_end_of_a_failed_build(url, tmp_path, wanted):
    seen = []
    kit = envkit.Kit(indexes=url, cache_dir=tmp_path, reporter=seen.append)
    with pytest.raises(envkit.ResolutionImpossible) as caught:
        kit.resolve([wanted], target=HERE)
    error = caught.value
    assert "fatal error: Python.h: No such file" in error.message.partition("\n")[0]
    told = error.message.partition("the build of bad 1.0 ended with")[2].splitlines()
    assert told[-1].endswith("fatal error: Python.h: No such file?[0m")
    assert len(error.message) < 6000
    (build,) = error.context["builds"]
    assert (build["subject"], build["returncode"]) == ("bad 1.0", 4)
    assert build["last_lines"][-1] in told[-1]
    assert build["log"] in error.hint
    everything = json.dumps(error.to_dict()) + error.message
    assert "geheim" not in everything
    assert "\x1b" not in everything
    assert "geheim" not in Path(build["log"]).read_text()
    assert not [event for event in seen if isinstance(event, events.BuildOutput) and "geheim" in event.line]


def test_a_failed_build_alone_names_its_last_line(url, tmp_path):
    kit = envkit.Kit(indexes=url, cache_dir=tmp_path, build=envkit.BuildSettings(on_failure="raise"))
    with pytest.raises(envkit.ResolutionError) as caught:
        kit.resolve(["bad"], target=HERE)
    assert "fatal error: Python.h: No such file" in caught.value.message
    assert isinstance(caught.value.__cause__, envkit.WheelBuildError)
    assert "line 2999\n" in caught.value.__cause__.output
    assert "geheim" not in caught.value.__cause__.output


@pytest.mark.parametrize("wanted", ["slow", "good"])
def test_a_hook_that_does_not_end_is_ended_at_the_deadline(tmp_path, wanted):
    files = [_sdist("slow", "1.0", ENDLESS), wheel_bytes("slow", "0.9"), wheel_bytes("good", "1.0", requires=["slow"])]
    with LoopbackIndex(dict(files)) as index:
        kit = envkit.Kit(indexes=index.url, cache_dir=tmp_path, policy=envkit.ResolutionPolicy(deadline=3.0))
        with pytest.raises(envkit.ResolutionTooDeep, match="within the deadline") as caught:
            kit.resolve([wanted], target=HERE)
        # A machine that is busy enough comes to the deadline before the hook.
        if "subject" in caught.value.context:
            assert caught.value.context["subject"].startswith("slow")
            assert "slow" in caught.value.message
