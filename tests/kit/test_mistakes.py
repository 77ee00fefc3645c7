"""Usual mistakes: each ends in an error of ours that names the place, the cause, and what would help."""

from __future__ import annotations

import json
import shutil
import socket

import pytest

import envkit
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import make_wheel, wheel_bytes
from envkit.wheels.pool import VERSION

HERE = envkit.Interpreter.current()


@pytest.fixture(scope="module")
def url():
    files = [wheel_bytes("requests", "2.0"), wheel_bytes("app", "1.0", requires=["reqeusts"])]
    with LoopbackIndex(dict(files)) as index:
        yield index.url


@pytest.fixture
def failing(tmp_path):
    """Give the error of a call, after looking at what holds for every error."""

    def fail(call, kind=envkit.EnvkitError):
        with pytest.raises(kind) as caught:
            call()
        error = caught.value
        assert isinstance(error, envkit.EnvkitError)
        assert error.code == json.loads(json.dumps(error.to_dict()))["code"]
        assert str(error) == error.message
        return error

    return fail


@pytest.fixture
def resolve(tmp_path, url):
    def run(*wanted, **options):
        given = {"indexes": url, "cache_dir": tmp_path / "cache", "retries": 0, **options}
        return envkit.Kit(**given).resolve(wanted, target=HERE)

    return run


def test_indexes_that_were_asked_in_vain_are_named(failing, resolve, url):
    error = failing(lambda: resolve("reqeusts"), envkit.ProjectNotFound)
    assert url in error.message
    assert error.hint == "did you mean requests?"
    error = failing(lambda: resolve("app"), envkit.ResolutionImpossible)
    assert "did you mean requests?" in error.hint
    error = failing(lambda: resolve("app", indexes=()), envkit.ProjectNotFound)
    assert "none was given" in error.message


def test_addresses_that_are_none(failing, resolve, tmp_path):
    error = failing(lambda: resolve("app", indexes="http://[bad"), envkit.TransportError)
    assert "http://[bad" in error.message
    error = failing(lambda: resolve("app", indexes="index.example/simple"), envkit.TransportError)
    assert "https://" in error.hint
    error = failing(lambda: resolve("app", indexes=(), find_links=tmp_path / "gone"), envkit.TransportError)
    assert str(tmp_path / "gone") in error.message


def test_a_server_that_is_not_there(failing, resolve):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = failing(lambda: resolve("app", indexes=f"http://127.0.0.1:{port}/simple/"), envkit.TransportError)
    assert f"port {port}" in error.message
    assert "offline=True" in error.hint


@pytest.mark.parametrize("answer", [42, ("only",), "password"])
def test_a_callback_for_credentials_that_gives_none(failing, resolve, answer):
    error = failing(lambda: resolve("app", credentials=lambda _: answer), envkit.TransportError)
    assert "credentials" in error.message


@pytest.fixture
def kit(tmp_path, url):
    return envkit.Kit(indexes=url, cache_dir=tmp_path / "cache", retries=0)


def test_places_where_no_environment_can_be_made(failing, kit, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    for path in (file, file / "below"):
        for create in (kit.create, envkit.create):
            assert str(path) in failing(lambda create=create, path=path: create(path), envkit.VenvError).message
    error = failing(lambda: kit.create(tmp_path / "env", activators=["bahs"]), envkit.VenvError)
    assert "bash" in error.message
    error = failing(lambda: kit.create(tmp_path / "env", python=3.12), envkit.InterpreterError)
    assert '"3.12"' in error.hint


def test_things_in_the_place_of_others(failing, kit, tmp_path):
    env = kit.create(tmp_path / "env")
    resolution = kit.resolve("requests", target=env)
    assert "plan(resolution)" in failing(lambda: kit.apply(env, resolution), envkit.InstallError).hint
    assert "NoneType" in failing(lambda: kit.apply(env, None), envkit.InstallError).message
    assert "Kit.resolve" in failing(lambda: kit.plan(env, ["requests"]), envkit.RequirementError).hint
    assert "Kit.resolve" in failing(lambda: kit.sync(env, ["requests"]), envkit.RequirementError).hint
    assert "for_python" in failing(lambda: kit.resolve("requests", target="3.12"), envkit.VenvError).hint
    assert "no such file" in failing(lambda: kit.sync(env, "requests==2.0"), envkit.LockError).message
    assert "is no file" in failing(lambda: kit.sync(env, tmp_path), envkit.LockError).message
    assert "shlex" in failing(lambda: env.run("python -V"), envkit.VenvError).hint


def test_an_index_of_a_form_that_there_is_not(failing):
    assert "'simple', 'flat'" in failing(lambda: envkit.Index("https://i.example/", format="json")).message
    assert envkit.Index("https://i.example/", projects="torch").projects == ("torch",)


def test_names_that_are_not_installed_are_told_with_likely_ones(failing, kit, tmp_path):
    env = kit.create(tmp_path / "env")
    kit.install(env, "requests")
    error = failing(lambda: kit.uninstall(env, "reqeusts"), envkit.InstallError)
    assert str(tmp_path / "env") in error.message
    assert error.hint == "did you mean requests?"


def test_an_environment_that_is_gone_or_lost_its_python(failing, kit, tmp_path):
    env = kit.create(tmp_path / "env")
    for name in ("python", "python3", f"python{HERE.version_info[0]}.{HERE.version_info[1]}"):
        (tmp_path / "env" / "bin" / name).unlink(missing_ok=True)
    error = failing(lambda: env.run(["python", "-V"]), envkit.VenvError)
    assert error.context["problem"] == "interpreter-gone"
    shutil.rmtree(tmp_path / "env")
    for call in (lambda: kit.uninstall(env, "requests"), lambda: kit.verify(env), lambda: kit.undo(env)):
        assert failing(call, envkit.VenvError).context["problem"] == "missing"
    assert not (tmp_path / "env").exists()
    with pytest.raises(FileNotFoundError):  # as `subprocess` says it
        kit.create(tmp_path / "env").run(["no-such-program"])


def test_versions_and_platforms_that_are_none(failing, kit):
    assert '">=3.9"' in failing(lambda: kit.lock("requests", requires_python="3.9"), envkit.RequirementError).hint
    error = failing(lambda: envkit.Target.for_python("3.12", platform="windoze"), envkit.InterpreterError)
    assert "windoze" in error.message


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("app=1.0", "== is meant"),
        ("app=>1.0", "the sign comes last"),
        ("app >= ", "no version"),
        ("app>=,<2", "no version"),
        ("", "leave it out"),
        ("app lib", "a list of texts"),
        ("app, lib>=1", "a list of texts"),
        ("app==1.0 lib", "a list of texts"),
        ("app\nlib", "a text of its own"),
        ("-r requirements.txt", "requirements_txt"),
        ("./project", "pathlib.Path"),
    ],
)
def test_requirements_that_are_none(failing, resolve, text, hint):
    error = failing(lambda: resolve(text), envkit.RequirementError)
    assert hint in error.hint
    assert repr(text) in error.message


def test_places_that_hold_no_project(failing, resolve, tmp_path):
    (tmp_path / "empty").mkdir()
    error = failing(lambda: resolve(tmp_path / "empty"), envkit.InvalidSource)
    assert error.message == f"{tmp_path / 'empty'} is no project: it has no pyproject.toml and no setup.py"
    (tmp_path / "requirements.txt").write_text("requests\n")
    for place in (tmp_path / "gone", tmp_path / "gone-1.0-py3-none-any.whl", envkit.Editable(tmp_path / "gone")):
        error = failing(lambda place=place: resolve(place), envkit.RequirementError)
        assert "no such f" in error.message
        assert str(tmp_path / "gone") in error.message
    error = failing(lambda: resolve(tmp_path / "requirements.txt"), envkit.RequirementError)
    assert "read_requirements" in error.hint
    policy = envkit.ResolutionPolicy(exclude_newer="yesterday")
    assert "2025-12-31" in failing(lambda: resolve("requests", policy=policy), envkit.RequirementError).hint


def test_caches_and_projects_that_cannot_be_read_or_written(failing, resolve, url, tmp_path):
    assert "without offline" in failing(lambda: resolve("requests", offline=True), envkit.TransportError).hint
    (tmp_path / "file").write_text("")
    kit = envkit.Kit(indexes=url, cache_dir=tmp_path / "file", unusable_cache="refuse")
    env = kit.create(tmp_path / "env")
    error = failing(lambda: kit.install(env, "requests"))
    assert str(tmp_path / "file") in error.message
    assert "folder" in error.hint
    kit.with_options(unusable_cache="temporary").install(env, "requests")
    kit = envkit.Kit(indexes=url, cache_dir=tmp_path / "cache")
    env = kit.create(tmp_path / "other")
    (tmp_path / "cache/files-v1").mkdir(parents=True, mode=0o700)
    (tmp_path / "cache/files-v1/=staging").write_text("")
    error = failing(lambda: kit.install(env, "requests"), envkit.TransportError)
    assert str(tmp_path / "cache") in error.message
    assert "folder" in error.hint
    (tmp_path / "pyproject.toml").write_text("[project\n")
    error = failing(lambda: resolve(tmp_path), envkit.InvalidSource)
    assert str(tmp_path / "pyproject.toml") in error.message
    assert "line 1" in error.message


def test_a_cache_of_wheels_that_cannot_be_written(failing, tmp_path):
    wheel = make_wheel(tmp_path, "app", "1.0")
    kit = envkit.Kit(indexes=(), find_links=(tmp_path,), cache_dir=tmp_path / "cache")
    pool = tmp_path / f"cache/wheels-v{VERSION}"
    pool.mkdir(parents=True, mode=0o700)
    (pool / "=staging").write_text("")
    env = kit.create(tmp_path / "env")
    error = failing(lambda: kit.install(env, "app"), envkit.InstallError)
    assert wheel.name in error.message
    assert str(pool) in error.hint
    assert "cache_dir" in error.hint
    assert kit.list(env) == ()


@pytest.mark.parametrize("name", [None, 3, b"requests", ["requests"], ("requests",)])
def test_what_is_no_name(failing, kit, tmp_path, name):
    env = kit.create(tmp_path / "env")
    freezer = envkit.Freezer(env)
    for call in (kit.show, kit.why):
        error = failing(lambda call=call: call(env, name), envkit.RequirementError)
        assert error.message == f"name: one text is needed here, not {type(name).__name__}"
        assert error.context["option"] == "name"
    for look in (freezer.show, freezer.why, lambda name: freezer.read_file(name, "x.py")):
        failing(lambda look=look: look(name), envkit.RequirementError)


def test_names_that_hold_none(failing, kit, tmp_path):
    env = kit.create(tmp_path / "env")
    for call in (
        lambda: kit.freeze(env, exclude=[3]),
        lambda: kit.freeze(env, requirements=[3]),
        lambda: kit.tree(env, [None]),
        lambda: kit.orphans(env, [b"x"]),
        lambda: kit.outdated(env, exclude=3),
        lambda: kit.install(env, "requests", upgrade=[3]),
        lambda: kit.install(env, "requests", reinstall=3),
        lambda: kit.install(env, "requests", upgrade_strategy="always"),
        lambda: kit.uninstall(env, [3]),
    ):
        failing(call, envkit.RequirementError)
    assert kit.list(env) == ()


def test_an_option_that_there_is_not_is_refused_before_any_work(tmp_path):
    """The index is asked nothing, and the environment is not looked at."""
    events = []
    with LoopbackIndex(dict([wheel_bytes("requests", "2.0")])) as index:
        kit = envkit.Kit(indexes=index.url, cache_dir=tmp_path / "cache", reporter=events.append)
        env = kit.create(tmp_path / "env")
        resolution = kit.resolve("requests", target=env)
        asked = index.count()
        events.clear()
        for call in (
            lambda: kit.install(env, "requests", unknown=1),
            lambda: kit.install(env, "requests", mode="sync"),
            lambda: kit.sync(env, resolution, unknown=1),
            lambda: kit.plan(env, resolution, unknown=1),
            lambda: kit.lock("requests", unknown=1),
            lambda: kit.uninstall(env, "requests", unknown=1),
            lambda: kit.outdated(env, unknown=1),
        ):
            with pytest.raises(TypeError, match=r"unknown|mode"):
                call()
        assert index.count() == asked
    assert events == []
    assert kit.list(env) == ()
