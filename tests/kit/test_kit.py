"""The whole path over a loopback index."""

from __future__ import annotations

import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import envkit
from envkit import events
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import sdist_bytes, wheel_bytes

PROJECTS = dict(
    [
        wheel_bytes("app", "1.0", requires=["lib>=1"], entry_points="[console_scripts]\nrun-app = app:main\n",
                    files={"app.py": "import lib\ndef main():\n    print('app on lib', lib.__version__)\n"}),
        wheel_bytes("app", "2.0", requires=["lib>=2"], entry_points="[console_scripts]\nrun-app = app:main\n",
                    files={"app.py": "import lib\ndef main():\n    print('app 2 on lib', lib.__version__)\n"}),
        wheel_bytes("lib", "1.0"),
        wheel_bytes("lib", "1.5"),
        wheel_bytes("lib", "2.0", extras={"more": ["extra-thing"]}),
        wheel_bytes("extra-thing", "0.1"),
        wheel_bytes("other", "1.0", requires=["lib<2"]),
        wheel_bytes("future", "1.0", requires_python=">=3.99"),
        wheel_bytes("windows", "1.0", tag="cp311-cp311-win_amd64"),
        sdist_bytes("source-only", "1.0"),
    ]
)  # fmt: skip


@pytest.fixture(scope="module")
def index():
    with LoopbackIndex(PROJECTS) as running:
        yield running


@pytest.fixture
def kit(index, tmp_path):
    return envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache")


@pytest.fixture
def env(kit, tmp_path):
    return kit.create(tmp_path / "env")


def _tree(root):
    return sorted(
        (str(path.relative_to(root)), path.lstat().st_mtime_ns if path.is_file() else 0) for path in root.rglob("*")
    )


def test_the_whole_path(kit, env):
    resolution = kit.resolve(["app<2"], target=env)
    assert {name: str(pin.version) for name, pin in resolution.pins.items()} == {"app": "1.0", "lib": "2.0"}
    plan = kit.plan(env, resolution)
    assert type(plan).from_dict(plan.to_dict()).to_dict() == plan.to_dict()
    assert kit.freeze(env) == ()
    report = kit.apply(env, plan)
    assert sorted(item.name for item in report.added) == ["app", "lib"]
    assert kit.freeze(env) == ("app==1.0", "lib==2.0")
    assert env.run(["run-app"], capture_output=True, text=True, check=True).stdout == "app on lib 2.0\n"
    report = kit.install(env, ["app"], upgrade=True)
    assert [(item.name, item.before, item.after) for item in report.replaced] == [("app", "1.0", "2.0")]
    kit.uninstall(env, ["app"])
    assert kit.freeze(env) == ("lib==2.0",)


def test_what_is_installed_is_kept_unless_asked(kit, env):
    kit.install(env, ["lib<1.5"])
    kit.install(env, ["lib"])
    assert kit.freeze(env) == ("lib==1.0",)
    kit.install(env, ["app"])
    assert kit.freeze(env) == ("app==2.0", "lib==2.0")


def test_upgrade_strategies(kit, env):
    kit.install(env, ["other", "lib<1.5"])
    kit.install(env, ["other"], upgrade=True)
    assert kit.freeze(env) == ("lib==1.0", "other==1.0")
    kit.install(env, ["other"], upgrade=True, upgrade_strategy="eager")
    assert kit.freeze(env) == ("lib==1.5", "other==1.0")


def test_sync_is_exact(kit, env):
    kit.install(env, ["app", "lib[more]"])
    report = kit.sync(env, kit.resolve(["other"], target=env))
    assert kit.freeze(env) == ("lib==1.5", "other==1.0")
    assert {item.name for item in report.removed} == {"app", "extra-thing"}
    again = kit.sync(env, kit.resolve(["other"], target=env))
    assert not (again.added or again.replaced or again.removed)


def test_module_level_functions(index, tmp_path, monkeypatch):
    monkeypatch.setattr("envkit.index.default.default_index_url", lambda: index.url)
    env = envkit.create(tmp_path / "e")
    envkit.install(env, ["lib"])
    assert envkit.freeze(env) == ("lib==2.0",)


@pytest.mark.parametrize(
    ("asked", "error", "cause"),
    [
        (["there-is-none"], envkit.ProjectNotFound, "there-is-none"),
        (["lib>=9"], envkit.NoCandidate, "lib>=9|lib >= 9"),
        (["future"], envkit.NoCandidate, r"3\.99"),
        (["windows"], envkit.NoCandidate, "win_amd64|platform|tag"),
        (["app>=2", "other"], envkit.ResolutionImpossible, "lib"),
        (["what is this"], envkit.RequirementError, "what is this"),
        (["lib", "lib[more]>=2", "lib<2"], envkit.ResolutionImpossible, "lib"),
    ],
)
def test_bad_input_has_its_own_error_and_changes_nothing(kit, env, asked, error, cause):
    before = _tree(env.root)
    with pytest.raises(error, match=cause):
        kit.install(env, asked)
    assert _tree(env.root) == before


def test_an_unreachable_index_is_a_transport_error(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    kit = envkit.Kit(indexes=(f"http://127.0.0.1:{port}/simple/",), cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "env")
    before = _tree(env.root)
    with pytest.raises(envkit.TransportError, match=str(port)):
        kit.install(env, ["lib"])
    assert _tree(env.root) == before


def test_a_missing_environment_is_a_venv_error(tmp_path):
    with pytest.raises(envkit.VenvError, match="nowhere"):
        envkit.Environment.open(tmp_path / "nowhere")


def test_no_index_means_none(tmp_path):
    kit = envkit.Kit(indexes=(), cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "env")
    with pytest.raises(envkit.ProjectNotFound):
        kit.install(env, ["lib"])


def test_offline_answers_from_the_cache_alone(index, tmp_path):
    online = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache")
    env = online.create(tmp_path / "env")
    online.install(env, ["app"])
    offline = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache", offline=True)
    twin = offline.create(tmp_path / "twin")
    offline.install(twin, ["app"])
    assert offline.freeze(twin) == online.freeze(env)
    with pytest.raises(envkit.IndexAccessError, match="other"):
        offline.install(twin, ["other"])


def test_cancelling_leaves_everything_as_it_was(index, tmp_path):
    token = envkit.CancelToken()

    def reporter(event):
        if isinstance(event, events.CandidatePinned):
            token.cancel()

    kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache", reporter=reporter, cancel=token)
    env = envkit.Kit(indexes=(), cache_dir=tmp_path / "cache").create(tmp_path / "env")
    before = _tree(env.root)
    with pytest.raises(envkit.Cancelled):
        kit.install(env, ["app"])
    assert _tree(env.root) == before


def test_events_tell_the_story(index, tmp_path):
    seen = []
    kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache", reporter=seen.append)
    env = kit.create(tmp_path / "env")
    kit.install(env, ["app"])
    kinds = {type(event).__name__ for event in seen}
    assert {"ProjectFetched", "CandidatePinned", "DownloadFinished", "WheelUnpacked", "WheelInstalled"} <= kinds
    assert all(event.operation for event in seen)


def test_the_process_is_left_alone(kit, env):
    before = (dict(os.environ), os.getcwd())
    kit.install(env, ["app"])
    assert (dict(os.environ), os.getcwd()) == before


def test_files_are_saved_as_they_are_or_as_wheels(kit, index, tmp_path):
    saved = kit.download(["app<2", "source-only"], tmp_path / "saved")
    assert sorted(path.name for path in saved) == [
        "app-1.0-py3-none-any.whl",
        "lib-2.0-py3-none-any.whl",
        "source_only-1.0.tar.gz",
    ]
    alone = envkit.Kit(indexes=(), find_links=(tmp_path / "saved",), cache_dir=tmp_path / "other")
    env = alone.create(tmp_path / "env")
    alone.install(env, ["app"])
    assert alone.freeze(env) == ("app==1.0", "lib==2.0")


def test_a_lock_is_read_back_and_synced(kit, env, tmp_path):
    lock = kit.lock(["app<2", "lib; sys_platform == 'win32'"], requires_python=">=3.9")
    path = tmp_path / "pylock.toml"
    path.write_text(lock.to_pylock())
    kit.install(env, ["other"])
    for wanted in (lock, path, lock.to_pylock(), str(path)):
        kit.sync(env, wanted)
        assert kit.freeze(env) == ("app==1.0", "lib==2.0")


def test_a_resolution_written_as_a_lock_gives_the_same_environment(kit, env):
    resolution = kit.resolve(["app"], target=env)
    kit.sync(env, resolution.to_pylock())
    assert kit.freeze(env) == ("app==2.0", "lib==2.0")


def test_outdated_and_show(kit, env):
    kit.install(env, ["app<2", "lib<1.5"])
    assert [(item.name, str(item.latest), item.kind) for item in kit.outdated(env)] == [
        ("app", "2.0", "wheel"),
        ("lib", "2.0", "wheel"),
    ]
    shown = kit.show(env, "app")
    assert shown is not None
    assert kit.show(env, "absent") is None
    assert [dist.name for dist in kit.list(env)] == ["app", "lib"]
    assert kit.check(env) == ()


def test_undo_returns_to_the_state_before(kit, env):
    kit.install(env, ["app<2"])
    kit.install(env, ["app"], upgrade=True)
    kit.undo(env)
    assert kit.freeze(env) == ("app==1.0", "lib==2.0")


def test_a_requirements_file_brings_its_options_constraints_and_hashes(index, tmp_path):
    from envkit.formats import requirements_txt

    limits = tmp_path / "limits.txt"
    limits.write_text("lib<2\n")
    wanted = tmp_path / "wanted.txt"
    wanted.write_text(f"--index-url {index.url}\n-c limits.txt\nlib\n")
    kit = envkit.Kit(indexes=(), cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "env")
    kit.install(env, requirements_txt.read_requirements(wanted))
    assert kit.freeze(env) == ("lib==1.5",)
    wanted.write_text(f"--index-url {index.url}\nlib==2.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(envkit.EnvkitError, match="hash"):
        kit.install(env, [requirements_txt.read_requirements(wanted)])
    assert kit.freeze(env) == ("lib==1.5",)


def test_work_goes_to_an_own_executor_which_stays_open(index, tmp_path):
    names = set()

    class Watched(ThreadPoolExecutor):
        def submit(self, task, /, *args, **kwargs):
            def run():
                names.add(threading.current_thread().name.partition("_")[0])
                return task(*args, **kwargs)

            return super().submit(run)

    with Watched(2, "mine") as executor:
        kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache", executor=executor)
        env = kit.create(tmp_path / "env")
        kit.install(env, ["app"])
        assert executor.submit(lambda: 1).result() == 1
    assert names == {"mine"}
    assert kit.freeze(env) == ("app==2.0", "lib==2.0")


def test_several_writers_at_once_all_get_their_way(index, tmp_path):
    kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "env")
    kit.resolve(["app", "lib", "extra-thing"], target=env)
    with ThreadPoolExecutor(6) as executor:
        list(executor.map(lambda name: kit.install(env, [name]), ["app", "lib", "extra-thing"] * 2))
    assert kit.freeze(env) == ("app==2.0", "extra-thing==0.1", "lib==2.0")
    with ThreadPoolExecutor(3) as executor:
        list(executor.map(lambda name: kit.uninstall(env, name), ["app", "lib", "extra-thing"]))
    assert kit.freeze(env) == ()


def test_a_kept_plan_still_fails_when_the_environment_changed(kit, env):
    plan = kit.plan(env, kit.resolve(["lib<2"], target=env))
    kit.install(env, ["extra-thing"])
    with pytest.raises(envkit.StalePlan):
        kit.apply(env, plan)
    assert kit.freeze(env) == ("extra-thing==0.1",)


def test_a_resolution_for_another_machine_is_refused(kit, env):
    windows = envkit.Target.for_python("3.11", platform="win_amd64")
    resolution = kit.resolve(["windows"], target=windows)
    for change in (kit.plan, kit.sync):
        with pytest.raises(envkit.InstallError, match="win_amd64"):
            change(env, resolution)
    portable = kit.resolve(["lib"], target=windows)
    kit.sync(env, portable)
    assert kit.freeze(env) == ("lib==2.0",)


@pytest.mark.parametrize(
    "make",
    [
        lambda: envkit.ResolutionPolicy(index_strategy="best"),
        lambda: envkit.ResolutionPolicy(prereleases="yes"),
        lambda: envkit.ResolutionPolicy(prereleases_by_project={"a": "yes"}),
        lambda: envkit.ResolutionPolicy(strategy="newest"),
        lambda: envkit.ResolutionPolicy(builds="nevr"),
        lambda: envkit.ResolutionPolicy(builds=[1]),
        lambda: envkit.BuildSettings(on_failure="boom"),
        lambda: envkit.BuildSettings(builds="nevr"),
        lambda: envkit.BuildSettings(timeout=0),
        lambda: envkit.Kit(link_mode="hard"),
        lambda: envkit.Kit(verify="sha"),
        lambda: envkit.Kit(atomic="swop"),
        lambda: envkit.Kit(keyring="always"),
    ],
)
def test_a_misspelt_option_is_refused(make):
    with pytest.raises(envkit.RequirementError):
        make()


def test_verify_repair_why_and_orphans(kit, env):
    kit.install(env, ["app<2", "extra-thing"])
    assert kit.verify(env) == ()
    module = next(path for path in env.root.rglob("lib.py"))
    module.unlink()
    assert [problem.kind for problem in kit.verify(env)] == ["missing"]
    kit.repair(env)
    assert kit.verify(env) == ()
    assert module.exists()
    assert kit.why(env, "lib")
    kit.uninstall(env, "app")
    assert kit.orphans(env) == ("lib",)


def test_swapping_whole_libraries_installs_the_same(index, tmp_path):
    kit = envkit.Kit(indexes=(index.url,), cache_dir=tmp_path / "cache", atomic="swap", durable=True)
    env = kit.create(tmp_path / "env")
    kit.install(env, ["app"])
    assert kit.freeze(env) == ("app==2.0", "lib==2.0")


def test_errors_and_events_are_reached_through_the_package():
    assert envkit.errors.EnvkitError is envkit.EnvkitError
    assert envkit.events.CancelToken is envkit.CancelToken
