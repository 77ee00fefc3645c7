"""Lock files: PEP 751 and those of other tools."""

from __future__ import annotations

import json

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from envkit.errors import LockError, RequirementError
from envkit.formats.lock import Lock
from envkit.model.target import Target

HASH = "ab" * 32
MARKERS = {
    "python_full_version": "3.11.4", "python_version": "3.11", "sys_platform": "linux", "os_name": "posix",
    "platform_system": "Linux", "platform_machine": "x86_64", "implementation_name": "cpython",
    "platform_python_implementation": "CPython", "implementation_version": "3.11.4", "platform_release": "6",
    "platform_version": "1",
}  # fmt: skip
LINUX = Target(python="3.11.4", markers=MARKERS, tags=("cp311-cp311-linux_x86_64", "py3-none-any"))
WINDOWS = Target(
    python="3.11.4", tags=("cp311-cp311-win_amd64", "py3-none-any"),
    markers={**MARKERS, "sys_platform": "win32", "os_name": "nt", "platform_system": "Windows"},
)  # fmt: skip

PYLOCK = f"""
lock-version = "1.0"
requires-python = ">=3.9"
environments = ["sys_platform == 'linux'", "sys_platform == 'win32'"]
extras = ["big"]
dependency-groups = ["dev", "docs"]
default-groups = ["dev"]
created-by = "someone"
[[packages]]
name = "a"
version = "1.0"
wheels = [
  {{url = "https://f.example/a-1.0-cp311-cp311-win_amd64.whl", hashes = {{sha256 = "{HASH}"}}}},
  {{name = "a-1.0-py3-none-any.whl", path = "files/x.whl", upload-time = 2024-01-01T00:00:00Z, hashes.sha256 = "{HASH}"}},
]
sdist = {{url = "https://f.example/a-1.0.tar.gz", hashes = {{sha256 = "{HASH}"}}}}
[[packages]]
name = "b"
version = "2"
marker = "'big' in extras or sys_platform == 'win32'"
archive = {{url = "https://f.example/b.zip", hashes = {{sha512 = "{HASH * 2}"}}, subdirectory = "sub"}}
[[packages]]
name = "c"
marker = "'dev' in dependency_groups"
vcs = {{type = "git", url = "https://u:secret@g.example/c.git", commit-id = "{"0" * 40}", requested-revision = "main"}}
[[packages]]
name = "d"
marker = "'docs' in dependency_groups"
directory = {{path = "d", editable = true}}
"""


def test_selects_by_platform_extras_and_groups(tmp_path):
    (tmp_path / "pylock.toml").write_text(PYLOCK)
    lock = Lock.read(tmp_path / "pylock.toml")
    pins = lock.select(LINUX).pins
    assert list(pins) == ["a", "c"]
    assert [artifact.filename for artifact in pins["a"].artifacts] == ["a-1.0-py3-none-any.whl", "a-1.0.tar.gz"]
    assert pins["a"].artifacts[0].url == (tmp_path / "files" / "x.whl").as_uri()
    assert pins["c"].origin.commit == "0" * 40
    assert list(lock.select(WINDOWS, groups=[]).pins) == ["a", "b"]
    assert lock.select(WINDOWS).pins["a"].artifacts[0].filename == "a-1.0-cp311-cp311-win_amd64.whl"
    assert set(lock.select(LINUX, extras=["Big"], groups=["docs"]).pins) == {"a", "b", "d"}
    assert lock.select(LINUX, groups=["docs"]).pins["d"].origin.editable


def test_selection_equals_packagings():
    """The reference implementation of the specification selects the same."""
    import tomllib

    from packaging.pylock import Pylock
    from packaging.tags import parse_tag

    reference = Pylock.from_dict(tomllib.loads(PYLOCK))
    lock = Lock.parse(PYLOCK, path="/x/pylock.toml")
    for target in (LINUX, WINDOWS):
        for extras in ((), ("big",)):
            for groups in (None, (), ("dev", "docs")):
                tags = [tag for text in target.tags for tag in parse_tag(text)]
                expected = {
                    package.name: getattr(file, "filename", None)
                    for package, file in reference.select(
                        environment=target.markers, tags=tags, extras=extras, dependency_groups=groups
                    )
                }
                ours = lock.select(target, extras=extras, groups=groups).pins
                assert set(ours) == set(expected)
                assert ours["a"].artifacts[0].filename == expected["a"]


def test_written_again_it_says_the_same_without_secrets(tmp_path):
    lock = Lock.parse(PYLOCK, path=str(tmp_path / "pylock.toml"))
    text = lock.to_pylock(base=tmp_path)
    assert "secret" not in text
    assert 'path = "files/x.whl"' in text
    again = Lock.parse(text, path=str(tmp_path / "pylock.toml"))
    for target in (LINUX, WINDOWS):
        ours, theirs = lock.select(target, extras=["big"]).pins, again.select(target, extras=["big"]).pins
        assert {name: pin.artifacts for name, pin in ours.items()} == {
            name: pin.artifacts for name, pin in theirs.items()
        }
    assert Lock.from_dict(json.loads(json.dumps(lock.to_dict()))) == lock


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (("lock-version = \"1.0\"", "lock-version = \"2.0\""), "not supported"),
        (("name = \"a\"", "name = \"A\""), r"packages\[0\]"),
        ((HASH, "zz"), "hexadecimal"),
        (("'big' in extras or", "'big' in extrs or"), r"packages\[1\]"),
        (("a-1.0.tar.gz", "b-1.0.tar.gz"), "consistent"),
        (("path = \"files/x.whl\"", "path = \"files/\\u0000\""), "null"),
        (("name = \"a-1.0-py3-none-any.whl\"", "name = \"../a-1.0-py3-none-any.whl\""), "file"),
        (("commit-id = \"0", "commit-id = \"-0"), "commit"),
        (("https://f.example/b.zip", "b.zip"), "not absolute"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(change, part):
    text = PYLOCK.replace(*change)
    assert text != PYLOCK
    with pytest.raises(LockError, match=part):
        Lock.parse(text)


def test_refuses_what_it_is_not_for():
    lock = Lock.parse(PYLOCK)
    with pytest.raises(LockError, match="no extra"):
        lock.select(LINUX, extras=["nope"])
    with pytest.raises(LockError, match="is for Python"):
        lock.select(Target(python="3.8.1", markers={**MARKERS, "python_full_version": "3.8.1"}, tags=()))
    with pytest.raises(LockError, match="not for environments"):
        lock.select(Target(python="3.11.4", markers={**MARKERS, "sys_platform": "darwin"}, tags=()))
    doubled = PYLOCK + PYLOCK[PYLOCK.index("[[packages]]") : PYLOCK.index('[[packages]]\nname = "b"')]
    with pytest.raises(LockError, match="ambiguous"):
        Lock.parse(doubled).select(LINUX)
    with pytest.raises(LockError, match="no file of a"):
        Lock.parse(PYLOCK.replace("-py3-none-any", "-cp39-cp39-any").replace("sdist = ", "# ")).select(LINUX, groups=[])


UV = f"""
version = 1
revision = 3
requires-python = ">=3.9"
resolution-markers = ["sys_platform == 'win32'", "sys_platform != 'win32'"]
[[package]]
name = "project"
version = "0.1"
source = {{ virtual = "." }}
dependencies = [{{ name = "a", extra = ["x"] }}, {{ name = "n", version = "1", marker = "sys_platform == 'win32'" }},
                {{ name = "n", version = "2", marker = "sys_platform != 'win32'" }}]
[package.optional-dependencies]
big = [{{ name = "g" }}]
[package.dev-dependencies]
dev = [{{ name = "g", marker = "python_full_version < '3.11'" }}]
[[package]]
name = "a"
version = "1"
source = {{ registry = "https://u:secret@i.example/simple" }}
sdist = {{ url = "https://f.example/a-1.tar.gz", hash = "sha256:{HASH}", size = 5 }}
[package.optional-dependencies]
x = [{{ name = "ax", marker = "sys_platform == 'win32'" }}]
[[package]]
name = "ax"
version = "1"
source = {{ url = "https://f.example/ax-1-py3-none-any.whl" }}
wheels = [{{ url = "https://f.example/ax-1-py3-none-any.whl", hash = "sha256:{HASH}" }}]
[[package]]
name = "g"
version = "3"
source = {{ git = "https://g.example/g.git?rev=main&subdirectory=s#{"1" * 40}" }}
""" + "".join(
    f"""
[[package]]
name = "n"
version = "{version}"
source = {{ registry = "https://i.example/simple" }}
resolution-markers = ["sys_platform {operator} 'win32'"]
wheels = [{{ url = "https://f.example/n-{version}-py3-none-any.whl", hash = "sha256:{HASH}" }}]
"""
    for version, operator in (("1", "=="), ("2", "!="))
)


def test_uv():
    lock = Lock.parse(UV, path="/p/uv.lock")
    assert {(one.name, str(one.version)): one.marker for one in lock.packages} == {
        ("a", "1"): None, ("ax", "1"): 'sys_platform == "win32"', ("n", "1"): 'sys_platform == "win32"',
        ("n", "2"): 'sys_platform != "win32"',
        ("g", "3"): '"big" in extras or (python_version < "3.11" and "dev" in dependency_groups)',
    }  # fmt: skip
    assert lock.default_groups == ("dev",)
    assert set(lock.select(LINUX, extras=["big"]).pins) == {"a", "n", "g"}
    git = lock.package("g")[0].origin
    assert (git.commit, git.requested_revision, git.subdirectory) == ("1" * 40, "main", "s")
    assert "secret" not in lock.to_pylock()
    assert Lock.parse(lock.to_pylock()).select(WINDOWS).pins.keys() == {"a", "ax", "n"}


POETRY = {
    "package": [
        {"name": "A", "version": "1", "optional": False, "python-versions": ">=3.9", "groups": ["main"],
         "files": [{"file": "a-1-py3-none-any.whl", "hash": f"sha256:{HASH}"}], "dependencies": {"b": ">=1"},
         "source": {"type": "legacy", "url": "https://i.example/simple", "reference": "own"}},
        {"name": "b", "version": "2", "optional": False, "python-versions": "*", "groups": ["main", "dev"],
         "markers": {"main": "sys_platform == 'win32'", "dev": "python_version < '3.10'"},
         "files": [{"file": "b-2.tar.gz", "hash": f"sha256:{HASH}"}]},
        {"name": "c", "version": "3", "optional": True, "python-versions": ">=3.8,<4.0", "groups": ["main"],
         "markers": 'extra == "big"', "files": [{"file": "c-3.tar.gz", "hash": f"sha256:{HASH}"}]},
        {"name": "d", "version": "4", "optional": True, "python-versions": "*", "files": [],
         "source": {"type": "git", "url": "https://g.example/d.git", "reference": "HEAD", "resolved_reference": "2" * 40}},
    ],
    "extras": {"big": ["c"], "d": ["d"]},
    "metadata": {"lock-version": "2.1", "python-versions": ">=3.9", "content-hash": "x"},
}  # fmt: skip


def test_poetry():
    lock = Lock.parse(tomli_w.dumps(POETRY), path="/p/poetry.lock")
    assert {one.name: one.marker for one in lock.packages} == {
        "a": None, "c": '"big" in extras', "d": '"d" in extras',
        "b": '(python_version < "3.10" and "dev" in dependency_groups) or sys_platform == "win32"',
    }  # fmt: skip
    assert lock.requires_python == ">=3.9"
    assert lock.package("a")[0].index == "https://i.example/simple"
    with pytest.raises(LockError, match="does not say where"):
        lock.select(LINUX)
    assert f"a==1 \\\n    --hash=sha256:{HASH}" in lock.to_requirements()


PDM = {
    "metadata": {"groups": ["default", "dev"], "lock_version": "4.5.0", "targets": [{"requires_python": ">=3.9"}]},
    "package": [
        {"name": "a", "version": "1", "groups": ["default"], "marker": "sys_platform == 'win32'", "dependencies": ["b>=1"],
         "files": [{"url": "https://f.example/a-1-py3-none-any.whl", "hash": f"sha256:{HASH}"}]},
        {"name": "a", "version": "1", "extras": ["x"], "groups": ["dev"], "files": []},
        {"name": "b", "version": "2", "groups": ["default"], "git": "https://g.example/b.git", "revision": "3" * 40},
        {"name": "here", "version": "0", "groups": ["default"], "path": "./here", "editable": True},
    ],
}  # fmt: skip


def test_pdm():
    lock = Lock.parse(tomli_w.dumps(PDM), path="/p/pdm.lock")
    assert {one.name: one.marker for one in lock.packages} == {
        "a": '"dev" in dependency_groups or sys_platform == "win32"', "b": None, "here": None,
    }  # fmt: skip
    assert set(lock.select(LINUX, groups=[]).pins) == {"b", "here"}
    assert lock.package("here")[0].origin.url == "file:///p/here"


def old_package(name, *, category="main", dependencies=None, **more):
    return {"name": name, "version": "1.0", "category": category, "optional": False, "python-versions": "*",
            "dependencies": dependencies or {}, **more}  # fmt: skip


def old_files(name, *endings):
    return [{"file": f"{name}-1.0{end}", "hash": f"sha256:{HASH}"} for end in endings]


WINDOWS_ONLY = "platform_system == 'Windows'"


def test_poetry_before_files_and_groups_were_part_of_packages():
    """Lock version 1.1: files and their hashes by name, and a category."""
    data = {
        "package": [
            old_package("App.One", dependencies={"winlib": {"version": "*", "markers": WINDOWS_ONLY}, "puretext": [
                {"version": "*", "markers": "python_version < '3'"}, {"version": "*", "markers": WINDOWS_ONLY}]}),
            old_package("winlib"), old_package("puretext"), old_package("check", category="dev"),
            old_package("early", marker="sys_platform == 'win32'"), old_package("binary"),
        ],
        "metadata": {"lock-version": "1.1", "python-versions": "^3.8", "files": {
            "App-One": old_files("app_one", ".tar.gz"), "winlib": old_files("winlib", "-cp311-cp311-win_amd64.whl"),
            "puretext": old_files("puretext", "-py3-none-any.whl"), "check": old_files("check", "-py3-none-any.whl"),
            "early": [], "binary": old_files("binary", "-cp311-cp311-manylinux_2_17_x86_64.whl")}},
    }  # fmt: skip
    lock = Lock.parse(tomli_w.dumps(data), path="/p/poetry.lock")
    assert {one.name: one.marker for one in lock.packages} == {
        "app-one": None, "puretext": None, "check": '"dev" in dependency_groups', "early": 'sys_platform == "win32"',
        "winlib": 'sys_platform == "win32"',
        "binary": None,  # nobody needs it, so the project does
    }  # fmt: skip
    assert [len(one.artifacts) for one in lock.packages] == [1, 1, 1, 0, 1, 1]
    assert lock.default_groups == ("dev",)


def test_pdm_before_files_were_part_of_packages():
    """Lock version 3: files and their hashes by name and version; no markers until the strategy inherit_metadata."""
    data = {
        "package": [
            {"name": "app", "version": "1.0", "dependencies": [f"winlib>=1; {WINDOWS_ONLY}", "pure"]},
            {"name": "winlib", "version": "1.0"},
            {"name": "pure", "version": "1.0"},
        ],
        "metadata": {"lock_version": "3.1", "content_hash": "x", "files": {
            f"{name} 1.0": old_files(name, end) for name, end in (
                ("app", ".tar.gz"), ("winlib", "-cp311-cp311-win_amd64.whl"), ("pure", "-cp311-cp311-win32.whl"))}},
    }  # fmt: skip
    lock = Lock.parse(tomli_w.dumps(data), path="/p/pdm.lock")
    assert {one.name: one.marker for one in lock.packages} == {
        "app": None, "winlib": 'sys_platform == "win32"', "pure": None,
    }  # fmt: skip
    assert [len(one.artifacts) for one in lock.packages] == [1, 1, 1]


PIPFILE = {
    "_meta": {
        "sources": [{"name": "main", "url": "https://u:secret@i.example/simple"}],
        "requires": {"python_version": "3.11"},
    },
    "default": {
        "A": {"version": "==1.0", "hashes": [f"sha256:{HASH}"], "index": "main", "markers": "python_version >= '3.8'"},
        "g": {"git": "https://g.example/g.git", "ref": "4" * 40},
    },
    "develop": {"a": {"version": "==1.0", "hashes": [f"sha256:{HASH}"]}, "e": {"path": ".", "editable": True}},
}


def test_pipfile():
    lock = Lock.parse(json.dumps(PIPFILE), path="/p/Pipfile.lock")
    assert lock.requires_python == "==3.11.*"
    assert {one.name for one in lock.packages} == {"a", "g", "e"}
    text = lock.to_requirements(groups=["develop"])
    assert f"--hash=sha256:{HASH}" in text
    assert "-e file:///p" in text
    assert "secret" not in text


def test_pipenv_writes_no_version_of_what_its_platform_does_not_need():
    data = {
        **PIPFILE,
        "default": {**PIPFILE["default"], "colorama": {"markers": "sys_platform == 'win32'", "version": "*"}},
    }
    lock = Lock.parse(json.dumps(data), path="/p/Pipfile.lock")
    (package,) = [one for one in lock.packages if one.name == "colorama"]
    assert (package.version, package.artifacts, package.marker) == (None, (), 'sys_platform == "win32"')
    assert 'colorama ; sys_platform == "win32"\n' in lock.to_requirements()
    alone = {"_meta": {}, "default": {"colorama": data["default"]["colorama"]}}
    only = Lock.parse(json.dumps(alone), path="/p/Pipfile.lock")
    with pytest.raises(LockError, match="no version of colorama"):
        only.select(Target.for_python("3.12", platform="win_amd64"))
    assert dict(only.select(Target.for_python("3.12", platform="manylinux_2_28_x86_64")).pins) == {}


NAMES = ["pylock.toml", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"]


def test_unknown_name():
    with pytest.raises(LockError, match="no lock file that envkit knows"):
        Lock.parse("", path="other.lock")


@pytest.mark.parametrize("name", NAMES)
def test_hostile_texts_end_in_an_error(name):
    for text in (
        "",
        "{",
        "[[package]]",
        "a=" + "[" * 5000 + "]" * 5000,
        "[" * 100_000,
        '{"_meta": ' * 50_000,
        "\0",
        "x=1" * 10,
    ):
        with pytest.raises(LockError):
            Lock.parse(text, path=name)


_SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=8), st.sampled_from(
    ["a", "1.0", ">=3", f"sha256:{HASH}", "https://f.example/a-1-py3-none-any.whl", "sys_platform=='x'", "main", "."]
))  # fmt: skip
_KEYS = st.sampled_from(
    ["name", "version", "package", "packages", "metadata", "groups", "markers", "marker", "files", "file", "hash", "hashes",
     "source", "dependencies", "_meta", "default", "develop", "extras", "wheels", "sdist", "url", "path", "git", "editable",
     "virtual", "registry", "optional-dependencies", "dev-dependencies", "lock-version", "created-by", "requires-python",
     "vcs", "directory", "archive", "manifest", "targets", "optional", "revision", "ref", "size"]
)  # fmt: skip
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=5)),
    max_leaves=25,
)
_MUTATIONS = st.tuples(st.lists(st.one_of(_KEYS, st.integers(0, 3)), min_size=1, max_size=4), _TREES)


@pytest.mark.parametrize("name", NAMES)
@given(_MUTATIONS, st.booleans())
def test_fuzzed_locks_raise_only_our_errors(name, mutation, free):
    """Take a good lock, put anything in any place, and read."""
    import tomllib

    good = {"pylock.toml": PYLOCK, "uv.lock": UV}.get(name)
    data = {
        "poetry.lock": POETRY, "pdm.lock": PDM, "Pipfile.lock": PIPFILE
    }.get(name) or tomllib.loads(good or "")  # fmt: skip
    data = json.loads(json.dumps(data, default=str))
    place, value = mutation
    node = data
    for key in place[:-1]:
        try:
            node = node[key]
        except (KeyError, IndexError, TypeError):
            break
    if isinstance(node, dict):
        node[str(place[-1])] = value
    elif isinstance(node, list) and node:
        node[0] = value
    if free and isinstance(value, dict):
        data = value
    text = json.dumps(data) if name == "Pipfile.lock" else _toml(data)
    if text is None:
        return
    try:
        lock = Lock.parse(text, path=f"/p/{name}")
        lock.select(LINUX)
        lock.to_requirements()
        again = Lock.parse(lock.to_pylock())
    except (LockError, RequirementError):
        return
    assert [one.name for one in again.packages] == [one.name for one in lock.packages]


def _toml(data) -> str | None:
    try:
        return tomli_w.dumps(data)
    except (TypeError, ValueError):
        return None
