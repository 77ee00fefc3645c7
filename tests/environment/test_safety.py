"""Creation by several at once, killed in the middle, over other things; clearing; repair."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from envkit.environment.builder import EnvBuilder
from envkit.environment.environment import Environment
from envkit.environment.rules import CLAIM
from envkit.errors import EnvkitError, VenvError
from envkit.host.gate import guarded
from envkit.interpreter.interpreter import Interpreter
from envkit.kit.parts import Parts
from envkit.kit.seeding import PoolSeeder
from envkit.kit.settings import Settings
from envkit.testing.wheels import make_wheel
from tests.environment.test_like_venv import tree
from tests.interpreter.machine import RECENT, SUPPORTED, VERSIONS

ROOT = str(Path(__file__).parents[2])
CREATE = """
import sys
sys.path.insert(0, {root!r})
from envkit.environment.builder import EnvBuilder
from envkit.errors import EnvkitError
try:
    made = EnvBuilder(symlinks=True, interpreter={python!r}).create({target!r})
except EnvkitError as error:
    print("refused", error.code)
else:
    print("made", made.interpreter.version)
"""


def start(target: Path, python: str) -> subprocess.Popen[str]:
    code = CREATE.format(root=ROOT, python=python, target=str(target))
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("attempt", range(3))
def test_processes_with_the_same_wish_all_get_the_same_environment(tmp_path, attempt):
    target = tmp_path / "env"
    running = [start(target, RECENT[0]) for _ in range(5)]
    answers = [process.communicate(timeout=300)[0].split()[0] for process in running]
    assert answers == ["made"] * 5
    EnvBuilder(symlinks=True, interpreter=RECENT[0]).create(tmp_path / "alone")
    assert tree(target).keys() == tree(tmp_path / "alone").keys()
    assert Environment.open(target)


def test_eight_processes_of_which_some_clear_leave_it_whole(tmp_path):
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from envkit.environment.builder import EnvBuilder\n"
        "made = EnvBuilder(symlinks=True, clear=sys.argv[3] == 'clear').create(sys.argv[2])\n"
        "print(made.path)\n"
    )
    target = tmp_path / "env"
    commands = [[sys.executable, "-c", code, ROOT, str(target), how] for how in ("clear", "keep") * 4]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    told = {process.communicate(timeout=240)[0] for process in running}
    assert [process.returncode for process in running] == [0] * 8
    assert told == {f"{target}\n"}
    EnvBuilder(symlinks=True).create(tmp_path / "alone")
    assert tree(target).keys() == tree(tmp_path / "alone").keys()
    assert Environment.open(target)


@pytest.mark.skipif(len(set(VERSIONS.values())) < 2, reason="there is one Python only")
@pytest.mark.parametrize("attempt", range(3))
def test_processes_with_different_wishes_never_make_a_mixture(tmp_path, attempt):
    target = tmp_path / "env"
    pythons = [RECENT[0], RECENT[1]]
    running = [start(target, pythons[number % 2]) for number in range(4)]
    answers = [process.communicate(timeout=300)[0].split() for process in running]
    made = {answer[1] for answer in answers if answer[0] == "made"}
    assert len(made) == 1
    assert {answer[1] for answer in answers if answer[0] == "refused"} == {"venv"}
    assert len(list((target / "lib").iterdir())) == 1
    assert Environment.open(target).interpreter.version == made.pop()


def test_threads_too(tmp_path):
    target = tmp_path / "env"
    made: list[object] = []

    def run() -> None:
        try:
            made.append(EnvBuilder(symlinks=True).create(target))
        except EnvkitError as error:
            made.append(error)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({item for item in made if isinstance(item, Environment)}) == 1
    assert not [item for item in made if not isinstance(item, Environment)]


def test_one_builder_serves_many_threads(tmp_path):
    """As `venv` has it, the builder's own option says false while pip is installed: no other thread may see that."""
    import copy
    import pickle
    import time

    class Slow(EnvBuilder):
        def _setup_pip(self, context):
            time.sleep(0.01)

    builder = Slow(symlinks=True, with_pip=True, system_site_packages=True)
    threads = [threading.Thread(target=builder.create, args=(tmp_path / f"env{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert builder.system_site_packages is True
    for number in range(8):
        assert Environment.open(tmp_path / f"env{number}").includes_system
    plain = EnvBuilder(symlinks=True, system_site_packages=True)
    plain.create(tmp_path / "before")
    for twin in (copy.copy(plain), copy.deepcopy(plain), pickle.loads(pickle.dumps(plain))):
        assert twin.create(tmp_path / "twin").includes_system


class Stop(BaseException):
    """Stands for the end of the process: nothing may handle it."""


def effects(tmp_path: Path) -> int:
    seen = []
    with guarded(lambda name, path: seen.append(name)):
        EnvBuilder(symlinks=True).create(tmp_path / "counted")
    return len(seen)


def test_cut_off_at_each_effect_it_is_recognised_and_completed(tmp_path):
    count = effects(tmp_path)
    whole = tree(tmp_path / "counted")
    assert count > 15
    for number in range(count):
        target = tmp_path / f"cut{number}"
        left = [number]

        def stop(name: str, path: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Stop

        with pytest.raises(Stop), guarded(stop):
            EnvBuilder(symlinks=True).create(target)
        if target.exists():
            with pytest.raises(VenvError) as caught:
                Environment.open(target)
            assert caught.value.context["problem"] in ("unfinished", "not-an-environment")
        EnvBuilder(symlinks=True).create(target)
        assert tree(target).keys() == whole.keys(), number
        assert Environment.open(target).interpreter.version


class OneWheel:
    """Seeds with a small wheel in place of the pip that it is asked for, through the real pool and installer."""

    def __init__(self, folder: Path) -> None:
        script = "def main():\n    print('pip works')\n"
        points = "[console_scripts]\npip = pip:main\npip3 = pip:main\n"
        self.wheel = make_wheel(folder, "pip", "99.0", files={"pip/__init__.py": script}, entry_points=points)
        self.real = PoolSeeder(lambda: Parts(Settings(cache_dir=str(folder / "cache"), indexes=(), offline=True)))

    def install_wheels(self, environment, wheels):
        self.real.install_wheels(environment, [str(self.wheel)])

    def install_latest(self, environment, names):
        self.install_wheels(environment, names)


def says(root: Path) -> str:
    environ = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # the trees are compared afterwards
    return subprocess.run([root / "bin" / "pip"], capture_output=True, text=True, check=True, env=environ).stdout


def outside_of_state(root: Path) -> set[str]:
    return {name for name in tree(root) if not name.startswith(".envkit/")}


@pytest.mark.parametrize("clear", [False, True])
def test_cut_off_at_each_effect_of_clearing_and_seeding_it_is_completed(tmp_path, clear):
    seeder = OneWheel(tmp_path)
    root = tmp_path / "env"
    EnvBuilder(symlinks=True, with_pip=True, seeder=seeder).create(root)
    whole = outside_of_state(root)
    for number in range(1000):
        left = [number]

        def stop(name: str, path: str, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] < 0:
                raise Stop

        if not clear:
            shutil.rmtree(root, ignore_errors=True)
        try:
            with guarded(stop):
                EnvBuilder(symlinks=True, with_pip=True, seeder=seeder, clear=clear).create(root)
        except Stop:
            pass
        else:
            break
        # the one that completes may be cut off as well, and again
        again = [number // 2]
        try:
            with guarded(lambda name, path, left=again: stop(name, path, left)):
                EnvBuilder(symlinks=True, with_pip=True, seeder=seeder).create(root)
        except Stop:
            pass
        made = EnvBuilder(symlinks=True, with_pip=True, seeder=seeder).create(root)
        assert {one.name for one in made.distributions()} == {"pip"}, number
        assert outside_of_state(root) == whole, number
        assert Environment.open(root)
        if number % 10 == 0:
            assert says(root) == "pip works\n", number
    assert 40 < number < 1000
    assert says(root) == "pip works\n"


def test_what_was_installed_before_a_killed_clear_is_gone_and_what_came_through_links_is_not(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    root = tmp_path / "env"
    made = EnvBuilder(symlinks=True).create(root)
    (Path(made.paths["purelib"]) / "stray.py").write_text("")
    (root / "link").symlink_to(outside)
    cut_off_clearing(root)
    EnvBuilder(symlinks=True).create(root)
    assert not (Path(made.paths["purelib"]) / "stray.py").exists()
    assert not (root / "link").is_symlink()
    assert (outside / "precious").exists()


def cut_off_clearing(root: Path) -> None:
    class Dying(EnvBuilder):
        def clear_directory(self, path):
            raise Stop

    with pytest.raises(Stop):
        Dying(symlinks=True, clear=True, force=True).create(root)


def test_a_note_of_clearing_that_came_from_elsewhere_removes_nothing(tmp_path):
    root = tmp_path / "env"
    EnvBuilder(symlinks=True).create(root)
    cut_off_clearing(root)
    project = tmp_path / "project"
    project.mkdir()
    (project / "precious").write_text("x")
    for text in ("clearing", (root / CLAIM).read_text(), f"1\nclearing {(root / CLAIM).stat().st_ino}\n"):
        (project / CLAIM).write_text(text)
        EnvBuilder(symlinks=True).create(project)
        assert (project / "precious").exists()


def test_a_creation_that_was_cut_off_keeps_what_is_installed(tmp_path):
    root = tmp_path / "env"
    made = EnvBuilder(symlinks=True).create(root)
    kept = Path(made.paths["purelib"]) / "kept.py"
    for text in ("", "1\n", "clearing\n"):
        kept.write_text("")
        (root / CLAIM).write_text(text)
        EnvBuilder(symlinks=True).create(root)
        assert kept.exists()


def test_an_environment_that_is_gone_has_no_distributions(tmp_path):
    made = EnvBuilder(symlinks=True).create(tmp_path / "env")
    opened = Environment.open(tmp_path / "env")
    assert made.distributions() == opened.distributions() == ()
    (tmp_path / "env" / "pyvenv.cfg").rename(tmp_path / "kept.cfg")
    for one in (made, opened):
        with pytest.raises(VenvError) as caught:
            one.distributions()
        assert caught.value.context["problem"] == "not-an-environment"
    (tmp_path / "kept.cfg").rename(tmp_path / "env" / "pyvenv.cfg")
    assert made.distributions() == ()
    (tmp_path / "env").rename(tmp_path / "other")
    for one in (made, opened):
        with pytest.raises(VenvError) as caught:
            one.distributions()
        assert caught.value.context["problem"] == "missing"
        assert str(tmp_path / "env") in str(caught.value)


def test_installations_have_distributions(tmp_path):
    from envkit.environment.recognise import check_there

    interpreter = Interpreter.current().base
    system = Environment.open(interpreter.executable)
    assert system.kind == "system"
    assert isinstance(system.distributions(), tuple)
    (tmp_path / "conda-meta").mkdir()
    check_there(str(tmp_path), "conda", interpreter.executable)
    (tmp_path / "conda-meta").rmdir()
    with pytest.raises(VenvError, match="any more"):
        check_there(str(tmp_path), "conda", interpreter.executable)


@pytest.mark.skipif(os.name != "posix", reason="signals")
def test_killed_for_real(tmp_path):
    code = (
        f"import os, signal, sys; sys.path.insert(0, {ROOT!r})\n"
        "from envkit.environment.builder import EnvBuilder\n"
        "class Dying(EnvBuilder):\n"
        "    def setup_scripts(self, context):\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Dying(symlinks=True).create(sys.argv[1])\n"
    )
    target = tmp_path / "env"
    done = subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(VenvError, match="was cut off"):
        Environment.open(target)
    EnvBuilder(symlinks=True).create(target)
    assert not (target / CLAIM).exists()
    assert Environment.open(target).config["home"]


def test_one_that_is_being_made_is_not_opened(tmp_path):
    class Slow(EnvBuilder):
        def post_setup(self, context):
            with pytest.raises(VenvError) as caught:
                Environment.open(context.env_dir)
            assert caught.value.context["problem"] == "being-made"
            assert str(os.getpid()) in str(caught.value)

    Slow(symlinks=True).create(tmp_path / "env")


def test_a_failing_hook_leaves_something_that_can_be_completed(tmp_path):
    class Failing(EnvBuilder):
        def post_setup(self, context):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        Failing(symlinks=True).create(tmp_path / "env")
    with pytest.raises(VenvError, match="cut off"):
        Environment.open(tmp_path / "env")
    assert EnvBuilder(symlinks=True).create(tmp_path / "env")


def test_clear_never_follows_a_link_out(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "precious").write_text("x")
    root = tmp_path / "env"
    EnvBuilder(symlinks=True).create(root)
    (root / "link").symlink_to(outside)
    (root / "lib" / "deep").symlink_to(outside)
    EnvBuilder(symlinks=True, clear=True).create(root)
    assert (outside / "precious").exists()
    assert not (root / "link").is_symlink()
    (tmp_path / "alias").symlink_to(outside)
    with pytest.raises(ValueError, match="Unable to create directory"):
        EnvBuilder(clear=True).create(tmp_path / "alias")
    assert (outside / "precious").exists()


@pytest.mark.parametrize("scripts", [False, True])
def test_nothing_is_written_through_a_link(tmp_path, scripts):
    """An environment that came from elsewhere may have links for files; completing it replaces them."""

    class Overridden(EnvBuilder):
        def install_scripts(self, context, path):
            return super().install_scripts(context, path)

    outside = tmp_path / "precious"
    outside.write_text("x")
    twin = tmp_path / "twin"
    twin.write_text("x")
    root = tmp_path / "env"
    builder = (Overridden if scripts else EnvBuilder)(symlinks=True, scm_ignore_files=["git"])
    builder.create(root)
    whole = tree(root)
    written = ("pyvenv.cfg", ".gitignore", "CACHEDIR.TAG", "bin/activate", "bin/activate.fish", "bin/Activate.ps1")
    for name in written:
        (root / name).unlink()
        (root / name).symlink_to(outside)
    (root / "bin" / "activate.csh").unlink()
    os.link(twin, root / "bin" / "activate.csh")
    builder.create(root)
    assert outside.read_text() == twin.read_text() == "x"
    assert tree(root) == whole


@pytest.mark.skipif(os.name != "posix", reason="signals")
@pytest.mark.parametrize("links", [True, False])
def test_killed_while_it_is_made_anew_nothing_is_left_over(tmp_path, links):
    """Over an environment files are replaced; a kill between the writing and the renaming leaves what comes next."""
    root = tmp_path / "env"
    EnvBuilder(symlinks=links).create(root)
    whole = tree(root)
    for name in ("bin/python3", "bin/python", "bin/activate", "pyvenv.cfg"):
        code = (
            "import os, signal, sys\n"
            "from envkit.environment.builder import EnvBuilder\n"
            "def replace(source, target, replace=os.replace):\n"
            "    if target == sys.argv[2]:\n"
            "        os.kill(os.getpid(), signal.SIGKILL)\n"
            "    replace(source, target)\n"
            "os.replace = replace\n"
            f"EnvBuilder(symlinks={links}).create(sys.argv[1])\n"
        )
        if "python" in name:
            (root / name).unlink()
            (root / name).symlink_to("elsewhere")
        command = [sys.executable, "-c", code, str(root), str(root / name)]
        done = subprocess.run(command, cwd=ROOT, check=False)
        assert done.returncode == -signal.SIGKILL, name
        assert tree(root) != whole, name
        EnvBuilder(symlinks=links).create(root)
        assert tree(root) == whole, name


def test_clear_empties_no_folder_that_is_not_an_environment(tmp_path):
    root = tmp_path / "project"
    root.mkdir()
    (root / "precious").write_text("x")
    with pytest.raises(VenvError, match="not cleared") as caught:
        EnvBuilder(clear=True).create(root)
    assert caught.value.hint
    assert (root / "precious").exists()
    assert not (root / CLAIM).exists()
    EnvBuilder(clear=True, force=True, symlinks=True).create(root)
    assert not (root / "precious").exists()
    (tmp_path / "empty").mkdir()
    assert EnvBuilder(clear=True, symlinks=True).create(tmp_path / "empty")


@pytest.mark.skipif(len(set(VERSIONS.values())) < 2, reason="there is one Python only")
def test_another_python_over_an_environment_is_refused_unless_cleared(tmp_path):
    EnvBuilder(symlinks=True, interpreter=SUPPORTED[0]).create(tmp_path / "env")
    before = tree(tmp_path / "env")
    with pytest.raises(VenvError, match="already"):
        EnvBuilder(symlinks=True, interpreter=SUPPORTED[1]).create(tmp_path / "env")
    assert tree(tmp_path / "env") == before
    made = EnvBuilder(symlinks=True, interpreter=SUPPORTED[1], clear=True).create(tmp_path / "env")
    assert made.interpreter.version == Environment.open(tmp_path / "env").interpreter.version


def test_a_broken_environment_is_diagnosed_and_repaired(tmp_path):
    root = tmp_path / "env"
    made = EnvBuilder(symlinks=True, system_site_packages=True, prompt="it's").create(root)
    (Path(made.paths["purelib"]) / "kept.py").write_text("x = 1\n")
    for name in ("python", "python3", *[path.name for path in (root / "bin").glob("python3.*")]):
        (root / "bin" / name).unlink(missing_ok=True)
        (root / "bin" / name).symlink_to("/nowhere/python")
    config = (root / "pyvenv.cfg").read_text()
    lines = ["home = /nowhere" if line.startswith("home") else line for line in config.splitlines()]
    (root / "pyvenv.cfg").write_text("\n".join(line for line in lines if not line.startswith("executable")))
    with pytest.raises(VenvError, match="gone") as caught:
        Environment.open(root)
    assert caught.value.context["problem"] == "interpreter-gone"
    repaired = EnvBuilder(symlinks=True).repair(root)
    assert (Path(repaired.paths["purelib"]) / "kept.py").exists()
    assert repaired.includes_system
    assert repaired.config["prompt"] == made.config["prompt"]
    assert Environment.open(root).run(["python", "-c", "import kept"]).returncode == 0


@pytest.mark.skipif(len(set(VERSIONS.values())) < 2, reason="there is one Python only")
def test_an_interpreter_that_changed_under_it_is_told(tmp_path):
    EnvBuilder(symlinks=True, interpreter=RECENT[0]).create(tmp_path / "env")
    for name in ("python", "python3"):
        (tmp_path / "env" / "bin" / name).unlink()
        (tmp_path / "env" / "bin" / name).symlink_to(RECENT[1])
    with pytest.raises(VenvError, match="was made for Python") as caught:
        Environment.open(tmp_path / "env")
    assert caught.value.context["problem"] == "interpreter-changed"
    with pytest.raises(VenvError, match="cannot be repaired"):
        EnvBuilder(symlinks=True, interpreter=RECENT[1]).repair(tmp_path / "env")
    EnvBuilder(symlinks=True, interpreter=RECENT[0]).repair(tmp_path / "env")
    assert Environment.open(tmp_path / "env")


def test_a_read_only_place_is_an_error_of_the_system(tmp_path):
    with pytest.raises(OSError, match=r"/proc|denied|No such file"):
        EnvBuilder().create("/proc/nowhere/env")


def test_a_name_with_a_line_end_adds_no_keys(tmp_path):
    root = tmp_path / "a\nhome = /evil\nx"
    made = EnvBuilder(symlinks=True).create(root)
    assert made.config["home"] != "/evil"
    assert made.run(["python", "-c", "import sys; assert sys.prefix != sys.base_prefix"]).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only here may names be any bytes")
@pytest.mark.parametrize("python", SUPPORTED)
def test_a_name_that_is_no_text_does_not_stop_python(tmp_path, python):
    made = EnvBuilder(symlinks=True, interpreter=python).create(tmp_path / os.fsdecode(b"caf\xe9 \xff"))
    assert made.run(["python", "-c", "import sys; assert sys.prefix != sys.base_prefix"]).returncode == 0


def test_a_refusal_leaves_no_trace_in_a_folder_of_others(tmp_path):
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "bin").write_text("mine")
    with pytest.raises(ValueError, match="Unable"):
        EnvBuilder().create(tmp_path / "project")
    assert not (tmp_path / "project" / CLAIM).exists()
    assert (tmp_path / "project" / "bin").read_text() == "mine"


@pytest.mark.parametrize("number", range(9))
def test_a_full_disk_leaves_something_that_can_be_completed_or_nothing(tmp_path, number):
    """A real full disk is like this, also for the first file and the first folder."""
    target = tmp_path / "env"
    left = [number]

    def fill(name, path):
        if name in ("mkdir", "write", "lock", "symlink"):
            left[0] -= 1
            if left[0] < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    with guarded(fill), pytest.raises(OSError, match="No space") as caught:
        EnvBuilder(symlinks=True).create(target)
    assert caught.value.errno == errno.ENOSPC
    with pytest.raises(VenvError) as told:
        Environment.open(target)
    assert told.value.context["problem"] == ("unfinished" if target.exists() else "missing")
    assert Environment.open(EnvBuilder(symlinks=True).create(target).path)


def test_a_file_system_without_links_has_copies_and_no_lib64(tmp_path, monkeypatch, caplog):
    def refuse(*_, **__):
        raise OSError(errno.ENODATA, os.strerror(errno.ENODATA))

    monkeypatch.setattr(os, "symlink", refuse)
    made = EnvBuilder(symlinks=True).create(tmp_path / "env")
    assert not (tmp_path / "env" / "lib64").exists()
    assert "cannot link" in caplog.text
    assert made.run(["python", "-c", "import sys; sys.exit(sys.prefix == sys.base_prefix)"]).returncode == 0


def test_an_empty_path_names_no_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="empty path"):
        EnvBuilder().create("")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_the_one_that_was_named_wherever_the_process_goes_meanwhile(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)

    class Wandering(EnvBuilder):
        def ensure_directories(self, env_dir):
            os.chdir(tmp_path / "elsewhere")
            return super().ensure_directories(env_dir)

    made = Wandering(symlinks=True).create("env")
    assert made.path == str(tmp_path / "env")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert Environment.open(tmp_path / "env")


def test_clearing_goes_on_from_inside_and_over_what_is_read_only(tmp_path, monkeypatch):
    target = tmp_path / "env"
    made = EnvBuilder(symlinks=True).create(target)
    (target / "bin" / "old").write_text("x")
    (target / "bin" / "old").chmod(0o400)
    monkeypatch.chdir(target / "lib")
    assert EnvBuilder(symlinks=True, clear=True).create(target) == made
    assert not (target / "bin" / "old").exists()


def test_file_systems_without_locks_still_serve(tmp_path, monkeypatch):
    import fcntl

    def refuse(*_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert EnvBuilder(symlinks=True).create(tmp_path / "env").config
    assert not (tmp_path / "env" / CLAIM).exists()
