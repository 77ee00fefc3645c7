"""Files over other files: found before anything is written."""

from __future__ import annotations

import pytest

from envkit.errors import EnvkitError, FileConflict, InstallError, StalePlan
from envkit.testing.supply import folder_resolution

from .places import LIBRARY, Workshop, check_records, litter

PROTECTED = {
    "pyvenv.cfg": "{dist}.data/data/pyvenv.cfg",
    "PYVENV.CFG": "{dist}.data/data/PYVENV.CFG",
    "the interpreter": "{dist}.data/data/bin/python",
    "an interpreter that is not there yet": "{dist}.data/data/bin/python3",
    "activation": "{dist}.data/data/bin/activate",
    "activation of another shell": "{dist}.data/data/bin/activate.fish",
    "the bookkeeping": "{dist}.data/data/.envkit/journal",
    "the records": "{dist}.data/data/.envkit/records",
    "another distribution's file": f"{{dist}}.data/data/{LIBRARY}/victim/__init__.py",
    "another distribution's metadata": f"{{dist}}.data/data/{LIBRARY}/victim-1.dist-info/METADATA",
    "another distribution's file by name": "victim/__init__.py",
    "another distribution's module": "victim_module.py",
    "another distribution's command": "{dist}.data/scripts/victim",
    "a file of the user that runs at every start": "mine.pth",
    "a folder that is a file": "mine.py/x.py",
    "a file that is a folder": "victim",
    "through a symlink": "linked/x.py",
}


@pytest.fixture
def shop(tmp_path):
    shop = Workshop.at(tmp_path)
    shop.wheel(
        "victim",
        "1",
        files={"victim/__init__.py": "V = 1", "victim_module.py": "V = 1"},
        entry_points="[console_scripts]\nvictim = victim:main\n",
    )
    shop.install("victim==1")
    (shop.environment.library / "mine.py").write_text("mine")
    (shop.environment.library / "mine.pth").write_text("# mine")
    (tmp_path / "elsewhere").mkdir()
    (shop.environment.library / "linked").symlink_to(tmp_path / "elsewhere")
    return shop


@pytest.mark.parametrize("what", PROTECTED)
def test_refused_before_anything_is_written(shop, tmp_path, what):
    shop.wheel("evil", "1", files={PROTECTED[what]: "harm", "evil/__init__.py": ""})
    before = shop.snapshot()
    with pytest.raises(FileConflict) as caught:
        shop.install("evil==1")
    assert caught.value.code == "file-conflict"
    owner = ("victim",) if "another distribution" in what or what == "a file that is a folder" else ()
    assert caught.value.context["distributions"] == ("evil", *owner)
    assert shop.snapshot() == before
    assert litter(shop.environment.root) == []
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize(
    "path",
    [
        ".envkit/journal",
        ".envkit/kept/x.py",
        ".EnvKit/last",
        ".envkit",
        "pyvenv.cfg",
        "bin/python3",
        "{dist}.data/data/.envkit/records",
    ],
)
@pytest.mark.parametrize("used_before", [False, True], ids=["new folder", "used folder"])
def test_what_is_ours_in_a_target_folder_stays_ours(shop, tmp_path, path, used_before):
    shop.wheel("evil", "1", files={path: "harm", "evil/__init__.py": ""})
    target = tmp_path / "target"
    if used_before:
        shop.install("victim==1", target=target)
    with pytest.raises(FileConflict) as caught:
        shop.install("evil==1", target=target)
    assert caught.value.context["distributions"] == ("evil",)
    assert not (target / "evil").exists()
    assert used_before == (target / "victim").exists()
    assert litter(target) == []


@pytest.mark.parametrize(
    "inner",
    ["victim-1.dist-info/extra.txt", "Victim-1.DIST-INFO/extra.txt", "ghost-1.dist-info/METADATA",
     "ghost.egg-info/PKG-INFO", "evil-1.dist-info/RECORD", "evil-1.dist-info/extra.txt", "ghost.egg-link"],
)  # fmt: skip
@pytest.mark.parametrize("elsewhere", [False, True], ids=["environment", "target"])
def test_data_is_no_way_into_metadata(shop, tmp_path, inner, elsewhere):
    options = {"target": tmp_path / "target"} if elsewhere else {}
    library = "" if elsewhere else f"{LIBRARY}/"
    shop.install("victim==1", **options)
    shop.wheel("evil", "1", files={f"{{dist}}.data/data/{library}{inner}": "harm", "evil/__init__.py": ""})
    before = shop.snapshot()
    with pytest.raises(FileConflict, match="metadata") as caught:
        shop.install("evil==1", **options)
    assert caught.value.context["distributions"] == ("evil",)
    assert shop.snapshot() == before


def test_two_wheels_with_one_file(shop):
    shop.wheel("one", "1", files={"common/x.py": "1", "one.py": ""})
    shop.wheel("two", "1", files={"common/x.py": "2", "two.py": ""})
    before = shop.snapshot()
    with pytest.raises(FileConflict) as caught:
        shop.install("one==1", "two==1")
    assert caught.value.context["distributions"] == ("one", "two")
    assert shop.snapshot() == before


def test_two_wheels_with_one_command(shop):
    for name in ("one", "two"):
        shop.wheel(name, "1", entry_points="[console_scripts]\nrun = x:main\n")
    with pytest.raises(FileConflict):
        shop.install("one==1", "two==1")


def test_a_file_of_one_is_a_folder_of_the_other(shop):
    shop.wheel("one", "1", files={"thing": "1"})
    shop.wheel("two", "1", files={"thing/x.py": "2"})
    with pytest.raises(FileConflict):
        shop.install("one==1", "two==1")
    shop.install("one==1")
    with pytest.raises(FileConflict):
        shop.install("two==1")


def test_the_same_content_is_shared_and_stays_until_the_last_owner_goes(shop):
    for name in ("one", "two", "three"):
        shop.wheel(name, "1", files={"space/__init__.py": "# shared\n", f"space/{name}.py": name})
    shop.install("one==1", "two==1")
    shop.install("three==1")
    library = shop.environment.library
    for name in ("one", "three"):
        report = shop.uninstall(name)
        assert report.left == {str(library / "space/__init__.py"): "shared"}
        assert (library / "space/__init__.py").exists()
        assert not (library / f"space/{name}.py").exists()
    assert shop.uninstall("two").left == {}
    assert not (library / "space").exists()


def test_an_upgrade_may_turn_a_file_into_a_folder_and_back(shop):
    shop.wheel("turn", "1", files={"turn.py": "", "turn_data": "file"})
    shop.wheel("turn", "2", files={"turn/__init__.py": "", "turn_data/x": "folder"})
    old = None
    for version in ("1", "2", "1", "2"):
        shop.install(f"turn=={version}")
        assert check_records_of(shop, "turn") == version
        if version == "1":
            assert old in (None, shop.snapshot())
            old = shop.snapshot()


def check_records_of(shop, name):
    for mine in ("mine.py", "mine.pth"):
        (shop.environment.library / mine).unlink(missing_ok=True)
    (shop.environment.library / "linked").unlink(missing_ok=True)
    return check_records(shop.environment.root)[name]


def test_files_may_move_between_distributions_in_one_plan(shop):
    shop.wheel("split", "1", files={"split/__init__.py": "", "moving.py": "1"})
    shop.wheel("split", "2", files={"split/__init__.py": "2"})
    shop.wheel("taker", "1", files={"moving.py": "2"})
    shop.install("split==1")
    with pytest.raises(FileConflict):
        shop.install("taker==1")
    shop.install("split==2", "taker==1")
    assert (shop.environment.library / "moving.py").read_text() == "2"


def test_a_script_and_an_entry_point_of_one_name(shop):
    shop.wheel(
        "both",
        "1",
        files={"both.py": "", "{dist}.data/scripts/both": "#!python\nraise SystemExit(9)\n"},
        entry_points="[console_scripts]\nboth = both:main\n",
    )
    shop.install("both==1")
    assert "from both import main" in (shop.environment.scripts / "both").read_text()
    check_records_of(shop, "both")


def test_a_stale_plan_is_refused(shop):
    shop.wheel("late", "1")
    shop.wheel("other", "1")
    installer = shop.installer()
    plan = installer.plan(folder_resolution(shop.folder, "late==1"))
    shop.install("other==1")
    before = shop.snapshot()
    with pytest.raises(StalePlan):
        installer.apply(plan)
    assert shop.snapshot() == before
    again = type(plan).from_dict(installer.plan(folder_resolution(shop.folder, "late==1")).to_dict())
    installer.apply(again)
    with pytest.raises(StalePlan):
        installer.apply(again)


def test_what_was_installed_again_meanwhile_makes_a_plan_stale(shop):
    """Its name and version are the same, its files are not."""
    shop.wheel("again", "1")
    shop.wheel("other", "1")
    shop.install("again==1")
    installer = shop.installer()
    plan = installer.plan(folder_resolution(shop.folder, "other==1"))
    shop.install("again==1", plan={"reinstall": ("again",)})
    with pytest.raises(StalePlan):
        installer.apply(plan)


def test_an_empty_plan_that_is_stale_is_refused_too(shop):
    installer = shop.installer()
    plan = installer.plan(folder_resolution(shop.folder, "victim==1"))
    assert plan.is_empty
    shop.uninstall("victim")
    with pytest.raises(StalePlan):
        installer.apply(plan)


def test_a_plan_for_another_environment_is_refused(shop, tmp_path):
    from .places import make_environment

    plan = shop.installer().plan(folder_resolution(shop.folder, "victim==1"))
    other = Workshop(shop.folder, make_environment(tmp_path / "other"))
    with pytest.raises(StalePlan):
        other.installer().apply(plan)


def test_what_is_missing_is_an_error_of_the_tree(shop):
    with pytest.raises(InstallError, match="not installed: nothing"):
        shop.uninstall("victim", "nothing")
    with pytest.raises(EnvkitError):
        shop.install("nowhere==1")
    assert shop.installer().uninstall(["nothing"], missing_ok=True).changes == ()
