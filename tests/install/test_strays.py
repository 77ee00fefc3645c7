"""Files in the way that belong to nobody: they are set aside, while those of others and of the environment stay."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from envkit.errors import EnvkitError, FileConflict
from envkit.host import exchange
from envkit.host.gate import guarded
from envkit.transaction import recover

from .places import LIBRARY, Workshop, check_records, litter


@pytest.fixture
def shop(tmp_path):
    shop = Workshop.at(tmp_path)
    shop.wheel(
        "tool",
        "1",
        files={"tool/__init__.py": "V = 1", "tool_single.py": "V = 1", "{dist}.data/scripts/tool-script": "#!python\n"},
        entry_points="[console_scripts]\ntool = tool:main\n",
    )
    return shop


def rewrite(path: Path, text: str) -> Path:
    """A file of its own in the place of what may be a link into the pool."""
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.mark.parametrize("atomic", ["entries", "swap"])
def test_what_an_uninstallation_left_gives_way_to_the_next_installation(shop, atomic):
    shop.install("tool==1")
    library, scripts = shop.environment.library, shop.environment.scripts
    edited = [library / "tool/__init__.py", library / "tool_single.py", scripts / "tool", scripts / "tool-script"]
    for path in edited:
        rewrite(path, "edited")
    assert set(shop.uninstall("tool").left) == set(map(str, edited))
    before = shop.snapshot()
    report = shop.install("tool==1", atomic=atomic)
    assert set(report.set_aside) == set(map(str, edited))
    assert [Path(kept).read_text() for kept in report.set_aside.values()] == ["edited"] * 4
    assert check_records(shop.environment.root) == {"tool": "1"}
    assert litter(shop.environment.root) == []
    shop.installer().undo()
    assert shop.snapshot() == before
    assert not any(os.path.exists(kept) for kept in report.set_aside.values())


def test_a_stray_file_with_the_same_content_counts_as_ours(shop):
    shop.install("tool==1")
    contents = {
        path: path.read_text()
        for path in (
            shop.environment.library / "tool_single.py",
            shop.environment.scripts / "tool",
            shop.environment.scripts / "tool-script",
        )
    }
    shop.uninstall("tool")
    for path, text in contents.items():
        rewrite(path, text)
    assert shop.install("tool==1").set_aside == {}
    assert check_records(shop.environment.root) == {"tool": "1"}
    shop.uninstall("tool")
    assert not any(path.exists() for path in contents)


def test_a_failure_leaves_stray_files_where_they_are(shop):
    """A place that has to be refused is found before the first file is moved, whatever else could give way."""
    library = shop.environment.library
    rewrite(library / "tool/__init__.py", "mine")
    (library / "tool_single.py").mkdir()
    before = shop.snapshot()
    with pytest.raises(FileConflict):
        shop.install("tool==1")
    assert shop.snapshot() == before
    assert litter(shop.environment.root) == []


def test_only_what_another_distribution_records_is_a_conflict_and_it_is_named(shop):
    shop.wheel("other", "1", files={"tool_single.py": "V = 'other'"})
    shop.install("other==1")
    with pytest.raises(FileConflict) as caught:
        shop.install("tool==1")
    assert caught.value.context["distributions"] == ("tool", "other")
    assert "other" in str(caught.value)
    rewrite(shop.environment.library / "tool_single.py", "edited")  # still the other one's
    with pytest.raises(FileConflict):
        shop.install("tool==1")


def test_a_folder_of_another_distribution_in_the_way_names_it(shop):
    shop.wheel("other", "1", files={"tool_single.py/x.txt": "x"})
    shop.wheel("third", "1", files={"tool": "a file"})
    shop.install("other==1")
    with pytest.raises(FileConflict) as caught:
        shop.install("tool==1")
    assert caught.value.context["distributions"] == ("tool", "other")
    shop.uninstall("other")
    shop.install("third==1")
    with pytest.raises(FileConflict) as caught:
        shop.install("tool==1")
    assert caught.value.context["distributions"] == ("tool", "third")


@pytest.mark.parametrize("record", ["{real}/tool_single.py", "../site-packages/tool_single.py", "door/tool_single.py"])
def test_a_record_names_its_file_however_it_spells_it(shop, record):
    library = shop.environment.library
    (library / "door").symlink_to(library)
    info = library / "other-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n\n")
    (info / "RECORD").write_text(record.format(real=library) + ",,\n")
    rewrite(library / "tool_single.py", "other's")
    with pytest.raises(FileConflict) as caught:
        shop.install("tool==1")
    assert caught.value.context["distributions"] == ("tool", "other")


@pytest.mark.parametrize("record", [None, b"\xff\xfe"])
def test_what_a_distribution_without_a_readable_record_may_own_stays(shop, record):
    library = shop.environment.library
    info = library / "other-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n\n")
    if record is not None:
        (info / "RECORD").write_bytes(record)
    rewrite(library / "tool_single.py", "whose?")
    before = shop.snapshot()
    with pytest.raises(FileConflict, match="may belong to other"):
        shop.install("tool==1")
    assert shop.snapshot() == before


def test_files_of_legacy_distributions_are_theirs(shop):
    library = shop.environment.library
    info = library / "old-1.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old\nVersion: 1\n")
    (info / "installed-files.txt").write_text("../tool_single.py\nPKG-INFO\n")
    rewrite(library / "tool_single.py", "old")
    with pytest.raises(FileConflict) as caught:
        shop.install("tool==1")
    assert caught.value.context["distributions"] == ("tool", "old")


STAY = {
    "a .pth file": "mine.pth",
    "a .pth file in capitals": "MINE.PTH",
    "what runs at every start": "sitecustomize.py",
    "what virtualenv put there": "_virtualenv.py",
    "unrecorded metadata of another distribution": f"{{dist}}.data/data/{LIBRARY}/victim-1.dist-info/extra.txt",
    "bytecode of another distribution's module": "__pycache__/victim.{tag}.pyc",
    "data of the user": "{dist}.data/data/share/notes.txt",
}


@pytest.mark.parametrize("what", STAY)
def test_what_is_not_a_mere_file_of_a_library_stays(shop, what):
    shop.wheel("victim", "1", files={"victim.py": "V = 1"})
    shop.install("victim==1")
    library = shop.environment.library
    subprocess.run([sys.executable, "-m", "compileall", "-q", library], check=True)
    inner = STAY[what].replace("{tag}", str(sys.implementation.cache_tag))
    place = inner.replace("{dist}.data/data", str(shop.environment.root))
    if "__pycache__" not in inner:
        rewrite(library / place, "mine")
    assert (library / place).exists()
    shop.wheel("evil", "1", files={inner: "harm", "evil.py": ""})
    before = shop.snapshot()
    with pytest.raises(FileConflict) as caught:
        shop.install("evil==1")
    assert shop.snapshot() == before
    assert caught.value.context["distributions"] == (("evil", "victim") if "victim" in inner else ("evil",))


@pytest.mark.parametrize("kind", ["symlink", "dangling", "fifo", "folder"])
def test_only_plain_files_give_way(shop, tmp_path, kind):
    place = shop.environment.library / "tool_single.py"
    if kind == "symlink":
        (tmp_path / "precious.py").write_text("precious")
        place.symlink_to(tmp_path / "precious.py")
    elif kind == "dangling":
        place.symlink_to(tmp_path / "nowhere")
    elif kind == "fifo":
        os.mkfifo(place)
    else:
        place.mkdir()
    with pytest.raises(FileConflict) as caught:
        shop.install("tool==1")
    assert caught.value.context["distributions"] == ("tool",)
    assert os.path.lexists(place)
    assert not (shop.environment.library / "tool").exists()


def test_commands_outside_a_virtual_environment_stay(shop, tmp_path):
    """In the folder of a user's commands, or the system's, most files belong to what no RECORD tells of."""
    base = tmp_path / "user"
    command = rewrite(base / "bin/tool", "mine")
    with pytest.raises(FileConflict):
        shop.install("tool==1", user_base=base)
    assert command.read_text() == "mine"


def test_a_folder_that_is_given_as_target_may_hold_sources(shop, tmp_path):
    source = rewrite(tmp_path / "project/tool_single.py", "a project's own")
    with pytest.raises(FileConflict):
        shop.install("tool==1", target=tmp_path / "project")
    assert source.read_text() == "a project's own"


@pytest.mark.parametrize("exchangeable", [True, False], ids=["exchange", "two renames"])
def test_a_fault_at_each_effect_puts_stray_files_back(shop, exchangeable, monkeypatch):
    if not exchangeable:
        monkeypatch.setattr(exchange, "exchange", lambda source, target: False)
    root, library = shop.environment.root, shop.environment.library
    shop.install("tool==1")
    shop.uninstall("tool")
    for path in (library / "tool/__init__.py", library / "tool_single.py", shop.environment.scripts / "tool"):
        rewrite(path, "mine")
    old = shop.snapshot()
    failures = 0
    for position in range(1, 1000):
        seen = 0

        def guard(name: str, path: str, position: int = position) -> None:
            nonlocal seen
            seen += 1
            if seen == position:
                raise OSError(errno.ENOSPC, "No space left on device")

        try:
            with guarded(guard):
                shop.install("tool==1")
        except EnvkitError:
            failures += 1
        recover(str(root))
        if shop.snapshot() != old:
            assert check_records(root) == {"tool": "1"}
            kept = [path for path in (root / ".envkit/kept").rglob("*") if path.is_file()]
            assert [path.read_text() for path in kept] == ["mine"] * 3
            shop.installer().undo()
        assert shop.snapshot() == old
        assert litter(root) == []
        if seen < position:
            break
    assert seen < position
    assert failures > 10


def test_files_that_were_set_aside_are_kept_for_so_many_operations(shop, monkeypatch):
    from envkit.installation import applying

    monkeypatch.setattr(applying, "KEPT_OPERATIONS", 3)
    shop.wheel("one", "1", files={"one.py": "V = 1"})
    library, kept = shop.environment.library, shop.environment.root / ".envkit/kept"
    places = []
    for number in range(6):
        (library / "one.py").write_text(f"# edit {number}")
        report = shop.install("one==1")
        (place,) = report.set_aside.values()
        places.append(Path(place))
        shop.uninstall("one")
        os.utime(kept / places[-1].relative_to(kept).parts[0], (number, number))
    assert [place.exists() for place in places] == [False] * 3 + [True] * 3
    assert places[-1].read_text() == "# edit 5"
    (kept / "mine").mkdir()  # not made by us, so not ours to remove
    os.utime(kept / "mine", (0, 0))
    (library / "one.py").write_text("# edit 6")
    shop.install("one==1")
    assert (kept / "mine").exists()
    shop.installer().undo()
    assert (library / "one.py").read_text() == "# edit 6"
