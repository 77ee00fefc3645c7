"""Trees, reasons, orphans, files and checks, with pip's own answers where it has any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import envkit
from envkit.errors import InstallError
from envkit.inspection.freezer import Freezer
from envkit.testing.wheels import make_wheel
from tests.freeze.places import ask_pip, site_of


@pytest.fixture(scope="module")
def links(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("links")
    fields = {
        "Summary": "the top",
        "Home-page": "https://example.org",
        "Author": "Someone",
        "License-Expression": "MIT OR Apache-2.0",
        "Classifier": "Programming Language :: Python",
    }
    make_wheel(
        folder,
        "top",
        "1.0",
        requires=["middle[fast]>=1", "left"],
        fields=fields,
        files={"top/__init__.py": "value = 1\n", "top/data.txt": "data\n"},
        entry_points="[console_scripts]\ntop = top:main\n[top.plugins]\none = top:one [fast]\n",
    )
    make_wheel(folder, "middle", "1.5", requires=["base<2"], extras={"fast": ["speed"], "slow": ["sleep"]})
    make_wheel(folder, "left", "1.0", requires=["base>=1", "right"])
    make_wheel(folder, "right", "1.0", requires=["left"])  # a cycle
    make_wheel(
        folder,
        "base",
        "1.0",
        fields={"License": "Some licence\n        text", "Classifier": "License :: OSI Approved :: BSD License"},
    )
    make_wheel(folder, "base", "3.0")
    make_wheel(folder, "speed", "1.0")
    make_wheel(folder, "alone", "1.0")
    return folder


@pytest.fixture
def kit(links, tmp_path):
    with envkit.Kit(indexes=(), find_links=(links,), cache_dir=tmp_path / "cache") as made:
        yield made


@pytest.fixture
def env(kit, tmp_path):
    env = kit.create(tmp_path / "env")
    kit.install(env, ["top", "alone"])
    return env


def outline(nodes, level=0) -> list[str]:
    """Give trees as indented lines: ``*`` marks a branch that was shown, ``^`` a cycle, ``!`` what is not met."""
    lines = []
    for node in nodes:
        marks = "*" * node.repeated + "^" * node.cycle + "!" * (not node.met)
        lines += [f"{'  ' * level}{node.name} {node.version}{marks}", *outline(node.children, level + 1)]
    return lines


def test_trees(env):
    freezer = Freezer(env)
    assert outline(freezer.tree()) == [
        "alone 1.0",
        "top 1.0",
        "  left 1.0",
        "    base 1.0",
        "    right 1.0",
        "      left 1.0^",
        "  middle 1.5",
        "    base 1.0",
        "    speed 1.0",
    ]
    assert outline(freezer.tree(["top"], depth=1)) == ["top 1.0", "  left 1.0", "  middle 1.5"]
    assert outline(freezer.tree(["Base"], inverted=True)) == [
        "base 1.0",
        "  left 1.0",
        "    right 1.0",
        "      left 1.0^",
        "    top 1.0",
        "  middle 1.5",
        "    top 1.0",
    ]
    (top,) = freezer.tree(["top"])
    assert [node.requirement for node in top.children] == ["left", "middle[fast]>=1"]
    assert outline(freezer.tree(["not-there"])) == ["not-there None"]


def test_conflicts_are_marked(kit, env, links):
    kit.uninstall(env, ["speed"])
    kit.apply(env, kit.plan(env, kit.resolve(["base==3.0"], target=env)))
    lines = outline(Freezer(env).tree(["middle"]))
    assert lines == ["middle 1.5", "  base 3.0!", "  speed None!"]
    pips = ask_pip(Path(env.executable), ["check"])[0]["output"].splitlines()
    ours = [problem.detail for problem in Freezer(env).check()]
    assert ours == pips == ["middle 1.5 has requirement base<2, but you have base 3.0."]


def test_reasons(env):
    freezer = Freezer(env)
    chains = [[step.parent for step in chain] + [chain[-1].child] for chain in freezer.why("base")]
    assert sorted(chains) == [["top", "left", "base"], ["top", "middle", "base"]]
    assert freezer.why("top") == ((),)
    assert freezer.why("not-there") == ()
    (speed,) = freezer.why("speed")
    assert [(step.parent, step.child, step.extra) for step in speed] == [
        ("top", "middle", ""),
        ("middle", "speed", "fast"),
    ]


def test_orphans_know_what_was_asked_for(kit, env):
    assert kit.orphans(env) == ()
    kit.uninstall(env, ["top"])
    assert kit.orphans(env) == ("base", "left", "middle", "right", "speed")
    assert kit.orphans(env, keep=["middle"]) == ("left", "right", "speed")
    kit.uninstall(env, kit.orphans(env))
    assert kit.freeze(env) == ("alone==1.0",)


def test_showing_equals_pip(env):
    freezer = Freezer(env)
    shown = freezer.show("TOP")
    assert shown is not None
    blocks = ask_pip(Path(env.executable), ["show", "-f", "top", "base", "middle"])[0]["output"].split("\n---\n")
    for block, name in zip(blocks, ("top", "base", "middle"), strict=True):
        head, _, files = block.partition("Files:\n")
        rows = dict(line.partition(": ")[::2] for line in head.splitlines() if not line.startswith(" "))
        ours = freezer.show(name)
        assert ours is not None
        assert (ours.name, ours.version, ours.location) == (rows["Name"], rows["Version"], rows["Location"])
        assert (ours.summary, ours.homepage, ours.author) == (rows["Summary"], rows["Home-page"], rows["Author"])
        assert ", ".join(ours.requires) == rows.get("Requires", rows.get("Requires:", ""))
        assert ", ".join(ours.required_by) == rows.get("Required-by", rows.get("Required-by:", ""))
        assert list(ours.files or ()) == [line.strip() for line in files.splitlines() if line.startswith("  ")]
    assert shown.licence == "MIT OR Apache-2.0"
    assert freezer.show("base").licence == "BSD License"
    assert [(point.group, point.name, point.value) for point in shown.entry_points] == [
        ("console_scripts", "top", "top:main"),
        ("top.plugins", "one", "top:one [fast]"),
    ]
    listed = [Path(shown.location, path) for path in shown.files or ()]
    assert shown.size == sum(path.stat().st_size for path in listed)
    assert shown.requested
    assert not freezer.show("base").requested
    assert json.loads(json.dumps(shown.to_dict()))["name"] == "top"


def test_contents_without_unpacking_again(env):
    freezer = Freezer(env)
    assert freezer.read_file("top", "top/data.txt") == b"data\n"
    for name, path in (("top", "../../../../etc/passwd"), ("top", "middle.py"), ("not-there", "x")):
        with pytest.raises(InstallError):
            freezer.read_file(name, path)


def test_a_record_does_not_open_other_files(env, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    record = site_of(Path(env.executable)) / "top-1.0.dist-info" / "RECORD"
    rows = record.read_text() + f"{tmp_path / 'secret.txt'},,\n../../../../secret.txt,,\n../../../bin/top,,\n"
    record.unlink()
    record.write_text(rows)
    for path in (str(tmp_path / "secret.txt"), "../../../../secret.txt"):
        with pytest.raises(InstallError, match="outside"):
            Freezer(env).read_file("top", path)
    assert Freezer(env).read_file("top", "../../../bin/top").startswith(b"#!")


def test_lists_equal_pips(env):
    commands = (
        ["list", "--not-required"],
        ["list", "--exclude", "top"],
        ["list", "--editable"],
        ["list", "--exclude-editable"],
    )
    answers = ask_pip(Path(env.executable), *([*command, "--format", "json"] for command in commands))
    freezer = Freezer(env)
    ours = (
        freezer.list(not_required=True),
        freezer.list(exclude=["top"]),
        freezer.list(editable=True),
        freezer.list(editable=False),
    )
    assert [[row.to_pip() for row in rows] for rows in ours] == [json.loads(answer["output"]) for answer in answers]


def test_checks_of_files_and_metadata(env):
    site = site_of(Path(env.executable))
    freezer = Freezer(env)
    assert freezer.check(files=True) == ()
    (site / "top" / "data.txt").write_text("dato\n")
    (site / "middle.py").unlink()
    (site / "left-1.0.dist-info" / "RECORD").write_bytes(b"\xff\n")
    wheel = site / "right-1.0.dist-info" / "WHEEL"
    wheel.unlink()
    wheel.write_text("Wheel-Version: 1.0\nTag: cp27-cp27m-win32\n")
    metadata = site / "alone-1.0.dist-info" / "METADATA"
    text = metadata.read_text()
    metadata.unlink()
    metadata.write_text(text.replace("Version: 1.0\n", "Version: 1.0\nRequires-Python: <3\n"))
    (site / "alone-0.9.dist-info").mkdir()
    (site / "alone-0.9.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: Alone\nVersion: 0.9\nRequires-Python: <3\n"
    )
    found = {(problem.kind, problem.project, problem.path) for problem in freezer.check(files=True)}
    assert {
        ("changed-file", "top", "top/data.txt"),
        ("missing-file", "middle", "middle.py"),
        ("broken-record", "left", None),
        ("wrong-tags", "right", None),
        ("wrong-python", "alone", None),
    } <= found
    assert [kind for kind, project, _ in found if project == "alone"].count("duplicate") == 1
    assert {kind for kind, _, _ in ((one.kind, 0, 0) for one in freezer.check())} == {
        "wrong-tags",
        "wrong-python",
        "duplicate",
    }
    pips = ask_pip(Path(env.executable), ["check"])[0]["output"].splitlines()
    assert pips == ["right 1.0 is not supported on this platform"]


def test_local_is_told_by_components(kit, env, tmp_path):
    """A folder beside the environment whose name begins alike is not in it (`pip` takes it for one)."""
    beside = tmp_path / "env-more"
    (beside / "other-1.dist-info").mkdir(parents=True)
    (beside / "other-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1\n\n")
    Path(env.site_packages[0], "more.pth").write_text(f"{beside}\n")
    freezer = Freezer(env)
    assert "other==1" in freezer.freeze()
    assert "other==1" not in freezer.freeze(local=True)
    assert "alone==1.0" in freezer.freeze(local=True)
