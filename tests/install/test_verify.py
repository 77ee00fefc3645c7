"""An environment is compared with its records, and mended byte for byte."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from envkit.errors import InstallError

from .places import Workshop


@pytest.fixture
def shop(tmp_path):
    shop = Workshop.at(tmp_path)
    files = {"alpha/__init__.py": "A = 1", "alpha/x.txt": "x", "{dist}.data/data/share/a": "a"}
    shop.wheel("alpha", "1", files=files, entry_points="[console_scripts]\nalpha = alpha:main\n")
    shop.wheel("beta", "1")
    shop.install("alpha==1", "beta==1", compile_bytecode=True)
    return shop


def kinds(shop: Workshop) -> dict[str, str]:
    root = str(shop.environment.root) + os.sep
    return {problem.path.removeprefix(root): problem.kind for problem in shop.installer().verify()}


def replace(path, text: str) -> None:
    path.unlink()
    path.write_text(text)


def test_a_sound_environment(shop):
    assert kinds(shop) == {}
    assert shop.installer().repair().changes == ()


def test_everything_is_found_and_mended(shop):
    before = shop.snapshot()
    library, root = shop.environment.library, shop.environment.root
    replace(library / "alpha/__init__.py", "A = 2")
    (library / "alpha/x.txt").unlink()
    (root / "share/a").unlink()
    replace(root / "bin/alpha", "broken")
    (library / "nobody.py").write_text("")
    found = kinds(shop)
    place = str(library.relative_to(root))
    assert found == {
        f"{place}/alpha/__init__.py": "changed",
        f"{place}/alpha/x.txt": "missing",
        "share/a": "missing",
        "bin/alpha": "changed",
        f"{place}/nobody.py": "orphaned",
    }
    report = shop.installer(compile_bytecode=True).repair()
    assert [change.name for change in report.changes] == ["alpha"]
    assert len(report.set_aside) == 2
    (library / "nobody.py").unlink()
    assert shop.snapshot() == before
    assert kinds(shop) == {}


def test_what_had_bytecode_gets_it_again_and_nothing_else_does(shop):
    shop.wheel("gamma", "1")
    shop.install("gamma==1")
    before = shop.snapshot()
    assert any(path.endswith(".pyc") and "beta" in path for path in before)
    for name in ("alpha/x.txt", "beta.py", "gamma.py"):
        (shop.environment.library / name).unlink()
    assert len(shop.installer().repair().changes) == 3
    assert shop.snapshot() == before


def test_a_pool_that_was_poisoned_through_a_hardlink_does_not_mend_with_poison(shop):
    path = shop.environment.library / "alpha/__init__.py"
    with open(path, "r+") as file:
        file.write("A = 9")
    assert list(kinds(shop).values()) == ["changed"]
    shop.installer().repair()
    assert path.read_text() == "A = 1"


def test_one_by_name(shop):
    for name in ("alpha/x.txt", "beta.py"):
        (shop.environment.library / name).unlink()
    assert [change.name for change in shop.installer().repair(["Beta"]).changes] == ["beta"]
    assert list(kinds(shop).values()) == ["missing"]


def test_what_cannot_be_mended_is_said(shop):
    info = shop.environment.library / "alpha-1.dist-info"
    (info / "envkit.json").unlink()
    report = shop.installer().repair()
    assert report.changes == ()
    assert "alpha 1 cannot be repaired" in report.warnings[0]
    (info / "RECORD").unlink()
    assert "no-record" in kinds(shop).values()


def test_shadowed(shop):
    library = shop.environment.library
    shutil.copytree(library / "beta-1.dist-info", library / "beta-0.dist-info")
    assert "shadowed" in kinds(shop).values()


def test_a_record_that_leads_outside(shop):
    with open(shop.environment.library / "beta-1.dist-info/RECORD", "a") as file:
        file.write("../../../../outside,,\n")
    assert "outside" in kinds(shop).values()


def test_what_is_kept_for_undo_is_no_orphan(shop, tmp_path):
    """Where site-packages are outside the environment's folder, the stage is in there."""
    (tmp_path / "elsewhere").mkdir()
    for scheme in ("purelib", "platlib"):
        shop.environment.paths[scheme] = str(tmp_path / "elsewhere")
    shop.wheel("beta", "2")
    shop.install("beta==1")
    shop.install("beta==2")
    assert [name for name in os.listdir(tmp_path / "elsewhere") if name.startswith(".envkit-")] != []
    assert shop.installer().verify() == ()


def test_undo_is_refused_after_others_were_there(shop):
    """Also where the entries themselves are as they were left: an exchanged library holds what came later."""
    library = shop.environment.library
    shop.wheel("gamma", "1")
    shop.install("gamma==1", atomic="swap")
    info = library / "other-1.dist-info"
    info.mkdir()
    with pytest.raises(InstallError, match="something else"):
        shop.installer().undo()
    info.rmdir()
    shop.installer().undo()
    assert not (library / "gamma.py").exists()


@pytest.mark.parametrize("atomic", ["entries", "swap"])
@pytest.mark.parametrize("what", ["edited", "replaced", "added", "added deeper", "linked", "beside"])
def test_undo_loses_no_work_of_others(shop, what, atomic):
    """Folders go back as a whole, so what somebody put into them since would go away with them."""
    library = shop.environment.library
    (library / "before.txt").write_text("before")
    (library / "there").symlink_to("before.txt")
    shop.wheel("gamma", "1", files={"gamma/__init__.py": "G = 1", "gamma/deep/er.py": ""})
    before = shop.snapshot()
    shop.install("gamma==1", atomic=atomic)
    subprocess.run([sys.executable, "-c", "import gamma.deep.er"], cwd=library, check=True)
    path = library / {"added": "gamma/own.py", "added deeper": "gamma/deep/own.py"}.get(what, "gamma/__init__.py")
    if what == "linked":
        path = library / "gamma/link"
        path.symlink_to("/nowhere")
    elif what == "beside":
        path = library / "own.txt"
    if what == "replaced":
        path.unlink()
    if what != "linked":
        path.write_text("mine")
    now = shop.snapshot()
    if what == "beside" and atomic == "entries":
        shop.installer().undo()
        assert path.read_text() == "mine"
        return
    with pytest.raises(InstallError, match="something else") as caught:
        shop.installer().undo()
    assert caught.value.hint is not None
    assert str(path) in caught.value.hint
    assert shop.snapshot() == now
    path.unlink()
    shop.installer().undo()
    assert shop.snapshot() == before
