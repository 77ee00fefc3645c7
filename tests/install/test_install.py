"""Installing: the whole wheel specification, where files come from, bytecode, destinations, plans."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.version import Version

from envkit.errors import Cancelled, ExternallyManaged, FileConflict, InstallError
from envkit.events import CancelToken, OperationFinished, WheelInstalled
from envkit.installation import scripts
from envkit.installation.installer import Installer
from envkit.model.candidate import Artifact
from envkit.model.plan import InstallPlan
from envkit.model.resolution import Edge, Pin, Request, Resolution
from envkit.model.source import Origin
from envkit.model.target import Target
from envkit.testing.supply import folder_resolution
from envkit.wheels.pool import WheelPool

from .places import LIBRARY, FakeInterpreter, Workshop, check_records, make_environment, snapshot

FULL = {
    "full/__init__.py": "def main():\n    print('full')\n",
    "full/data,with comma.txt": "x",
    "full/caf\u00e9.txt": "x",
    "{dist}.data/scripts/full-script": "#!python\nprint('script')\n",
    "{dist}.data/scripts/full-shell": "#!/bin/sh\necho shell\n",
    "{dist}.data/data/share/full/x": "x",
    "{dist}.data/data/etc/full.conf": "x",
    "{dist}.data/headers/full.h": "int x;",
    "{dist}.data/purelib/full_pure.py": "",
    "{dist}.data/platlib/full_plat.py": "",
    "full/tool": "#!/bin/sh\n",
}
POINTS = "[console_scripts]\nfull = full:main\n[gui_scripts]\nfull-gui = full:main\n[other]\nx = y\n"


@pytest.fixture
def shop(tmp_path):
    return Workshop.at(tmp_path)


def test_the_whole_specification(shop):
    shop.wheel("full", "1", files=FULL, entry_points=POINTS, executable=("full/tool",))
    shop.install("full==1")
    root, library = shop.environment.root, shop.environment.library
    assert check_records(root) == {"full": "1"}
    for path in ("full_pure.py", "full_plat.py", "full/caf\u00e9.txt"):
        assert (library / path).exists()
    assert (root / "share/full/x").exists()
    assert (root / "etc/full.conf").exists()
    assert list(root.glob("include/**/full/full.h"))
    assert os.access(library / "full/tool", os.X_OK)
    assert not os.access(library / "full/__init__.py", os.X_OK)
    for name in ("full", "full-gui", "full-script", "full-shell"):
        path = shop.environment.scripts / name
        assert stat.S_ISREG(path.lstat().st_mode)
        assert path.stat().st_nlink == 1
        result = subprocess.run([path], capture_output=True, text=True, env={"PYTHONPATH": str(library)})
        assert result.returncode == 0, result.stderr
        assert result.stdout.strip() in ("full", "script", "shell")
    info = library / "full-1.dist-info"
    assert (info / "INSTALLER").read_text() == "envkit\n"
    assert (info / "REQUESTED").read_bytes() == b""
    assert not (info / "direct_url.json").exists()


PLACES = {
    "space": "with space", "long": "x" * 150, "quote": "quote'd", "shell": "$HOME `x`", "spaces": "two  spaces",
    "backslashes": "a \\user's \\N", "line break": "two\nlines", "code": "a\nimport os; os._exit(9)\n#", "return": "a\rb",
    "quotes": "'''\nexit(9)\n'''\"\"\"",
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_interpreters_at_long_and_odd_paths(tmp_path, place):
    (tmp_path / place).mkdir()
    shop = Workshop(tmp_path / "wheels", make_environment(tmp_path / place / "env"))
    shop.folder.mkdir()
    shop.wheel("full", "1", files=FULL, entry_points=POINTS)
    shop.install("full==1")
    for name in ("full", "full-script"):
        environ = {"PYTHONPATH": str(shop.environment.library)}
        result = subprocess.run(
            [shop.environment.scripts / name], capture_output=True, text=True, env=environ, check=True
        )
        assert result.stdout.strip() in ("full", "script")


@pytest.mark.skipif(os.name != "posix", reason="names are text there")
@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff 'it' $x %s \\"], ids=["latin", "shell"])
def test_everything_goes_where_a_path_is_not_utf8(tmp_path, name):
    """Python takes no source with such bytes, not even in a first line that it passes over."""
    place = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    try:
        place.mkdir()
    except OSError:
        pytest.skip("the file system has no such names")
    shop = Workshop.at(place)
    shop.wheel("full", "1", files=FULL, entry_points=POINTS)
    before = shop.snapshot()
    shop.install("full==1")
    for command in ("full", "full-script"):
        environ = {b"PYTHONPATH": os.fsencode(shop.environment.library)}
        result = subprocess.run([shop.environment.scripts / command], capture_output=True, env=environ, check=True)
        assert result.stdout.strip() in (b"full", b"script")
    assert shop.installer().verify() == ()
    shop.uninstall("full")
    assert shop.snapshot() == before
    (place / "elsewhere").mkdir()
    shop.environment.paths["scripts"] = str(place / "elsewhere")
    shop.install("full==1")
    assert (place / "elsewhere/full").exists()
    shop.installer().undo()
    assert os.listdir(place / "elsewhere") == []


def test_lib64_of_an_environment_is_its_lib(shop, tmp_path):
    """As `pip` has it: what meson builds on some systems brings data there."""
    root = shop.environment.root
    (root / "lib64").symlink_to("lib")
    shop.wheel("data", "1", files={"{dist}.data/data/lib64/pkgconfig/x.pc": "x", "{dist}.data/data/lib64/y": "y"})
    before = shop.snapshot()
    shop.install("data==1")
    assert (root / "lib/pkgconfig/x.pc").read_text() == "x"
    assert (root / "lib/y").read_text() == "y"
    assert "\n../../pkgconfig/x.pc," in (shop.environment.library / "data-1.dist-info/RECORD").read_text()
    assert shop.installer().verify() == ()
    assert shop.uninstall("data").left == {}
    assert shop.snapshot() == before
    (root / "lib64").unlink()
    (root / "lib64").symlink_to(tmp_path)
    with pytest.raises(FileConflict, match="symlink"):
        shop.install("data==1")


@pytest.mark.parametrize("place", ["plain", "with space", "x" * 150, "two\nlines"])
@pytest.mark.parametrize("line", ["# -*- coding: latin-1 -*-\n", "# vim: set fileencoding=latin-1 :\r\n"])
def test_scripts_keep_their_encoding(tmp_path, place, line):
    (tmp_path / place).mkdir()
    shop = Workshop(tmp_path / "wheels", make_environment(tmp_path / place / "env"))
    shop.folder.mkdir()
    script = f"#!python\n{line}print(len('\xe9\xe8'))\n".encode("latin-1")
    shop.wheel("old", "1", files={"old-1.data/scripts/old": script})
    shop.install("old==1")
    result = subprocess.run([shop.environment.scripts / "old"], capture_output=True, text=True, env={}, check=True)
    assert result.stdout == "2\n"


def test_first_lines_are_as_installer_writes_them():
    from installer.scripts import Script

    for python in (
        "/usr/bin/python3",
        "/a b/python",
        "/" + "x" * 200,
        "/it's/python",
        "/caf\u00e9/python",
        "/" + "y" * 123,
    ):
        expected = Script("x", "m", "a", "console").generate(python, "posix")[1]
        row = ("x", "console", "m", "a", b"".join(expected.partition(b"# -*- coding")[1:]))
        assert scripts.generate(row, python)[1] == expected


def test_a_platform_wheel_goes_to_platlib(shop):
    other = shop.environment.root / "lib64/site"
    other.mkdir(parents=True)
    shop.environment.paths["platlib"] = str(other)
    shop.wheel("plat", "1", purelib=False)
    shop.install("plat==1")
    assert (other / "plat.py").exists()
    assert [found.name for found in shop.installer().installed()] == ["plat"]
    shop.uninstall("plat")
    assert list(other.iterdir()) == []


def pinned(shop: Workshop, name: str, version: str, **options) -> Resolution:
    pin = Pin(name=name, version=Version(version), requested_by=(Request(by="", requirement=name),), **options)
    return Resolution(target=Target(python="3.11.0", markers={}, tags=()), roots=(name,), pins={name: pin}, edges=())


def test_where_it_came_from_is_recorded(shop):
    shop.wheel("direct", "1")
    origin = Origin(url="https://files.example/direct-1.whl", kind="archive", hashes=(("sha256", "0" * 64),))
    installer = shop.installer()
    resolution = pinned(shop, "direct", "1", origin=origin, extras=("fast", "tls"))
    installer.apply(installer.plan(resolution))
    (found,) = installer.installed()
    assert found.direct_url == origin.to_direct_url()
    facts = json.loads((found.path / "envkit.json").read_text())
    assert facts["extras"] == ["fast", "tls"]
    assert facts["filename"] == "direct-1-py3-none-any.whl"
    assert len(facts["hashes"]["sha256"]) == 64
    assert installer.plan(resolution).is_empty
    assert not installer.plan(pinned(shop, "direct", "1")).is_empty  # now from the index


def test_a_folder_is_always_installed_again(shop):
    shop.wheel("project", "1")
    installer = shop.installer()
    resolution = pinned(shop, "project", "1", origin=Origin(url="file:///x", kind="directory", editable=True))
    installer.apply(installer.plan(resolution))
    assert installer.installed()[0].editable
    assert [each.name for each in installer.plan(resolution).replace] == ["project"]


@pytest.mark.parametrize("mode", ["hardlink", "copy", "symlink", "clone", "auto"])
def test_link_modes(shop, mode):
    shop.wheel("linked", "1", files={"linked/__init__.py": "X = 1\n", "linked/tool": "x"}, executable=("linked/tool",))
    report = shop.install("linked==1", link_mode=mode, compile_bytecode=True)
    path = shop.environment.library / "linked/__init__.py"
    assert path.read_text() == "X = 1\n"
    assert os.access(shop.environment.library / "linked/tool", os.X_OK)
    assert path.is_symlink() == (mode == "symlink")
    if report.link_mode == "hardlink":
        assert path.stat().st_nlink > 1
    elif report.link_mode in ("copy", "clone"):
        assert path.stat().st_nlink == 1
    assert report.link_mode == mode or mode in ("clone", "auto")
    assert check_records(shop.environment.root) == {"linked": "1"}
    assert bytecode_is_valid(shop, "linked")
    shop.uninstall("linked")
    assert list(shop.environment.library.iterdir()) == []


def bytecode_is_valid(shop: Workshop, module: str) -> bool:
    """Whether an import uses the bytecode as it is, and rewrites nothing."""
    before = {path: path.stat().st_mtime_ns for path in shop.environment.library.rglob("*.pyc")}
    result = subprocess.run(
        [sys.executable, "-v", "-c", f"import {module}"],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(shop.environment.library)},
        check=True,
    )
    after = {path: path.stat().st_mtime_ns for path in shop.environment.library.rglob("*.pyc")}
    used = [line for line in result.stderr.splitlines() if " matches " in line and LIBRARY in line]
    return bool(before) and before == after and bool(used)


def test_bytecode_is_compiled_once_and_valid(shop, tmp_path):
    files = {
        "code/__init__.py": "from . import sub",
        "code/sub.py": "",
        "code/broken.py": "def (",
        "code/t.py": "{% x %}",
    }
    shop.wheel("code", "1", files={**files, "single.py": "", "{dist}.data/purelib/pure/x.py": ""})
    shop.install("code==1", compile_bytecode=True)
    assert bytecode_is_valid(shop, "code")
    names = {path.name.partition(".")[0] for path in shop.environment.library.rglob("*.pyc")}
    assert names == {"__init__", "sub", "single", "x"}
    first = {path.name: path.stat().st_ino for path in shop.environment.library.rglob("*.pyc")}
    other = Workshop(shop.folder, make_environment(tmp_path / "second"))
    other.install("code==1", compile_bytecode=True)
    assert {path.name: path.stat().st_ino for path in other.environment.library.rglob("*.pyc")} == first
    assert check_records(other.environment.root) == {"code": "1"}
    report = other.uninstall("code")
    assert report.left == {}
    assert list(other.environment.library.iterdir()) == []


OTHERS = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python3"))


@pytest.mark.parametrize("python", OTHERS, ids=lambda path: path.parts[-3])
def test_bytecode_for_other_pythons(shop, python):
    """Also for those that are older than what envkit runs on: environments are made for them."""
    facts = "import sys; print('%d.%d.%d' % sys.version_info[:3]); print(sys.implementation.name)"
    asked = subprocess.run([python, "-I", "-S", "-c", facts], capture_output=True, text=True, check=True)
    interpreter = FakeInterpreter(str(python), *asked.stdout.split())
    shop = dataclasses.replace(shop, environment=dataclasses.replace(shop.environment, interpreter=interpreter))
    shop.wheel("full", "1", files={"full/__init__.py": "", "full/new.py": "match x:\n    case 1: pass\n", "one.py": ""})
    shop.install("full==1", compile_bytecode=True)
    library = shop.environment.library
    before = {path: path.stat().st_mtime_ns for path in library.rglob("*.pyc")}
    assert len(before) >= 2
    script = "import sys; sys.path.insert(0, sys.argv[1]); import full, one"
    subprocess.run([python, "-I", "-S", "-c", script, library], check=True)
    assert {path: path.stat().st_mtime_ns for path in library.rglob("*.pyc")} == before


def test_tracebacks_name_the_installed_file(shop):
    shop.wheel("trace", "1", files={"trace.py": "def f():\n    raise RuntimeError\n"})
    shop.install("trace==1", compile_bytecode=True)
    result = subprocess.run(
        [sys.executable, "-c", "import trace_; trace_.f()".replace("trace_", "trace")],
        capture_output=True,
        text=True,
        cwd=shop.environment.library,
    )
    assert str(shop.environment.library / "trace.py") in result.stderr


def test_an_edit_in_one_environment_never_reaches_another(shop, tmp_path):
    shop.wheel("shared", "1", files={"shared.py": "X = 1\n", "other.py": ""})
    shop.install("shared==1", link_mode="hardlink")
    edited = shop.environment.library / "shared.py"
    with open(edited, "r+") as file:  # in place: the pool's file is the same
        file.write("X = 2\n")
    other = Workshop(shop.folder, make_environment(tmp_path / "second"))
    other.install("shared==1", link_mode="hardlink")
    assert (other.environment.library / "shared.py").read_text() == "X = 1\n"
    assert edited.read_text() == "X = 2\n"


def test_an_edit_that_hides_itself_is_found_by_hash(shop, tmp_path):
    from envkit.testing.supply import FolderSupply

    shop.wheel("shared", "1", files={"shared.py": "X = 1\n"})
    shop.install("shared==1", link_mode="hardlink")
    edited = shop.environment.library / "shared.py"
    facts = edited.stat()
    with open(edited, "r+") as file:
        file.write("X = 2\n")
    os.utime(edited, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    second = make_environment(tmp_path / "second")
    installer = Installer(second, FolderSupply(shop.folder, verify="hash"))
    installer.apply(installer.plan(folder_resolution(shop.folder, "shared==1")))
    assert (second.library / "shared.py").read_text() == "X = 1\n"


def test_the_pool_is_private(shop):
    shop.wheel("shared", "1")
    shop.install("shared==1")
    pool = shop.folder / ".pool"
    assert stat.S_IMODE(pool.stat().st_mode) == 0o700


@pytest.mark.skipif(os.name != "posix", reason="permission bits are POSIX's")
@pytest.mark.parametrize("mode", ["hardlink", "copy"])
@pytest.mark.parametrize("umask", [0o077, 0o002])
def test_who_unpacks_first_has_no_say_in_permissions(tmp_path, umask, mode):
    """What is linked into the environment of everybody must be readable, and nobody else may write to what is shared."""
    shop = Workshop.at(tmp_path)
    files = {"pkg/__init__.py": "", "pkg/run.sh": "#!/bin/sh\n", "pkg/large.bin": bytes(5 << 20)}
    shop.wheel("pkg", "1", files={**files, "{dist}.data/scripts/tool": "#!/bin/sh\n"}, executable=["pkg/run.sh"])
    before = os.umask(umask)
    try:
        shop.install("pkg==1", compile_bytecode=True, link_mode=mode)
    finally:
        os.umask(before)
    later = Workshop(shop.folder, make_environment(tmp_path / "later"))
    before = os.umask(0o022)
    try:
        later.install("pkg==1", compile_bytecode=True, link_mode=mode)
    finally:
        os.umask(before)
    for path in later.environment.library.rglob("*"):
        if path.is_file():
            assert path.stat().st_mode & 0o777 == (0o755 if path.name == "run.sh" else 0o644), path
    assert (later.environment.scripts / "tool").stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize("damage", ["delete", "truncate", "manifest", "extra", "mode"])
def test_a_damaged_pool_is_mended(shop, damage, tmp_path):
    shop.wheel("shared", "1", files={"shared.py": "X = 1\n", "sub/x.py": ""})
    shop.install("shared==1", link_mode="copy")
    (tree,) = shop.folder.glob(".pool/*/*/tree")
    if damage == "delete":
        shutil.rmtree(tree / "sub")
    elif damage == "truncate":
        (tree / "shared.py").write_text("")
    elif damage == "mode":
        os.chmod(tree / "shared.py", 0o777)
    elif damage == "manifest":
        (tree.parent / "manifest").write_bytes(b"garbage")
    else:
        (tree / "extra.py").write_text("harm")
    other = Workshop(shop.folder, make_environment(tmp_path / "second"))
    other.install("shared==1")
    assert check_records(other.environment.root) == {"shared": "1"}
    assert not (other.environment.library / "extra.py").exists()
    assert not os.access(other.environment.library / "shared.py", os.X_OK)


def test_a_wheel_that_leaves_the_pool_while_it_is_linked(shop, monkeypatch):
    from envkit.installation import fetching

    shop.wheel("shared", "1", files={f"shared/{n}.py": "" for n in range(5)})
    original = fetching.fetch
    calls = []

    def fetch_and_lose(*arguments, **options):
        items = original(*arguments, **options)
        if not calls:
            shutil.rmtree(items[0].wheel.root.parent)
        calls.append(1)
        return items

    monkeypatch.setattr(fetching, "fetch", fetch_and_lose)
    shop.install("shared==1")
    assert len(calls) == 2
    assert check_records(shop.environment.root) == {"shared": "1"}


def test_the_guard_of_externally_managed_environments(tmp_path):
    shop = Workshop.at(tmp_path, managed="use the system's packages")
    shop.wheel("alpha", "1")
    with pytest.raises(ExternallyManaged) as caught:
        shop.install("alpha==1")
    assert caught.value.hint == "use the system's packages"
    with pytest.raises(ExternallyManaged):
        shop.uninstall("alpha")
    with pytest.raises(ExternallyManaged):
        shop.install("alpha==1", user_base=tmp_path / "user")
    shop.install("alpha==1", break_system_packages=True)
    shop.install("alpha==1", target=tmp_path / "target")  # is not theirs
    assert (tmp_path / "target/alpha.py").exists()


def test_destinations(shop, tmp_path):
    shop.wheel("full", "1", files=FULL, entry_points=POINTS)
    before = shop.snapshot()
    shop.install("full==1", target=tmp_path / "target")
    assert (tmp_path / "target/full/__init__.py").exists()
    assert (tmp_path / "target/bin/full").exists()
    shop.install("full==1", prefix=tmp_path / "prefix")
    assert (tmp_path / "prefix" / LIBRARY / "full/__init__.py").exists()
    assert (tmp_path / "prefix/bin/full").exists()
    shop.install("full==1", root=tmp_path / "root")
    moved = tmp_path / "root" / str(shop.environment.root).lstrip("/")
    assert (moved / LIBRARY / "full/__init__.py").exists()
    shop.install("full==1", user_base=tmp_path / "user")
    assert (tmp_path / "user" / LIBRARY / "full/__init__.py").exists()
    assert shop.snapshot() == before
    for option in ("target", "prefix", "root"):
        place = tmp_path / option
        assert shop.installer(**{option: place}).plan(folder_resolution(shop.folder, "full==1")).is_empty
        shop.uninstall("full", **{option: place})
        left = snapshot(place)
        assert [name for name in left if left[name] != "folder"] == []
    with pytest.raises(InstallError):
        shop.installer(target=tmp_path / "a", prefix=tmp_path / "b")


def resolution_of(pins: dict[str, str], edges: list[tuple[str, str, str]], roots: tuple[str, ...] = ()) -> Resolution:
    found = {
        name: Pin(
            name=name,
            version=Version(version),
            requested_by=tuple(Request(by=parent, requirement=text) for parent, child, text in edges if child == name),
        )
        for name, version in sorted(pins.items())
    }
    rows = tuple(Edge(parent=parent, child=child, requirement=text) for parent, child, text in edges)
    return Resolution(target=Target(python="3.11.0", markers={}, tags=()), roots=roots, pins=found, edges=rows)


def test_plans_are_in_the_order_of_dependencies(shop):
    edges = [
        ("", "app", "app"),
        ("app", "lib", "lib"),
        ("lib", "base", "base"),
        ("base", "app", "app"),
        ("app", "aaa", "aaa"),
    ]
    plan = shop.installer().plan(resolution_of({"app": "1", "lib": "1", "base": "1", "aaa": "1"}, edges))
    names = [addition.name for addition in plan.add]
    assert sorted(names) == ["aaa", "app", "base", "lib"]
    assert names.index("aaa") < names.index("app")
    assert names.index("base") < names.index("lib")
    assert [addition.requested for addition in plan.add] == [name == "app" for name in names]


def test_only_if_needed(shop):
    for version in ("1", "2"):
        shop.wheel("app", version)
        shop.wheel("lib", version)
    shop.install("app==1", "lib==1")
    edges = [("", "app", "app"), ("app", "lib", "lib>=1")]
    newest = resolution_of({"app": "2", "lib": "2"}, edges)
    installer = shop.installer()
    assert [each.name for each in installer.plan(newest).replace] == ["lib", "app"]
    plan = installer.plan(newest, upgrade_strategy="only-if-needed")
    assert [each.name for each in plan.replace] == ["app"]
    assert [each.name for each in plan.keep] == ["lib"]
    needed = resolution_of({"app": "2", "lib": "2"}, [("", "app", "app"), ("app", "lib", "lib>=2")])
    assert len(installer.plan(needed, upgrade_strategy="only-if-needed").replace) == 2


def test_reinstall(shop):
    shop.wheel("alpha", "1")
    shop.wheel("beta", "1")
    shop.install("alpha==1", "beta==1")
    installer = shop.installer()
    both = folder_resolution(shop.folder, "alpha==1", "beta==1")
    assert installer.plan(both).is_empty
    assert [each.name for each in installer.plan(both, reinstall=["Alpha"]).replace] == ["alpha"]
    assert len(installer.plan(both, reinstall=True).replace) == 2
    before = shop.snapshot()
    installer.apply(installer.plan(both, reinstall=True))
    assert shop.snapshot() == before


def test_sync_removes_everything_else(shop):
    for name in ("alpha", "beta", "gamma"):
        shop.wheel(name, "1")
    shop.install("alpha==1", "beta==1", "gamma==1")
    report = shop.install("alpha==1", mode="sync", plan={"protect": ["Gamma"]})
    assert check_records(shop.environment.root) == {"alpha": "1", "gamma": "1"}
    assert [change.name for change in report.removed] == ["beta"]
    with pytest.raises(InstallError):
        shop.install("alpha==1", mode="other")


def test_a_distribution_that_is_there_twice_is_cleaned_up(shop):
    shop.wheel("twice", "1")
    shop.wheel("twice", "2")
    shop.wheel("twice", "3")
    shop.install("twice==1")
    library = shop.environment.library
    shutil.copytree(library / "twice-1.dist-info", library / "twice-2.dist-info")
    text = (library / "twice-2.dist-info/RECORD").read_text().replace("twice-1", "twice-2")
    (library / "twice-2.dist-info/RECORD").write_text(text)
    assert {problem.kind for problem in shop.installer().verify()} == {"shadowed"}
    shop.install("twice==3")
    assert check_records(shop.environment.root) == {"twice": "3"}


def test_who_was_asked_for_stays_so(shop):
    shop.wheel("lib", "1")
    shop.wheel("lib", "2")
    shop.install("lib==1")
    installer = shop.installer()
    installer.apply(installer.plan(resolution_of({"lib": "2"}, [("app", "lib", "lib")])))
    assert installer.installed()[0].requested


def test_reports_and_events(shop):
    shop.wheel("alpha", "1")
    seen = []
    report = shop.install("alpha==1", reporter=seen.append)
    assert [(change.name, change.before, change.after) for change in report.installed] == [("alpha", None, "1")]
    assert type(report).from_dict(report.to_dict()) == report
    assert any(isinstance(event, WheelInstalled) and event.name == "alpha" for event in seen)
    assert isinstance(seen[-1], OperationFinished)
    assert seen[-1].ok
    plan = shop.installer().plan(folder_resolution(shop.folder, "alpha==1"))
    assert InstallPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_a_reporter_that_raises_does_no_harm(shop):
    shop.wheel("alpha", "1")

    def reporter(event):
        raise RuntimeError

    shop.install("alpha==1", reporter=reporter)
    assert check_records(shop.environment.root) == {"alpha": "1"}


def test_cancelled_before_it_begins(shop):
    shop.wheel("alpha", "1")
    token = CancelToken()
    token.cancel()
    before = shop.snapshot()
    with pytest.raises(Cancelled):
        shop.install("alpha==1", cancel=token)
    assert shop.snapshot() == before


def test_a_supply_that_gives_another_wheel(shop):
    shop.wheel("alpha", "1")
    shop.wheel("beta", "1")
    beta = next(shop.folder.glob("beta*"))
    wheel = WheelPool(shop.folder / ".pool").add(beta)

    class Confused:
        def wheels(self, pins):
            for pin in pins:
                yield pin, wheel

    installer = Installer(shop.environment, Confused())
    with pytest.raises(InstallError, match="beta"):
        installer.apply(installer.plan(folder_resolution(shop.folder, "alpha==1")))


def test_pip_agrees_with_what_is_installed(shop, tmp_path):
    """pip's own check and uninstall, on a real environment: oracles that we did not write."""
    import venv

    root = tmp_path / "real"
    venv.EnvBuilder(with_pip=False).create(root)
    before = snapshot(root)
    shop.wheel("full", "1", files=FULL, entry_points=POINTS)
    paths = {key: value.replace(str(shop.environment.root), str(root)) for key, value in shop.environment.paths.items()}
    interpreter = type(shop.environment.interpreter)(str(root / "bin/python"))
    environment = type(shop.environment)(root, interpreter, paths)
    installer = Installer(environment, shop.supply, compile_bytecode=True)
    installer.apply(installer.plan(folder_resolution(shop.folder, "full==1")))
    pip = [sys.executable, "-m", "pip", "--python", str(root), "--no-input", "--disable-pip-version-check"]
    subprocess.run([*pip, "check"], check=True, capture_output=True)
    shown = subprocess.run([*pip, "show", "-f", "full"], check=True, capture_output=True, text=True).stdout
    assert "Cannot locate" not in shown
    assert "full/__init__.py" in shown
    result = subprocess.run([root / "bin/full"], capture_output=True, text=True, check=True)
    assert result.stdout == "full\n"
    subprocess.run([*pip, "uninstall", "-q", "-y", "full"], check=True, capture_output=True)
    shutil.rmtree(root / ".envkit")
    left = {name for name in snapshot(root) if name not in before}
    assert all(name.startswith(("include", "share", "etc")) and snapshot(root)[name] == "folder" for name in left)


def test_as_the_reference_installer_does(shop, tmp_path):
    """The same wheel through `installer`'s own destination: the same files, apart from what we add."""
    from installer import install
    from installer.destinations import SchemeDictionaryDestination
    from installer.sources import WheelFile

    programs = ("full/tool", "{dist}.data/scripts/full-script", "{dist}.data/scripts/full-shell")
    path = shop.wheel("full", "1", files=FULL, entry_points=POINTS, executable=programs)
    other = make_environment(tmp_path / "other")
    schemes = {**other.paths, "headers": str(other.root / f"include/site/{LIBRARY.split('/')[1]}/full")}
    python = shop.environment.interpreter.executable
    destination = SchemeDictionaryDestination(schemes, interpreter=python, script_kind="posix")
    with WheelFile.open(path) as source:
        install(source, destination, additional_metadata={"INSTALLER": b"envkit\n"})
    shop.install("full==1")
    ours, theirs = shop.snapshot(), snapshot(other.root)
    info = f"{LIBRARY}/full-1.dist-info"
    for name in (f"{info}/REQUESTED", f"{info}/envkit.json", f"{info}/RECORD"):
        ours.pop(name, None)
        theirs.pop(name, None)
    assert ours == theirs


def test_artifacts_without_hashes(shop):
    path = shop.wheel("alpha", "1")
    installer = shop.installer()
    artifact = Artifact(filename=path.name, url=Path(path).as_uri())
    installer.apply(installer.plan(pinned(shop, "alpha", "1", artifacts=(artifact,))))
    assert check_records(shop.environment.root) == {"alpha": "1"}


def test_durable_waits_for_the_disk_before_and_after_the_moves(shop):
    from envkit.host.gate import guarded

    shop.wheel("alpha", "1")
    effects = []
    root = str(shop.environment.root)
    with guarded(lambda name, path: effects.append(name) if path.startswith(root) else None):
        shop.install("alpha==1", durable=True)
    first, last = effects.index("rename"), len(effects) - effects[::-1].index("rename")
    assert effects[:first].count("sync") == 2  # what was staged, then the intent
    assert effects[last:].count("sync") == 1
