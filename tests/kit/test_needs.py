"""What the readers of files give is taken as it is; a text that names a file is not taken for a project."""

from __future__ import annotations

import pytest

import envkit
from envkit.formats.pyproject import parse_pyproject
from envkit.formats.scripts import parse_script
from envkit.kit.wanted import gather
from envkit.testing.wheels import make_wheel

HERE = envkit.Interpreter.current()


@pytest.fixture
def kit(tmp_path):
    (tmp_path / "files").mkdir()
    for name in ("one", "reqs.txt", "other"):
        make_wheel(tmp_path / "files", name, "1.0")
    return envkit.Kit(indexes=(), find_links=tmp_path / "files", cache_dir=tmp_path / "cache")


PROJECT = '[project]\nname = "app"\nversion = "1"\ndependencies = ["one"]\nrequires-python = "{}"\n'
SCRIPT = '# /// script\n# dependencies = ["one"]\n# requires-python = "{}"\n# ///\n'


@pytest.mark.parametrize(("read", "text"), [(parse_pyproject, PROJECT), (parse_script, SCRIPT)])
def test_projects_and_scripts_are_asked_for_as_they_are_read(kit, read, text):
    for wish in (read(text.format(">=3.8")), [read(text.format(">=3.8"))]):
        assert list(kit.resolve(wish, target=HERE).pins) == ["one"]
    with pytest.raises(envkit.RequirementError, match=r"needs Python <3, and the target has 3\.") as caught:
        kit.resolve(read(text.format("<3")), target=HERE)
    assert caught.value.context["requires_python"] == "<3"


def test_a_project_that_only_a_build_can_tell_about_says_so(kit):
    with pytest.raises(envkit.RequirementError, match="only a build can tell"):
        kit.resolve(parse_pyproject('[project]\nname = "app"\ndynamic = ["version", "dependencies"]\n'), target=HERE)


@pytest.mark.parametrize(
    "text", ["reqs.txt", " REQS.TXT ", "one-1.0-py3-none-any.whl", "pyproject.toml", "requirements.in"]
)
def test_a_text_that_names_a_file_is_refused(kit, text):
    # on a public index such names are registered by people who wait for this mistake
    for call in (lambda: kit.resolve(text, target=HERE), lambda: kit.resolve("one", target=HERE, constraints=[text])):
        with pytest.raises(envkit.RequirementError, match="names a file") as caught:
            call()
        assert f"{text.strip()}>=0" in caught.value.hint


def test_a_project_with_such_a_name_can_still_be_had(kit):
    assert list(kit.resolve("reqs.txt>=0", target=HERE).pins) == ["reqs-txt"]


@pytest.mark.parametrize("text", ["zope.interface", "file.lock", "setup.py", "one.txt-tools"])
def test_other_names_with_dots_are_projects(text):
    assert gather(text).requirements == (text,)
