"""Removal takes what is recorded, inside, unchanged and nobody else's; everything else stays and is reported."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from envkit.errors import InstallError
from envkit.installation.installer import Installer

from .places import Workshop, litter, snapshot


@pytest.fixture
def shop(tmp_path):
    shop = Workshop.at(tmp_path)
    shop.wheel(
        "tool",
        "1",
        files={
            "tool/__init__.py": "V = 1",
            "tool/data/x.txt": "x",
            "tool_single.py": "",
            "{dist}.data/data/share/man/man1/tool.1": "man",
            "{dist}.data/scripts/tool-script": "#!python\n",
            "{dist}.data/headers/tool.h": "int x;",
        },
        entry_points="[console_scripts]\ntool = tool:main\n",
    )
    return shop


def forge(shop: Workshop, rows: str, name: str = "forged", files: dict[str, str] | None = None) -> Path:
    """A distribution as another installer may have left it, with any RECORD."""
    info = shop.environment.library / f"{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n\n")
    (info / "RECORD").write_text(rows + f"{info.name}/METADATA,,\n{info.name}/RECORD,,\n")
    for path, text in (files or {}).items():
        place = shop.environment.library / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return info


def row(path: str, text: str) -> str:
    import base64
    import hashlib

    digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(text)}\n"


def test_nothing_is_left(shop):
    before = shop.snapshot()
    shop.install("tool==1")
    assert shop.snapshot() != before
    library = shop.environment.library
    subprocess.run([sys.executable, "-m", "compileall", "-q", library], check=True)
    report = shop.uninstall("Tool")
    assert report.left == {}
    assert [change.after for change in report.changes] == [None]
    assert shop.snapshot() == before


def test_changed_files_stay_and_are_reported(shop):
    shop.install("tool==1")
    edited = shop.environment.library / "tool/data/x.txt"
    os.unlink(edited)
    edited.write_text("y")
    report = shop.uninstall("tool")
    assert report.left == {str(edited): "changed"}
    assert edited.read_text() == "y"
    assert not (shop.environment.library / "tool/__init__.py").exists()
    assert not list(shop.environment.library.glob("tool-*"))


def test_changed_files_give_way_to_an_upgrade_but_are_kept(shop):
    shop.wheel("tool", "2", files={"tool/__init__.py": "V = 2"})
    shop.install("tool==1")
    edited = shop.environment.library / "tool/__init__.py"
    os.unlink(edited)
    edited.write_text("V = 'edited'")
    report = shop.install("tool==2")
    assert edited.read_text() == "V = 2"
    (kept,) = report.set_aside.values()
    assert Path(kept).read_text() == "V = 'edited'"
    shop.installer().undo()
    assert edited.read_text() == "V = 'edited'"
    assert not os.path.exists(kept)


def test_a_record_that_was_written_anew_vouches_for_nothing(shop):
    """A file that is older than the RECORD that we wrote is as recorded; not one that is older than another's RECORD."""
    shop.install("tool==1", link_mode="copy")
    edited = shop.environment.library / "tool/data/x.txt"
    edited.write_text("y")
    later = time.time() + 10
    os.utime(shop.environment.library / "tool-1.dist-info/RECORD", (later, later))
    assert shop.uninstall("tool").left == {str(edited): "changed"}
    assert edited.read_text() == "y"


def test_empty_folders_outside_of_libraries_stay(shop):
    """Nobody knows whose they are; inside of one they go with what is around them."""
    (shop.environment.root / "share/man/mine").mkdir(parents=True)
    shop.install("tool==1")
    (shop.environment.library / "tool/empty").mkdir()
    shop.uninstall("tool")
    assert (shop.environment.root / "share/man/mine").is_dir()
    assert not (shop.environment.root / "share/man/man1").exists()
    assert os.listdir(shop.environment.library) == []


def test_unrecorded_files_stay(shop):
    shop.install("tool==1")
    added = shop.environment.library / "tool/data/added.txt"
    added.write_text("mine")
    shop.uninstall("tool")
    assert added.read_text() == "mine"
    assert sorted(os.listdir(shop.environment.library)) == ["tool"]


@pytest.mark.parametrize(
    "path",
    [
        "../../../bin/python",
        "../../../bin/activate",
        "../../../pyvenv.cfg",
        "../../../.envkit/last",
        "../../../../outside.txt",
        "../../../../env-sibling/x.txt",
        "/etc/hostname",
        "linked/secret.txt",
        "x/../../../../../outside.txt",
    ],
)
def test_a_forged_record_removes_nothing_else(shop, tmp_path, path):
    outside = tmp_path / "outside.txt"
    outside.write_text("precious")
    sibling = tmp_path / "env-sibling"  # its name begins like the environment's
    sibling.mkdir()
    (sibling / "x.txt").write_text("precious")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/secret.txt").write_text("precious")
    (shop.environment.library / "linked").symlink_to(tmp_path / "elsewhere")
    shop.install("tool==1")
    place = os.path.normpath(shop.environment.library / path)
    text = Path(place).read_bytes().decode("utf-8", "replace") if os.path.isfile(place) else ""
    forge(shop, row(path, text))
    before = snapshot(tmp_path)
    report = shop.uninstall("forged")
    after = snapshot(tmp_path)
    gone = {name for name in before if name not in after}
    assert all("forged-1.dist-info" in name for name in gone)
    assert {name: after[name] for name in after} == {name: before[name] for name in after}
    if not path.startswith("linked"):
        assert set(report.left.values()) <= {"outside", "protected"}
        assert report.left


def test_another_distributions_files_stay(shop):
    shop.install("tool==1")
    forge(shop, row("tool/__init__.py", "V = 1") + row("tool_single.py", ""))
    report = shop.uninstall("forged")
    assert set(report.left.values()) == {"shared"}
    assert (shop.environment.library / "tool/__init__.py").exists()
    assert (shop.environment.library / "tool_single.py").exists()


def test_files_without_the_recorded_content_stay(shop):
    mine = shop.environment.library / "mine.py"
    mine.write_text("precious")
    forge(shop, row("mine.py", "harmless"))
    assert shop.uninstall("forged").left == {str(mine): "changed"}
    forge(shop, "mine.py,,\n", name="forged2")
    assert shop.uninstall("forged2").left == {str(mine): "no-hash"}
    assert mine.read_text() == "precious"


ROWS = {
    "a name that is too long": "a" * 300 + ".py,sha256=x,3\n",
    "a loop": "loop/x.py,sha256=x,1\n",
    "below a file": "tool_single.py/x,sha256=x,1\n",
    "the library itself": ".,,\n",
    "a folder above the library": "..,,\n",
    "the folder of commands": "../../../bin,,\n",
    "its folder": "tool/,,\n",
    "a file again, without a hash": "tool/__init__.py,,\n",
    "a file again, by another way": "./tool/data/../__init__.py,,\n",
}


@pytest.mark.parametrize("what", ROWS)
def test_a_row_that_leads_to_no_file_stands_in_nobodys_way(shop, what):
    """What `pip` removes nonetheless."""
    before = shop.snapshot()
    shop.install("tool==1")
    (shop.environment.library / "loop").symlink_to("loop")
    with open(shop.environment.library / "tool-1.dist-info/RECORD", "a") as file:
        file.write(ROWS[what])
    shop.uninstall("tool")
    (shop.environment.library / "loop").unlink()
    assert shop.snapshot() == before


@pytest.mark.parametrize("hashed", ["shake_128=x", "md5=x", "nothing=x", "=", "sha256=", "SHA256=\xe9"])
def test_a_hash_that_nothing_can_have_is_one_of_changed_content(shop, hashed):
    path = shop.environment.library / "mine.py"
    path.write_text("mine")
    forge(shop, f"mine.py,{hashed},4\n")
    assert ("changed", str(path)) in [(problem.kind, problem.path) for problem in shop.installer().verify()]
    assert shop.uninstall("forged").left == {str(path): "changed"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a named pipe")
@pytest.mark.parametrize("where", ["mine.py", "forged-1.dist-info/RECORD", "forged-1.dist-info/METADATA"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(shop, where):
    forge(shop, row("mine.py", ""), files={"mine.py": ""})
    place = shop.environment.library / where
    place.unlink()
    os.mkfifo(place)
    shop.installer().installed()
    shop.installer().verify()
    if where == "mine.py":
        assert shop.uninstall("forged").left == {str(place): "changed"}


def test_no_record_is_a_clear_error(shop):
    info = forge(shop, "")
    (info / "RECORD").unlink()
    before = shop.snapshot()
    with pytest.raises(InstallError, match="no record"):
        shop.uninstall("forged")
    assert shop.snapshot() == before
    assert litter(shop.environment.root) == []


@pytest.mark.parametrize("damage", ["missing", "senseless", "legacy file", "legacy folder"])
def test_what_has_no_record_can_be_forgotten(shop, damage):
    shop.wheel("forged", "2", files={"forged.py": "V = 2", "same.py": "V = 1"})
    library = shop.environment.library
    for name in ("forged.py", "same.py", "other.py"):
        (library / name).write_text("V = 1")
    before = shop.snapshot()
    info = library / "forged-1.egg-info"
    if damage == "legacy file":
        info.write_text("Metadata-Version: 1.0\nName: forged\nVersion: 1\n")
    elif damage == "legacy folder":
        info.mkdir()
        (info / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: forged\nVersion: 1\n")
    else:
        info = forge(shop, "")
        (info / "RECORD").unlink()
        if damage == "senseless":
            (info / "RECORD").write_bytes(b"\xff")
    broken = shop.snapshot()
    for change in (lambda: shop.uninstall("forged"), lambda: shop.install("forged==2")):
        with pytest.raises(InstallError, match="forged 1 has no record") as caught:
            change()
        assert "forget" in str(caught.value.hint)
        assert caught.value.context["name"] == "forged"
        assert shop.snapshot() == broken
    report = shop.uninstall("forged", without_record="forget")
    assert [(each.name, each.after) for each in report.changes] == [("forged", None)]
    assert "forged 1" in report.warnings[0]
    assert shop.snapshot() == before
    shop.installer().undo()
    assert shop.snapshot() == broken
    report = shop.install("forged==2", without_record="forget")
    assert "forged 1" in report.warnings[0]
    assert list(report.set_aside) == [str(library / "forged.py")]
    assert (library / "forged.py").read_text() == "V = 2"
    assert (library / "other.py").read_text() == "V = 1"
    assert [each.kind for each in shop.installer().verify()] == ["orphaned"]
    with pytest.raises(InstallError, match="without_record"):
        shop.installer(without_record="whatever")


def test_a_record_that_makes_no_sense_is_an_error(shop):
    info = forge(shop, "")
    for content in (b"\xff\xff,,\n", b'"a",b,c,d,e\n', b"a\0b,,\n"):
        (info / "RECORD").write_bytes(content)
        with pytest.raises(InstallError):
            shop.uninstall("forged")


def test_legacy_metadata_with_a_list_of_files(shop):
    before = shop.snapshot()
    library = shop.environment.library
    info = library / "old-1.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old\nVersion: 1\n")
    (library / "old.py").write_text("")
    (info / "installed-files.txt").write_text("../old.py\nPKG-INFO\n../../../../bin/python\n")
    report = shop.uninstall("old")
    assert set(report.left.values()) == {"protected"}
    assert shop.snapshot() == before


def test_legacy_metadata_without_a_list_is_an_error(shop):
    (shop.environment.library / "old-1.egg-info").write_text("Metadata-Version: 1.0\nName: old\nVersion: 1\n")
    with pytest.raises(InstallError, match="no record"):
        shop.uninstall("old")
    assert (shop.environment.library / "old-1.egg-info").exists()


def test_an_egg_link(shop, tmp_path):
    before = shop.snapshot()
    library = shop.environment.library
    project = tmp_path / "project"
    (project / "dev.egg-info").mkdir(parents=True)
    (project / "dev.egg-info/PKG-INFO").write_text("Metadata-Version: 1.0\nName: dev\nVersion: 3\n")
    (library / "dev.egg-link").write_text(f"{project}\n.")
    (library / "easy-install.pth").write_text(f"/somewhere/else\n{project}\n")
    (shop.environment.scripts / "dev").write_text(
        "#!python\n# EASY-INSTALL-ENTRY-SCRIPT: 'dev','console_scripts','dev'\n"
    )
    assert [(found.name, found.version, found.editable) for found in shop.installer().installed()] == [
        ("dev", "3", True)
    ]
    shop.uninstall("dev")
    assert (library / "easy-install.pth").read_text() == "/somewhere/else\n"
    (library / "easy-install.pth").unlink()
    assert shop.snapshot() == before
    assert (project / "dev.egg-info/PKG-INFO").exists()


@pytest.mark.skipif(os.name != "posix", reason="names are text there")
def test_an_egg_link_to_a_place_that_is_not_utf8(shop, tmp_path):
    library = shop.environment.library
    project = os.path.join(os.fsencode(tmp_path), b"pr\xe9")
    try:
        os.makedirs(project + b"/dev.egg-info")
    except OSError:
        pytest.skip("the file system has no such names")
    with open(project + b"/dev.egg-info/PKG-INFO", "w") as file:
        file.write("Metadata-Version: 1.0\nName: dev\nVersion: 3\n")
    (library / "dev.egg-link").write_bytes(project + b"\n.")
    (library / "easy-install.pth").write_bytes(b"/somewhere/else\n" + project + b"\n")
    shop.uninstall("dev")
    assert (library / "easy-install.pth").read_bytes() == b"/somewhere/else\n"


@pytest.mark.parametrize("inner", ["tool", "tool/data"])
def test_what_lies_behind_a_symlink_stays_and_is_reported(shop, tmp_path, inner):
    shop.install("tool==1")
    folder = shop.environment.library / inner
    folder.rename(tmp_path / "moved")
    folder.symlink_to(tmp_path / "moved")
    left = shop.uninstall("tool").left
    assert left.pop(str(shop.environment.library / "tool/data/x.txt")) == "outside"
    assert set(left.values()) <= {"outside"}
    assert folder.is_symlink()
    assert list((tmp_path / "moved").rglob("x.txt"))


def test_nothing_of_the_environment_is_run(shop):
    shop.install("tool==1")
    trap = shop.environment.library / "trap.pth"
    trap.write_text("import os; os.abort()\n")
    (shop.environment.library / "sitecustomize.py").write_text("import os; os.abort()\n")
    (shop.environment.root / "bin/python").unlink()
    shop.uninstall("tool")
    assert trap.exists()


def test_bytecode_of_others_stays(shop):
    shop.wheel("second", "1", files={"second_single.py": ""})
    shop.install("tool==1", "second==1")
    library = shop.environment.library
    subprocess.run([sys.executable, "-m", "compileall", "-q", library], check=True)
    shop.uninstall("tool")
    left = os.listdir(library / "__pycache__")
    assert [name.partition(".")[0] for name in left] == ["second_single"]
    shop.uninstall("second")
    assert os.listdir(library) == []


def test_a_read_only_destination(shop):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    shop.install("tool==1")
    before = shop.snapshot()
    os.chmod(shop.environment.library, 0o555)
    try:
        with pytest.raises(InstallError, match="ermission"):
            shop.uninstall("tool")
        assert shop.snapshot() == before
    finally:
        os.chmod(shop.environment.library, 0o755)


@pytest.mark.parametrize("tool", ["pip", "uv"])
def test_what_other_installers_put_there(shop, tmp_path, tool):
    """A real environment, filled by pip or uv, is emptied without a rest."""
    import shutil
    import venv

    root = tmp_path / "real"
    venv.EnvBuilder(with_pip=False).create(root)
    before = snapshot(root)
    wheels = [str(path) for path in shop.folder.glob("*.whl")]
    if tool == "uv":
        uv = shutil.which("uv", path=f"{os.path.dirname(sys.executable)}:{os.environ.get('PATH', '')}")
        if uv is None:
            pytest.skip("uv is not installed")
        command = [uv, "pip", "install", "-q", "--no-deps", "--offline", "--python", str(root), *wheels]
        environ = {**os.environ, "UV_CACHE_DIR": str(tmp_path / "cache")}
    else:
        command = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(root),
            "install",
            "-q",
            "--no-deps",
            "--no-index",
            *wheels,
        ]
        environ = dict(os.environ)
    subprocess.run(command, check=True, env=environ, capture_output=True)
    assert snapshot(root) != before
    environment = type(shop.environment)(
        root,
        shop.environment.interpreter,
        {key: value.replace(str(shop.environment.root), str(root)) for key, value in shop.environment.paths.items()},
    )
    report = Installer(environment).uninstall(["tool"])
    assert report.left == {}
    after = snapshot(root)
    extra = {name for name in after if name not in before and name != ".lock"}  # uv's own
    assert [name for name in extra if after[name] != "folder"] == []
    assert all(name.startswith("include") for name in extra)


def test_a_folder_that_two_distributions_share_is_as_settled_as_the_least():
    from envkit.installation.walking import Wanted

    wanted = Wanted()
    for settled in (5, 3, 9):
        wanted.folder("/library/shared", settled)[str(settled)] = "row"
    assert wanted.settled == {"/library/shared": 3}
    assert set(wanted.within("/library/shared")) == {"3", "5", "9"}
    assert wanted.within("/library/other") == {}
