"""Builds: what runs, what it sees, what is kept, and what happens when it goes wrong."""

import gc
import os
import threading
import time
import zipfile
from pathlib import Path

import pytest

from envkit.errors import BuildForbidden, Cancelled, InvalidSource, WheelBuildError
from envkit.events import CancelToken
from envkit.model.metadata import parse_metadata
from envkit.testing.wheels import make_sdist
from tests.wheels.doubles import Bench, folder_tree, sdist_of, sdist_tree, write_project

FACTS = {"name": "demo", "version": "1.0", "requires": ["other>=2"]}


def test_static_metadata_runs_nothing(tmp_path):
    bench = Bench(tmp_path, builds="never")
    path = make_sdist(tmp_path, "demo", "1.0", requires=["other"])
    assert parse_metadata(bench.builder.metadata(sdist_tree(path))).requires_dist == ("other",)
    assert bench.environments.log == []
    assert bench.seen("BuildStarted") == []
    assert [event.how for event in bench.seen("MetadataFetched")] == ["static"]


def test_metadata_is_asked_before_a_build_and_the_environment_serves_both(tmp_path):
    bench = Bench(tmp_path)
    tree = sdist_tree(sdist_of(tmp_path, FACTS), name="demo", version="1.0")
    assert parse_metadata(bench.builder.metadata(tree)).requires_dist == ("other>=2",)
    assert bench.ran() == ["requires", "metadata"]
    wheel = bench.builder.wheel(tree)
    assert bench.ran() == ["requires", "metadata", "wheel"]
    assert [entry[0] for entry in bench.environments.log] == ["make", "close"]
    assert zipfile.ZipFile(wheel.path).read("demo.py") == b"value = 1\n"
    assert [event.what for event in bench.seen("BuildStarted")] == ["requirements", "metadata", "wheel"]
    assert all(event.ok for event in bench.seen("BuildFinished"))


def test_without_the_metadata_hook_the_wheel_is_built_once_and_kept(tmp_path):
    bench = Bench(tmp_path)
    tree = sdist_tree(sdist_of(tmp_path, FACTS, prepare=False))
    bench.builder.metadata(tree)
    bench.builder.wheel(tree)
    assert bench.ran() == ["requires", "wheel"]


def test_a_wheel_is_found_again_by_another_builder(tmp_path):
    tree = sdist_tree(sdist_of(tmp_path, FACTS))
    first = Bench(tmp_path)
    built = first.builder.wheel(tree)
    second = Bench(tmp_path)
    found = second.builder.wheel(tree)
    assert (found.path, found.from_cache, built.from_cache) == (built.path, True, False)
    assert first.ran() == ["requires", "wheel"]
    assert second.seen("BuildStarted") == []


@pytest.mark.parametrize(
    "change", ["choice", "interpreter", "config", "extra", "variable", "source", "damage", "constraint"]
)
def test_whatever_could_change_a_wheel_makes_it_be_built_anew(tmp_path, change):
    tree = sdist_tree(sdist_of(tmp_path, FACTS))
    built = Bench(tmp_path).builder.wheel(tree)
    settings = {
        "config": {"config_settings": {"a": "b"}},
        "extra": {"extra_requirements": {"demo": ("more",)}},
        "constraint": {"constraints": ("setuptools<60",)},
    }.get(change, {})
    environ = {"PATH": os.environ["PATH"], **({"CFLAGS": "-O0"} if change == "variable" else {})}
    bench = Bench(tmp_path, environ=environ, **settings)
    if change == "choice":
        bench.environments.choice = 2
    elif change == "interpreter":
        bench.environments.interpreter = "other"
    elif change == "damage":
        with open(built.path, "ab") as stream:
            stream.write(b"x")
    elif change == "source":
        tree = sdist_tree(sdist_of(tmp_path, FACTS, module="value = 2\n"))
    elif change == "extra":
        tree = sdist_tree(tree.path, name="demo")
    before = len(bench.ran())
    assert not bench.builder.wheel(tree).from_cache
    assert bench.ran()[before:] == ["requires", "wheel"]


def test_requirements_that_the_backend_asks_for_are_resolved_with_the_static_ones(tmp_path):
    facts = {**FACTS, "dynamic": ["cython>=3", "numpy"]}
    bench = Bench(tmp_path)
    tree = sdist_tree(sdist_of(tmp_path, facts, requires=["own-tool"]))
    bench.builder.wheel(tree)
    assert bench.environments.log == [
        ("make", ("own-tool",)),
        ("update", ("cython>=3", "numpy", "own-tool")),
        ("close",),
    ]
    again = Bench(tmp_path)
    assert again.builder.wheel(tree).from_cache
    changed = Bench(tmp_path)
    plain = changed.environments.resolve

    def resolve(requirements, *, chain):
        changed.environments.choice = 2 if "numpy" in requirements else 1
        return plain(requirements, chain=chain)

    changed.environments.resolve = resolve
    assert not changed.builder.wheel(tree).from_cache


def test_the_build_sees_an_allow_list_of_variables(tmp_path):
    facts = {**FACTS, "run": "print('SEES', json.dumps(sorted(os.environ)), sys.stdin.read() == '')"}
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": "/evil",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "TWINE_PASSWORD": "secret",
        "https_proxy": "http://user:secret@proxy.example:1",
        "no_proxy": "localhost",
        "CFLAGS": "-O1",
        "LC_ALL": "C.UTF-8",
        "MINE": "1",
        "OTHER": "2",
        "PIP_INDEX_URL": "https://user:secret@index.example/",
    }
    bench = Bench(tmp_path, environ=environ, pass_variables=("MINE",))
    bench.builder.wheel(sdist_tree(sdist_of(tmp_path, facts)))
    line = next(event.line for event in bench.seen("BuildOutput") if event.line.startswith("SEES"))
    for absent in ("PYTHONPATH", "AWS", "TWINE", "https_proxy", "OTHER", "PIP_INDEX_URL"):
        assert absent not in line
    for present in ("PATH", "CFLAGS", "LC_ALL", "MINE", "BUILD_LOG", "no_proxy"):
        assert f'"{present}"' in line
    assert line.endswith("True")


def test_config_settings_reach_the_backend_by_project(tmp_path):
    bench = Bench(
        tmp_path,
        config_settings={"a": "1", "b": "1"},
        config_settings_by_project={"Demo": {"b": ("2", "3")}},
    )
    bench.builder.wheel(sdist_tree(sdist_of(tmp_path, FACTS), name="demo"))
    assert any(event.line == 'building {"a": "1", "b": ["2", "3"]}' for event in bench.seen("BuildOutput"))


def test_a_failing_build_is_told_with_its_whole_output(tmp_path):
    facts = {**FACTS, "run": "print('one'); print('two', file=sys.stderr); sys.exit(7)"}
    bench = Bench(tmp_path)
    with pytest.raises(WheelBuildError) as caught:
        bench.builder.wheel(sdist_tree(sdist_of(tmp_path, facts), name="demo", version="1.0"))
    error = caught.value
    assert str(error) in [f"demo 1.0: build_wheel failed with exit status 7: {last}" for last in ("one", "two")]
    assert error.returncode == 7
    assert "one\n" in error.output
    assert "two\n" in error.output
    assert Path(error.log).read_text() == error.output
    assert error.context["last_lines"][-1] in ("one", "two")
    assert not bench.seen("BuildFinished")[-1].ok
    assert bench.environments.log[-1] == ("close",)


def test_a_build_that_never_ends_is_ended(tmp_path):
    facts = {**FACTS, "run": "import time; time.sleep(600)"}
    began = time.monotonic()
    with pytest.raises(WheelBuildError, match=r"longer than 1\.5 seconds"):
        Bench(tmp_path, timeout=1.5).builder.wheel(sdist_tree(sdist_of(tmp_path, facts)))
    assert time.monotonic() - began < 300


def test_cancelling_ends_the_build(tmp_path):
    facts = {**FACTS, "run": "import time; print('up', flush=True); time.sleep(600)"}
    token = CancelToken()
    bench = Bench(tmp_path, cancel=token)
    threading.Timer(1.5, token.cancel).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        bench.builder.wheel(sdist_tree(sdist_of(tmp_path, facts)))
    assert time.monotonic() - began < 300
    assert bench.environments.log[-1] == ("close",)


@pytest.mark.parametrize(
    ("builds", "runs"), [("never", False), (("other",), False), (("Demo",), True), ("allow", True)]
)
def test_the_policy_decides_whose_code_runs(tmp_path, builds, runs):
    bench = Bench(tmp_path, builds=builds)
    tree = sdist_tree(sdist_of(tmp_path, FACTS), name="demo")
    if runs:
        bench.builder.wheel(tree)
        return
    for ask in (bench.builder.wheel, bench.builder.metadata):
        with pytest.raises(BuildForbidden):
            ask(tree)
    folder = write_project(tmp_path / "folder", FACTS)
    for ask in (bench.builder.wheel, bench.builder.metadata, bench.builder.editable):
        with pytest.raises(BuildForbidden):
            ask(folder_tree(folder))
    assert bench.ran() == []
    assert bench.seen("BuildStarted") == []


@pytest.mark.parametrize(
    ("name", "version", "says"),
    [
        ("other", "1.0", "name 'demo'"),
        ("demo", "2.0", "version '1.0'"),
        ("Demo", "1.0.0", None),
        ("demo", "1.0+x", "version"),
    ],
)
@pytest.mark.parametrize("prepare", [True, False])
def test_another_name_or_version_than_asked_for_is_an_error(tmp_path, name, version, says, prepare):
    bench = Bench(tmp_path)
    tree = sdist_tree(sdist_of(tmp_path, FACTS, prepare=prepare), name=name, version=version)
    if says is None:
        bench.builder.metadata(tree)
        return
    with pytest.raises(InvalidSource, match=says):
        bench.builder.metadata(tree)
    with pytest.raises(InvalidSource, match=says):
        bench.builder.wheel(tree)


@pytest.mark.parametrize(
    "result",
    [
        "'../../evil.whl'",
        "'/etc/passwd'",
        "'demo-1.0-py3-none-any.whl/../x.whl'",
        "'missing-1.0-py3-none-any.whl'",
        "''",
        "3",
    ],
)
def test_what_a_backend_gives_has_to_be_a_wheel_in_its_folder(tmp_path, result):
    backend = f"def build_wheel(folder, config_settings=None, metadata_directory=None):\n    return {result}\n"
    with pytest.raises(WheelBuildError):
        Bench(tmp_path).builder.wheel(sdist_tree(sdist_of(tmp_path, FACTS, backend=backend, prepare=False)))


def test_a_backend_that_cannot_be_imported_is_named(tmp_path):
    with pytest.raises(WheelBuildError, match="'own' cannot be imported") as caught:
        Bench(tmp_path).builder.wheel(sdist_tree(sdist_of(tmp_path, FACTS, backend="import nothing_like_this\n")))
    assert "nothing_like_this" in caught.value.output


def test_a_backend_without_editables_is_named(tmp_path):
    backend = "def build_wheel(folder, config_settings=None, metadata_directory=None):\n    pass\n"
    folder = write_project(tmp_path / "p", FACTS, backend=backend)
    with pytest.raises(WheelBuildError, match="no hook build_editable"):
        Bench(tmp_path).builder.editable(folder_tree(folder))


@pytest.mark.parametrize(
    "text",
    [
        "[build-system]\n",
        "[build-system]\nrequires = 3\n",
        "[build-system]\nrequires=[]\nbackend-path=['..']\nbuild-backend='x'\n",
    ],
)
def test_a_malformed_build_table_is_a_typed_error(tmp_path, text):
    folder = write_project(tmp_path / "p", FACTS)
    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(WheelBuildError):
        Bench(tmp_path).builder.wheel(folder_tree(folder))


def test_a_folder_without_a_project_is_a_typed_error(tmp_path):
    with pytest.raises(InvalidSource, match="pyproject"):
        Bench(tmp_path).builder.wheel(folder_tree(tmp_path))


def test_cyclic_build_requirements_are_named(tmp_path):
    """a needs b to be built, b needs a: each is built by a builder that knows who waits."""
    first = sdist_tree(sdist_of(tmp_path, {"name": "a", "version": "1"}, requires=["b"]), name="a", version="1")
    second = sdist_tree(sdist_of(tmp_path, {"name": "b", "version": "1"}, requires=["a"]), name="b", version="1")

    def bench(chain):
        made = Bench(tmp_path, chain=chain)
        made.environments.nested = lambda requirements, chain: bench(chain).builder.wheel(
            second if "b" in requirements else first
        )
        return made

    with pytest.raises(WheelBuildError, match="cyclic build requirements: a 1 -> b 1 -> a 1") as caught:
        bench(()).builder.wheel(first)
    assert caught.value.context["cycle"] == ("a 1", "b 1", "a 1")


def test_without_isolation_the_shared_environment_is_used(tmp_path):
    bench = Bench(tmp_path, isolation_by_project={"Demo": False})
    tree = sdist_tree(sdist_of(tmp_path, FACTS, requires=["not-installed"]), name="demo")
    bench.builder.wheel(tree)
    assert bench.environments.log == [("shared",)]
    assert not Bench(tmp_path, isolation=False).builder.wheel(tree).from_cache


def test_editables_are_built_in_place_and_not_kept(tmp_path):
    folder = write_project(tmp_path / "p", FACTS)
    bench = Bench(tmp_path)
    wheel = bench.builder.editable(folder_tree(folder))
    assert zipfile.ZipFile(wheel.path).read("_demo.pth").decode() == f"{folder}\n"
    bench.builder.editable(folder_tree(folder))
    assert bench.ran().count("editable") == 2


def test_threads_that_want_one_wheel_build_it_once(tmp_path):
    bench = Bench(tmp_path)
    tree = sdist_tree(sdist_of(tmp_path, FACTS))
    found = []
    threads = [threading.Thread(target=lambda: found.append(bench.builder.wheel(tree).path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert bench.ran() == ["requires", "wheel"]


def test_what_a_backend_warns_about_becomes_an_event(tmp_path):
    facts = {**FACTS, "run": "import warnings; warnings.warn('old way', DeprecationWarning)"}
    bench = Bench(tmp_path)
    bench.builder.wheel(sdist_tree(sdist_of(tmp_path, facts), name="demo"))


def test_closing_removes_what_waits(tmp_path):
    bench = Bench(tmp_path)
    bench.builder.metadata(sdist_tree(sdist_of(tmp_path, FACTS)))
    assert bench.environments.log == [("make", ())]
    bench.builder.close()
    assert bench.environments.log == [("make", ()), ("close",)]


def test_a_builder_that_nobody_closes_leaves_nothing_either(tmp_path, monkeypatch):
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    bench = Bench(tmp_path)
    bench.builder.metadata(sdist_tree(sdist_of(tmp_path, FACTS)))
    assert list(folder.iterdir())
    log = bench.environments.log
    bench.builder = None
    until = time.monotonic() + 60
    while list(folder.iterdir()) and time.monotonic() < until:
        gc.collect()  # a thread that worked for it may be a moment behind
    assert log == [("make", ()), ("close",)]
    assert list(folder.iterdir()) == []
