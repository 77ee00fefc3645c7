"""Hash mode is as strict as pip's, and no stricter: both install from the same folder, or both refuse."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import pytest

import envkit
from envkit.errors import EnvkitError, HashMismatch
from envkit.formats.requirements_txt import read_requirements
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import make_wheel, wheel_bytes
from envkit.wheels.settings import BuildSettings
from tests.freeze.places import ask_pip
from tests.wheels.doubles import sdist_of

ZEROS, ONES = "0" * 64, "1" * 64

# {a}: the sha256 of a-1.0, {A}: in capitals, {long}: its sha512, {c}: of c-1.0, {url}: where a-1.0 is
CASES = {
    "elsewhere": "a==1.0 --hash=sha256:{a}\nb==1.0; sys_platform == 'nowhere'\n",
    "elsewhere, not pinned": "a==1.0 --hash=sha256:{a}\nb; sys_platform == 'nowhere'\n",
    "wildcard": "a==1.* --hash=sha256:{a}\n",
    "three equals signs": "a===1.0 --hash=sha256:{a}\n",
    "wrong": f"a==1.0 --hash=sha256:{ZEROS}\n",
    "one of two": f"a==1.0 --hash=sha256:{ZEROS} --hash=sha256:{{a}}\n",
    "capitals": "a==1.0 --hash=sha256:{A}\n",
    "sha512": "a==1.0 --hash=sha512:{long}\n",
    "sha512, wrong": f"a==1.0 --hash=sha512:{ZEROS}{ZEROS}\n",
    "two algorithms, one wrong": f"a==1.0 --hash=sha512:{ZEROS}{ZEROS} --hash=sha256:{{a}}\n",
    "hash in the constraints": "--require-hashes\n-c hash.txt\na==1.0\n",
    "pin in the constraints": "--require-hashes\n-c pin.txt\na --hash=sha256:{a}\n",
    "a constraint without a hash": "-c unused.txt\na==1.0 --hash=sha256:{a}\n",
    "twice": "a==1.0 --hash=sha256:{a}\na==1.0\n",
    "not pinned": "a --hash=sha256:{a}\n",
    "a dependency without": "c==1.0 --hash=sha256:{c}\n",
    "URL": "a @ {url} --hash=sha256:{a}\n",
    "URL, wrong": f"a @ {{url}} --hash=sha256:{ZEROS}\n",
    "URL, one of two": f"a @ {{url}} --hash=sha256:{ZEROS} --hash=sha256:{{a}}\n",
    "URL, none of two": f"a @ {{url}} --hash=sha256:{ZEROS} --hash=sha256:{ONES}\n",
    "URL, sha512": "a @ {url} --hash=sha512:{long}\n",
    "URL, sha512, wrong": f"a @ {{url}} --hash=sha512:{ZEROS}{ZEROS}\n",
    "fragment": "--require-hashes\na @ {url}#sha256={a}\n",
    "fragment and another": f"a @ {{url}}#sha256={{a}} --hash=sha256:{ZEROS}\n",
    "path": "./a-1.0-py3-none-any.whl --hash=sha256:{a}\n",
    "path, wrong": f"./a-1.0-py3-none-any.whl --hash=sha256:{ZEROS}\n",
    "path without": "--require-hashes\n./a-1.0-py3-none-any.whl\n",
    "switched off": "--no-require-hashes\na==1.0 --hash=sha256:{a}\nb\n",
    "switched off, wrong": f"--no-require-hashes\na==1.0 --hash=sha256:{ZEROS}\nb\n",
}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("links")
    for name, needs in (("a", ()), ("b", ()), ("c", ("b",))):
        make_wheel(folder, name, "1.0", requires=needs)
    (folder / "pin.txt").write_text("a==1.0\n")
    (folder / "hash.txt").write_text(f"a==1.0 --hash=sha256:{_digest(folder / 'a-1.0-py3-none-any.whl')}\n")
    (folder / "unused.txt").write_text("b==1.0\n")
    return folder


def _digest(path, algorithm="sha256"):
    return hashlib.new(algorithm, path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def pips(place):
    """What pip says of every case: its exit codes."""
    wheel = place / "a-1.0-py3-none-any.whl"
    known = {"a": _digest(wheel), "A": _digest(wheel).upper(), "long": _digest(wheel, "sha512"), "url": wheel.as_uri()}
    for number, text in enumerate(CASES.values()):
        (place / f"r{number}.txt").write_text(text.format(**known, c=_digest(place / "c-1.0-py3-none-any.whl")))
    command = ["install", "-q", "--dry-run", "--ignore-installed", "--no-index", "-f", "."]
    commands = [[*command, "-r", f"r{number}.txt"] for number in range(len(CASES))]
    answers = ask_pip(Path(sys.executable), *commands, cwd=place)
    return {case: answer["code"] for case, answer in zip(CASES, answers, strict=True)}


@pytest.mark.parametrize("case", CASES)
def test_as_strict_as_pip(case, place, pips, tmp_path):
    path = place / f"r{list(CASES).index(case)}.txt"
    with envkit.Kit(indexes=(), find_links=(place,), cache_dir=tmp_path / "cache") as kit:
        env = kit.create(tmp_path / "env")
        try:
            kit.install(env, read_requirements(path))
        except EnvkitError as error:
            refused = str(error)
            assert kit.list(env) == ()
        else:
            refused = ""
    assert bool(refused) == bool(pips[case]), refused


def test_an_index_that_gives_other_hashes(tmp_path):
    """The index says sha256, the file of requirements sha512: pip downloads and compares."""
    name, data = wheel_bytes("a", "1.0")
    with LoopbackIndex({name: data}) as index, envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache") as kit:
        for digest, good in ((hashlib.sha512(data).hexdigest(), True), (ZEROS + ZEROS, False)):
            (tmp_path / "r.txt").write_text(f"a==1.0 --hash=sha512:{digest}\n")
            env = kit.create(tmp_path / f"env-{good}")
            if good:
                kit.install(env, read_requirements(tmp_path / "r.txt"))
                assert kit.freeze(env) == ("a==1.0",)
            else:
                with pytest.raises(EnvkitError, match="hash"):
                    kit.install(env, read_requirements(tmp_path / "r.txt"))


@pytest.mark.parametrize(
    "hashes",
    [
        f"--hash=sha256:{ZEROS}",
        f"--hash=sha256:{ZEROS} --hash=sha256:{ONES}",
        f"--hash=sha512:{ZEROS}{ZEROS}",
        f"--hash=sha384:{ZEROS}{'0' * 32}",
    ],
)
@pytest.mark.parametrize("form", ["{url}", "a @ {url}", "{path}"])
def test_no_code_of_an_archive_runs_before_its_hashes_are_compared(form, hashes, tmp_path):
    ran = tmp_path / "ran.txt"
    archive = sdist_of(tmp_path, {"name": "a", "version": "1.0", "run": f"open({str(ran)!r}, 'w')"})
    (tmp_path / "r.txt").write_text(f"{form.format(url=archive.as_uri(), path=archive)} {hashes}\n")
    build = BuildSettings(variables={"BUILD_LOG": str(tmp_path / "log.txt")})
    with envkit.Kit(indexes=(), cache_dir=tmp_path / "cache", build=build) as kit:
        env = kit.create(tmp_path / "env")
        for work in (
            lambda: kit.install(env, read_requirements(tmp_path / "r.txt")),
            lambda: kit.download(read_requirements(tmp_path / "r.txt"), tmp_path / "d"),
        ):
            with pytest.raises(HashMismatch):
                work()
    assert not ran.exists()
    assert not (tmp_path / "log.txt").exists()


def test_locks_keep_to_the_hashes_of_files_of_requirements(place, tmp_path):
    wheel = place / "a-1.0-py3-none-any.whl"
    good, long = f"--hash=sha256:{_digest(wheel)}", f"--hash=sha512:{_digest(wheel, 'sha512')}"
    with envkit.Kit(indexes=(), find_links=(place,), cache_dir=tmp_path / "cache") as kit:
        for text, fits in (
            (f"a==1.0 {good}", True),
            (f"a==1.0 {long}", True),
            (f"a==1.0 --hash=sha256:{ZEROS}", False),
            (f"a @ {wheel.as_uri()} {long}", True),
            (f"a @ {wheel.as_uri()} --hash=sha512:{ZEROS}{ZEROS}", False),
            (f"a @ {wheel.as_uri()} --hash=sha256:{ZEROS} --hash=sha256:{ONES}", False),
        ):
            (tmp_path / "r.txt").write_text(text + "\n")
            if fits:
                lock = kit.lock(read_requirements(tmp_path / "r.txt"))
                (package,) = lock.packages
                assert [_digest(wheel, name) for name in package.artifacts[0].hashes] == [
                    *package.artifacts[0].hashes.values()
                ]
            else:
                with pytest.raises(EnvkitError, match="hash"):
                    kit.lock(read_requirements(tmp_path / "r.txt"))


def test_a_version_that_is_not_there_is_not_blamed_on_hashes(tmp_path):
    with LoopbackIndex(dict([wheel_bytes("demo", "1.0")])) as index:
        kit = envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache")
        (tmp_path / "r.txt").write_text(f"demo==2.0 --hash=sha256:{ZEROS}\n")
        with pytest.raises(envkit.NoCandidate) as caught:
            kit.resolve([read_requirements(tmp_path / "r.txt")], target=envkit.Interpreter.current())
    assert "hash" not in (caught.value.hint or "")
