"""`Kit.audit` over a loopback index with a JSON API, and an OSV server beside it."""

from __future__ import annotations

import json

import pytest

import envkit
from envkit.errors import IndexAccessError, RequirementError
from envkit.inspection.audit import Vulnerability
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.loopback_http import LoopbackAnswer
from envkit.testing.wheels import make_wheel, wheel_bytes

FILES = dict(
    [
        wheel_bytes("app", "1.0", requires=["lib<2.1"]),
        wheel_bytes("strict", "1.0", requires=["lib==1.0"]),
        *(wheel_bytes("lib", version) for version in ("1.0", "1.1", "1.2rc1", "1.2", "1!0.5", "2.0")),
        wheel_bytes("old", "1.0"),
        wheel_bytes("old", "1.1"),
    ]
)
LIB = {"id": "PYSEC-1", "aliases": ["CVE-1"], "summary": "bad", "fixed_in": ["1.1", "2.0"], "link": "https://x.example"}
OSV = {
    "lib": [
        {"id": "GHSA-1", "aliases": ["CVE-1"], "affected": [{"package": {"name": "lib", "ecosystem": "PyPI"}, "ranges": [
            {"type": "GIT", "events": [{"introduced": "0"}, {"fixed": "abcdef"}]},
            {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2"}]},
            {"type": "ECOSYSTEM", "events": [{"introduced": "1!0"}, {"fixed": "1!0.6"}]}]}]},
        {"id": "GHSA-gone", "withdrawn": "2024-01-01T00:00:00Z"},
        {"id": "GHSA-npm", "affected": [{"package": {"name": "lib", "ecosystem": "npm"}, "versions": ["9"]},
                                        {"package": {"name": "lib", "ecosystem": "PyPI"}, "versions": ["0.1"]}]},
    ],
    "old": [{"id": "GHSA-2", "affected": [{"package": {"name": "old", "ecosystem": "PyPI"}, "ranges": [
        {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"last_affected": "1.0"}]}]}]}],
}  # fmt: skip


def answers(request):
    parts = request.path.split("/")
    if request.path.startswith("/pypi/"):
        known = [LIB] if parts[2:4] == ["lib", "1.0"] else []
        if parts[2] not in ("lib", "app", "old", "strict"):
            return LoopbackAnswer(status=404)
        return LoopbackAnswer(body=json.dumps({"vulnerabilities": known}).encode())
    if request.path == "/osv/v1/query":
        query = json.loads(request.body)
        assert (request.method, query["package"]["ecosystem"]) == ("POST", "PyPI")
        return LoopbackAnswer(body=json.dumps({"vulns": OSV.get(query["package"]["name"], [])}).encode())
    return None


@pytest.fixture(scope="module")
def index():
    with LoopbackIndex(FILES, hook=answers) as running:
        yield running


@pytest.fixture
def kit(index, tmp_path):
    with envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache") as made:
        yield made


@pytest.fixture
def env(kit, tmp_path):
    return kit.create(tmp_path / "env")


def told(findings):
    return [(one.name, one.version, one.vulnerability.id, one.nearest_fix, one.fix) for one in findings]


def test_an_environment(kit, env, index):
    kit.install(env, ["app", "lib==1.0", "old==1.0"])
    assert told(kit.audit(env)) == [("lib", "1.0", "PYSEC-1", "1.1", "1.1")]
    both = kit.audit(env, osv=f"{index.root}/osv/")
    # GHSA-1 is PYSEC-1 by its alias, and says that 1.1 is no fix
    assert told(both) == [("lib", "1.0", "PYSEC-1", "1.1", "1.2"), ("old", "1.0", "GHSA-2", None, "1.1")]
    assert both[0].vulnerability.aliases == ("CVE-1", "GHSA-1")
    assert told(kit.audit(env, fixes=False)) == [("lib", "1.0", "PYSEC-1", "1.1", None)]


def test_a_fix_that_the_rest_does_not_allow(kit, env):
    kit.install(env, ["strict", "lib==1.0"])
    (finding,) = kit.audit(env)
    assert (finding.nearest_fix, finding.fix) == ("1.1", None)
    assert finding.fix_problem.startswith("lib 1.1: ")
    assert "strict" in finding.fix_problem


def test_locks_and_resolutions(kit, env, index):
    lock = kit.lock(["app", "lib==1.0; sys_platform == 'win32'", "lib>=1.1; sys_platform != 'win32'"])
    assert told(kit.audit(lock)) == [("lib", "1.0", "PYSEC-1", "1.1", None)]
    resolution = kit.resolve(["app", "lib<1.1"], target=env)
    assert told(kit.audit(resolution)) == [("lib", "1.0", "PYSEC-1", "1.1", None)]
    lock = kit.lock(["app", "lib"], constraints=["lib<1.1"])
    assert told(kit.audit(lock)) == [("lib", "1.0", "PYSEC-1", "1.1", None)]
    lock = kit.lock(["app"], previous=kit.lock(["app", "lib==1.0"]))
    assert told(kit.audit(lock, osv=f"{index.root}/osv")) == [("lib", "1.0", "PYSEC-1", "1.1", "1.2")]
    assert told(kit.audit(envkit.Lock.parse(lock.to_pylock()))) == [("lib", "1.0", "PYSEC-1", "1.1", "1.1")]


def test_what_no_index_has_stays(kit, env, tmp_path):
    name, data = wheel_bytes("private", "1.0+cu118")
    (tmp_path / name).write_bytes(data)
    kit.install(env, [tmp_path / name, "lib==1.0"])
    kit.with_options(find_links=(tmp_path,)).install(env, ["private"], reinstall=["private"])
    assert told(kit.audit(env)) == [("lib", "1.0", "PYSEC-1", "1.1", "1.1")]


def test_failure_is_told(kit, env, tmp_path):
    kit.install(env, ["lib==1.0"])
    with LoopbackIndex(FILES, hook=lambda _: LoopbackAnswer(status=500)) as broken:
        other = envkit.Kit(indexes=(broken.url,), cache_dir=tmp_path / "cache", retries=0)
        with pytest.raises(IndexAccessError, match="answered 500"):
            other.audit(env)
    with pytest.raises(IndexAccessError):  # nobody listens any more
        other.audit(env)
    with pytest.raises(IndexAccessError, match="offline"):
        kit.with_options(offline=True).audit(env)
    with pytest.raises(IndexAccessError, match="nobody to ask"):
        kit.with_options(indexes=()).audit(env)
    with pytest.raises(RequirementError, match="neither an environment"):
        kit.audit("lib")
    moved = LoopbackAnswer(status=307, headers={"Location": "/elsewhere"})
    with LoopbackIndex(hook=lambda _: moved) as moving, pytest.raises(IndexAccessError, match="redirect"):
        kit.audit(env, index=False, osv=moving.root)


def test_own_providers(kit, env):
    class Own:
        def __init__(self):
            self.asked = []

        def vulnerabilities(self, name, version):
            self.asked.append((name, version))
            return (Vulnerability(id="X", fixed_in=("1.2",)),) if version == "1.0" else ()

    kit.install(env, ["lib==1.0"])
    own = Own()
    assert told(kit.audit(env, index=False, providers=[own])) == [("lib", "1.0", "X", "1.2", "1.2")]
    assert own.asked == [("lib", "1.0"), ("lib", "1.2")]  # each once


def test_indexes_without_such_an_api_are_no_proof_of_anything(tmp_path):
    # a mirror that answers 404 to every question would let everything pass
    with LoopbackIndex(FILES) as mirror, envkit.Kit(indexes=mirror.url, cache_dir=tmp_path / "mirrored") as kit:
        env = kit.create(tmp_path / "env")
        kit.install(env, "old==1.0")
        with pytest.raises(IndexAccessError, match=r"no index has a JSON API that knows old 1\.0") as caught:
            kit.audit(env)
        assert "osv=" in caught.value.hint

        class Known:
            def vulnerabilities(self, name, version):
                return (Vulnerability(id="MINE-1"),)

        assert told(kit.audit(env, providers=[Known()], fixes=False)) == [("old", "1.0", "MINE-1", None, None)]


def test_what_no_index_serves_is_known_to_none(kit, env, tmp_path):
    make_wheel(tmp_path, "private", "1.0")
    kit.install(env, tmp_path / "private-1.0-py3-none-any.whl")
    assert kit.audit(env) == ()
