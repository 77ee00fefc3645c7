"""From sources to installed distributions, with envkit's own resolver and installer inside the builds."""

import dataclasses
import json
import os
import subprocess

import pytest

from envkit.cache import Cache
from envkit.environment.builder import EnvBuilder
from envkit.errors import BuildForbidden, EnvkitError, ResolutionError, ResolutionImpossible, WheelBuildError
from envkit.index.client import IndexClient
from envkit.installation.installer import Installer
from envkit.interpreter.interpreter import Interpreter
from envkit.kit.builds import Builds, Workshop
from envkit.kit.source import IndexSource
from envkit.kit.supply import PoolSupply
from envkit.model.editable import Editable
from envkit.model.policy import ResolutionPolicy
from envkit.model.target import Target
from envkit.resolve.resolver import Resolver
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import make_sdist, make_wheel
from envkit.wheels.pool import WheelPool
from envkit.wheels.settings import BuildSettings
from tests.wheels.doubles import BACKEND, PREPARE, sdist_of, write_project

TABLE = '[build-system]\nrequires = ["toolkit{limit}"]\nbuild-backend = "toolkit"\n'


def tool_sdist(folder, facts, limit="", **more):
    """An sdist whose backend is in the distribution "toolkit"."""
    files = {
        "pyproject.toml": TABLE.format(limit=limit),
        "facts.json": json.dumps(facts),
        "module.py": "value = 1\n",
        **more,
    }
    return make_sdist(
        folder, facts["name"], facts["version"], files=files, metadata_version="2.1", requires=facts.get("requires", ())
    )


def toolkit(folder, version="1.0", **options):
    return make_wheel(
        folder, "toolkit", version, files={"toolkit.py": BACKEND + PREPARE + f"\nVERSION = {version!r}\n"}, **options
    )


class World:
    def __init__(self, tmp_path, *, policy=None, index=None, **settings):
        self.tmp_path = tmp_path
        self.events = []
        self.ran_file = tmp_path / "ran.txt"
        settings.setdefault("variables", {"BUILD_LOG": str(self.ran_file)})
        self.cache = Cache(tmp_path / "cache")
        self.folder = tmp_path / "links" if index is None else index
        self.folder.mkdir(exist_ok=True)
        self.client = IndexClient((), find_links=(str(self.folder),), cache=self.cache)
        self.policy = policy or ResolutionPolicy()
        self.workshop = Workshop(
            client=self.client,
            cache=self.cache,
            pool=WheelPool(self.cache.bucket("wheels", 1).root),
            interpreter=Interpreter.current().base,
            settings=BuildSettings(builds=self.policy.builds, **settings),
            policy=self.policy,
            environ={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"},
            reporter=self.events.append,
        )
        self.builds = Builds(self.workshop)

    def resolve(self, *requirements):
        source = IndexSource(self.client, self.cache.bucket("digests", 1), self.builds)
        target = Target.of(self.workshop.interpreter)
        return Resolver(target, source, self.policy, reporter=self.events.append).resolve(requirements)

    def env(self):
        folder = self.tmp_path / "env"
        return EnvBuilder(interpreter=self.workshop.interpreter, symlinks=True).create(folder)

    def installer(self, env):
        return Installer(env, PoolSupply(self.client, self.workshop.pool, build=self.builds.wheel_for))

    def install(self, env, *requirements):
        installer = self.installer(env)
        return installer.apply(installer.plan(self.resolve(*requirements)))

    def ran(self):
        return self.ran_file.read_text().split() if self.ran_file.exists() else []

    def seen(self, kind):
        return [event for event in self.events if type(event).__name__ == kind]


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    toolkit(made.folder)
    yield made
    made.builds.close()
    made.client.close()


def run(env, code):
    done = subprocess.run([str(env.executable), "-I", "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def direct_url(env, name):
    found = {dist.name: dist for dist in env.distributions()}
    return found[name].direct_url


def files_of(env):
    """All but bytecode that Python wrote, and what the installer keeps to undo its last operation."""
    found = [path.relative_to(env.root) for path in env.root.rglob("*")]
    return sorted(str(path) for path in found if not {"__pycache__", ".envkit"} & set(path.parts))


def test_an_sdist_becomes_an_installed_distribution(world):
    make_wheel(world.folder, "other", "2.0")
    tool_sdist(world.folder, {"name": "demo", "version": "1.0", "requires": ["other>=2"]})
    env = world.env()
    world.install(env, "demo")
    assert run(env, "import demo, other; print(demo.value, other.__version__)") == "1 2.0"
    assert world.ran() == ["requires", "metadata", "wheel"]
    assert direct_url(env, "demo") is None
    assert not list((world.tmp_path / "cache").glob("build-environments-v1/=staging/*"))


def test_the_environment_holds_the_build_requirements_and_nothing_else(world):
    make_wheel(world.folder, "extra-tool", "3.0", requires=["deep"])
    make_wheel(world.folder, "deep", "1.0")
    look = "import importlib.metadata as m; print('HAS', sorted(d.name for d in m.distributions()))"
    tool_sdist(world.folder, {"name": "demo", "version": "1.0", "dynamic": ["extra-tool"], "run": look})
    world.builds.build(world.resolve("demo").pins["demo"])
    lines = [event.line for event in world.seen("BuildOutput") if event.line.startswith("HAS")]
    assert lines == ["HAS ['deep', 'extra-tool', 'toolkit']"]


def test_build_constraints_hold_for_build_requirements_alone(tmp_path):
    world = World(tmp_path, constraints=("toolkit<2",))
    toolkit(world.folder, "1.0")
    toolkit(world.folder, "2.0")
    show = "import toolkit; print('VERSION', toolkit.VERSION)"
    tool_sdist(world.folder, {"name": "demo", "version": "1.0", "run": show, "requires": ["toolkit>=2"]})
    env = world.env()
    world.install(env, "demo")
    assert any(event.line == "VERSION 1.0" for event in world.seen("BuildOutput"))
    assert run(env, "import toolkit; print(toolkit.VERSION)") == "2.0"


def test_what_is_said_of_installed_files_does_not_hold_for_build_requirements(tmp_path):
    world = World(tmp_path, policy=ResolutionPolicy(strategy="lowest", requires_python=">=3.8", excluded=("toolkit",)))
    toolkit(world.folder, "1.0")
    toolkit(world.folder, "2.0")
    show = "import toolkit; print('VERSION', toolkit.VERSION)"
    tool_sdist(world.folder, {"name": "demo", "version": "1.0", "run": show})
    world.builds.build(world.resolve("demo").pins["demo"])
    assert any(event.line == "VERSION 2.0" for event in world.seen("BuildOutput"))


def test_extra_build_requirements_by_project(tmp_path):
    world = World(tmp_path, extra_requirements={"Demo": ("forgotten",)})
    toolkit(world.folder)
    make_wheel(world.folder, "forgotten", "1.0")
    tool_sdist(world.folder, {"name": "demo", "version": "1.0", "run": "import forgotten"})
    world.builds.build(world.resolve("demo").pins["demo"])


def test_a_built_wheel_is_used_again_until_its_requirements_resolve_otherwise(tmp_path):
    first = World(tmp_path)
    toolkit(first.folder)
    tool_sdist(first.folder, {"name": "demo", "version": "1.0"})
    first.builds.build(first.resolve("demo").pins["demo"])
    count = len(first.ran())
    second = World(tmp_path)
    assert second.builds.build(second.resolve("demo").pins["demo"]).from_cache
    assert len(second.ran()) == count
    toolkit(first.folder, "1.1")
    third = World(tmp_path)
    assert not third.builds.build(third.resolve("demo").pins["demo"]).from_cache


def test_environments_of_one_interpreter_share_what_was_built(tmp_path):
    for name in ("one", "two"):
        world = World(tmp_path)
        toolkit(world.folder)
        tool_sdist(world.folder, {"name": "demo", "version": "1.0"})
        env = EnvBuilder(symlinks=True).create(tmp_path / name)
        world.workshop = dataclasses.replace(world.workshop, interpreter=env.interpreter)
        world.builds = Builds(world.workshop)
        world.builds.build(world.resolve("demo").pins["demo"])
    assert world.ran().count("wheel") == 1


def test_a_build_requirement_that_is_an_sdist_is_built_first(world):
    (world.folder / "toolkit-1.0-py3-none-any.whl").unlink()
    sdist_of(world.folder, {"name": "toolkit", "version": "1.0"}, module=BACKEND + PREPARE)
    tool_sdist(world.folder, {"name": "demo", "version": "1.0"})
    env = world.env()
    world.install(env, "demo")
    assert run(env, "import demo; print(demo.value)") == "1"
    built = [event.subject for event in world.seen("BuildStarted") if event.what == "wheel"]
    assert built == ["toolkit 1.0", "demo 1.0"]


def test_circles_of_build_requirements_are_named(world):
    table = '[build-system]\nrequires = ["{}"]\nbuild-backend = "x"\n'
    for name, other in (("first", "second"), ("second", "third"), ("third", "first")):
        make_sdist(world.folder, name, "1.0", files={"pyproject.toml": table.format(other)}, metadata_version="2.1")
    with pytest.raises(EnvkitError) as caught:
        world.resolve("first")
    failures = list(world.builds.failures.values())
    assert "cyclic build requirements: first 1.0 -> second 1.0 -> third 1.0 -> first 1.0" in str(failures[0])
    assert caught.value is not None


def failing(folder):
    for version in ("4.0", "3.0", "2.0"):
        tool_sdist(folder, {"name": "demo", "version": version}, **{"facts.json": f"broken {version}"})
    tool_sdist(folder, {"name": "demo", "version": "1.0"})


def test_versions_that_fail_to_build_are_passed_over_and_their_errors_kept(world):
    failing(world.folder)
    resolution = world.resolve("demo")
    assert str(resolution.pins["demo"].version) == "1.0"
    assert list(world.builds.failures) == ["demo 4.0", "demo 3.0", "demo 2.0"]
    for version, error in zip(("4.0", "3.0", "2.0"), world.builds.failures.values(), strict=True):
        assert isinstance(error, WheelBuildError)
        assert version in error.message
        assert "JSONDecodeError" in error.output
        assert error.returncode == 1
    skipped = {event.version: event.reason for event in world.seen("CandidateSkipped")}
    assert set(skipped) == {"4.0", "3.0", "2.0"}


def test_or_end_the_resolution_where_that_is_asked_for(tmp_path):
    world = World(tmp_path, on_failure="raise")
    toolkit(world.folder)
    failing(world.folder)
    with pytest.raises(ResolutionError, match=r"demo 4\.0 could not be built") as caught:
        world.resolve("demo")
    assert isinstance(caught.value.__cause__, WheelBuildError)


def test_after_so_many_failed_versions_the_resolution_ends(tmp_path):
    world = World(tmp_path, policy=ResolutionPolicy(max_failed_builds=3))
    toolkit(world.folder)
    failing(world.folder)
    for _ in range(2):
        with pytest.raises(
            ResolutionError, match=r"3 versions of demo could not be built \(4\.0, 3\.0, 2\.0\)"
        ) as caught:
            world.resolve("demo")
    assert str(world.resolve("demo<3").pins["demo"].version) == "1.0"
    assert not isinstance(caught.value, ResolutionImpossible)
    assert caught.value.context["failed"] == ("4.0", "3.0", "2.0")
    assert "max_failed_builds" in caught.value.hint
    assert isinstance(caught.value.__cause__, WheelBuildError)
    assert str(World(tmp_path / "more", index=world.folder).resolve("demo").pins["demo"].version) == "1.0"


def test_what_must_not_be_built_is_no_failed_build(tmp_path):
    world = World(tmp_path, policy=ResolutionPolicy(builds="never", max_failed_builds=1))
    toolkit(world.folder)
    failing(world.folder)
    make_wheel(world.folder, "demo", "0.5")
    assert str(world.resolve("demo").pins["demo"].version) == "0.5"


@pytest.mark.parametrize(("limit", "said"), [(">7", "toolkit>7"), ("kit", "toolkitkit")])
def test_build_requirements_that_cannot_be_had_name_who_has_them(world, limit, said):
    tool_sdist(world.folder, {"name": "demo", "version": "2.0"}, limit=limit)
    make_wheel(world.folder, "other", "1.0", requires=["demo"])
    with pytest.raises(ResolutionError) as caught:
        world.resolve("other")
    assert "demo 2.0: its build requirements cannot be had: " in caught.value.message
    assert said in caught.value.message
    make_wheel(world.folder, "demo", "1.0")
    world.client = IndexClient((), find_links=(str(world.folder),), cache=world.cache)
    assert str(world.resolve("other").pins["demo"].version) == "1.0"


def test_never_runs_nothing_anywhere(tmp_path):
    world = World(tmp_path, policy=ResolutionPolicy(builds="never"))
    toolkit(world.folder)
    sdist = tool_sdist(world.folder, {"name": "demo", "version": "1.0"})
    folder = write_project(tmp_path / "folder", {"name": "local", "version": "1"})
    static = make_sdist(tmp_path, "static", "1.0")
    with pytest.raises(EnvkitError):
        world.resolve("demo")
    for requirement in (f"demo @ {sdist.as_uri()}", folder, Editable(folder)):
        with pytest.raises(BuildForbidden):
            world.resolve(requirement)
    resolution = world.resolve(f"static @ {static.as_uri()}")  # what promises its metadata resolves
    installer = world.installer(world.env())
    with pytest.raises(BuildForbidden):
        installer.apply(installer.plan(resolution))
    assert world.ran() == []
    assert world.seen("BuildStarted") == []


def test_direct_references_of_every_kind(world):
    tmp_path = world.tmp_path
    wheel = make_wheel(tmp_path, "whl", "1.0")
    archive = tool_sdist(tmp_path, {"name": "archive", "version": "1.0"})
    folder = write_project(tmp_path / "folder", {"name": "folder-project", "version": "1.0"})
    repository = write_project(tmp_path / "repository", {"name": "checked-out", "version": "1.0"})
    commit(world, repository)
    env = world.env()
    before = files_of(env)
    world.install(env, wheel, f"archive @ {archive.as_uri()}", folder, f"checked-out @ git+{repository.as_uri()}")
    assert run(env, "import whl, archive, folder_project, checked_out; print(checked_out.value)") == "1"
    assert direct_url(env, "whl")["url"] == wheel.as_uri()
    assert set(direct_url(env, "archive")["archive_info"]["hashes"]) == {"sha256"}
    assert direct_url(env, "folder-project") == {"url": folder.as_uri(), "dir_info": {}}
    assert direct_url(env, "checked-out")["vcs_info"]["vcs"] == "git"
    world.installer(env).uninstall(["whl", "archive", "folder-project", "checked-out"])
    assert files_of(env) == before


def test_credentials_of_a_url_are_used_and_told_nowhere(world):
    wheel = make_wheel(world.tmp_path, "whl", "1.0")
    sdist = tool_sdist(world.tmp_path, {"name": "archive", "version": "1.0"})
    files = {path.name: path.read_bytes() for path in (wheel, sdist)}
    env = world.env()
    with LoopbackIndex(files, login=("user", "secret")) as index:
        root = index.root.replace("://", "://user:secret@")
        names = {"whl": wheel.name, "archive": sdist.name}
        urls = [f"{name} @ {root}/files/{filename}" for name, filename in names.items()]
        clean = {name: f"{index.root}/files/{filename}" for name, filename in names.items()}
        resolution = world.resolve(*urls)
        installer = world.installer(env)
        installer.apply(installer.plan(resolution))
    assert "secret" not in json.dumps(resolution.to_dict())
    assert "secret" not in repr(world.events)
    for name, url in clean.items():
        assert direct_url(env, name)["url"] == url


def test_an_editable_project_follows_its_sources_and_leaves_no_trace(world):
    folder = write_project(world.tmp_path / "folder", {"name": "demo", "version": "1.0"})
    (folder / "demo.py").write_text("value = 1\n")
    env = world.env()
    before = files_of(env)
    world.install(env, Editable(folder))
    assert run(env, "import demo; print(demo.value)") == "1"
    (folder / "demo.py").write_text("value = 20\n")
    assert run(env, "import demo; print(demo.value)") == "20"
    assert direct_url(env, "demo") == {"url": folder.as_uri(), "dir_info": {"editable": True}}
    assert next(dist for dist in env.distributions() if dist.name == "demo").editable
    world.installer(env).uninstall(["demo"])
    assert files_of(env) == before


def commit(world, folder):
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=a", "-c", "user.email=a@x.example", "commit", "-qm", "1"],
    ):
        subprocess.run(["git", *command], cwd=folder, env=world.workshop.environ, check=True)


def test_an_editable_from_git_is_cloned_into_the_environment(world):
    repository = write_project(world.tmp_path / "project.git", {"name": "demo", "version": "1.0"})
    (repository / "demo.py").write_text("value = 1\n")
    commit(world, repository)
    env = world.env()
    world.workshop = dataclasses.replace(world.workshop, interpreter=env.interpreter)
    world.builds = Builds(world.workshop)
    world.install(env, Editable(f"git+{repository.as_uri()}"))
    clone = env.root / "src" / "project"
    assert direct_url(env, "demo") == {"url": clone.as_uri(), "dir_info": {"editable": True}}
    (clone / "demo.py").write_text("value = 2\n")
    assert run(env, "import demo; print(demo.value)") == "2"


def test_editables_from_two_repositories_of_one_name_live_side_by_side(world):
    names = ("one", "two")
    for name in names:
        repository = write_project(world.tmp_path / name / "lib", {"name": name, "version": "1.0"})
        commit(world, repository)
    env = world.env()
    world.workshop = dataclasses.replace(world.workshop, interpreter=env.interpreter)
    world.builds = Builds(world.workshop)
    world.install(env, *(Editable(f"git+file://{world.tmp_path}/{name}/lib#egg={name}") for name in names))
    for name in names:
        assert direct_url(env, name)["url"] == (env.root / "src" / name).as_uri()


def test_an_unchanged_folder_is_not_built_again(world):
    folder = write_project(world.tmp_path / "folder", {"name": "demo", "version": "1.0"})
    pin = world.resolve(folder).pins["demo"]
    world.builds.build(pin)
    count = len(world.ran())
    assert world.builds.build(world.resolve(folder).pins["demo"]).from_cache
    assert len(world.ran()) == count
    (folder / "module.py").write_text("value = 2\n")
    assert not world.builds.build(world.resolve(folder).pins["demo"]).from_cache


def test_a_direct_reference_to_another_project_is_refused(world):
    path = make_sdist(world.tmp_path, "demo", "1.0")
    with pytest.raises(EnvkitError, match="demo"):
        world.resolve(f"other @ {path.as_uri()}")


def test_without_isolation_the_interpreter_of_the_target_runs_the_build(tmp_path):
    world = World(tmp_path, isolation=False)
    show = "print('RUNS', sys.executable)"
    sdist_of(world.folder, {"name": "demo", "version": "1.0", "run": show}, requires=["never-installed"])
    world.builds.build(world.resolve("demo").pins["demo"])
    assert any(event.line == f"RUNS {world.workshop.interpreter.executable}" for event in world.seen("BuildOutput"))


def test_many_builds_at_once(world):
    from concurrent.futures import ThreadPoolExecutor

    for number in range(6):
        tool_sdist(world.folder, {"name": f"demo{number}", "version": "1.0"})
    pins = world.resolve(*[f"demo{number}" for number in range(6)]).pins
    with ThreadPoolExecutor(6) as executor:
        found = list(executor.map(world.builds.build, pins.values()))
    assert sorted(wheel.metadata.name for wheel in found) == [f"demo{number}" for number in range(6)]


def test_a_wheel_of_another_platform_does_not_speak_for_an_sdist(world):
    """It may need other things than what is built here."""
    make_wheel(world.folder, "there", "1.0")
    make_wheel(world.folder, "here", "1.0")
    make_wheel(world.folder, "demo", "1.0", tag="py3-none-zos_1_s390x", requires=["there"])
    sdist_of(world.folder, {"name": "demo", "version": "1.0", "requires": ["here"]})
    assert set(world.resolve("demo").pins) == {"demo", "here"}
