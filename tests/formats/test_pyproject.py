"""Projects and their groups; the reference implementation of dependency groups is the oracle."""

from __future__ import annotations

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from packaging.dependency_groups import resolve_dependency_groups

from envkit.errors import RequirementError
from envkit.formats.pyproject import parse_pyproject, read_pyproject

TEXT = """
[project]
name = "My.Project"
version = "1.2"
requires-python = ">=3.9"
dependencies = ["requests[socks]>=2", "tomli ; python_version < '3.11'"]
[project.optional-dependencies]
Dev_Tools = ["pytest>=8"]
all = ["my-project[dev-tools,docs]"]
docs = ["sphinx @ https://files.example/sphinx.zip"]
[dependency-groups]
test = ["pytest", {include-group = "Typing"}]
typing = ["mypy"]
[build-system]
requires = ["flit_core"]
"""


def _texts(entries):
    return [entry.requirement for entry in entries]


def test_reads_everything():
    found = parse_pyproject(TEXT)
    assert (found.name, found.version, found.requires_python, found.static) == ("my-project", "1.2", ">=3.9", True)
    assert _texts(found.dependencies) == ["requests[socks]>=2", 'tomli; python_version < "3.11"']
    assert _texts(found.requirements(extras=["all"], project=False)) == [
        "pytest>=8",
        "sphinx @ https://files.example/sphinx.zip",
    ]
    assert _texts(found.groups["test"]) == ["pytest", "mypy"]
    assert _texts(found.requirements(groups=["TEST"]))[2:] == ["pytest", "mypy"]
    assert found.build_requires == ("flit_core",)


def test_a_folder_serves_and_a_value_survives_writing(tmp_path):
    (tmp_path / "pyproject.toml").write_text(TEXT)
    found = read_pyproject(tmp_path)
    assert type(found).from_dict(found.to_dict()) == type(found).from_dict(found.to_dict())
    assert found.to_dict()["extras"]["dev-tools"][0]["name"] == "pytest"


def test_without_a_project_only_a_build_can_tell():
    for text in ("[build-system]\nrequires=[]\n", "[project]\nname='x'\ndynamic=['dependencies']\n"):
        found = parse_pyproject(text)
        assert not found.static
        with pytest.raises(RequirementError, match="only a build"):
            found.requirements()


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[project", "not TOML"),
        ("[project]\nversion='1'", "project.name"),
        ("project = 1", "not a table"),
        ("[project]\nname='x'\ndependencies='y'", "project.dependencies"),
        ("[project]\nname='x'\ndependencies=['y', '=z']", r"project.dependencies\[1\]"),
        ("[project]\nname='x'\ndependencies=['https://files.example/a.zip']", "needs a name"),
        ("[project]\nname='x'\nrequires-python='nope'", "requires-python"),
        ("[project]\nname='x'\n[project.optional-dependencies]\na-b=[]\na_b=[]", "same normalized"),
        ("[dependency-groups]\na=[{include-group='b'}]", "no group 'b'"),
        ("[dependency-groups]\na=[{include-group='a'}]", "include each other"),
        ("[dependency-groups]\na=[{include-group='b'}]\nb=[{include-group='a'}]", "include each other"),
        ("[dependency-groups]\na=[{include-group='b', x=1}]\nb=[]", "neither"),
        ("[dependency-groups]\na=[1]", "neither"),
        ("[dependency-groups]\na='x'", "not a list"),
        ("[dependency-groups]\na-b=[]\na_b=[]", "same name"),
        ("a=" + "[" * 2000 + "]" * 2000, "too deep"),
    ],
)
def test_errors_name_the_place(text, part):
    with pytest.raises(RequirementError, match=part) as caught:
        parse_pyproject(text)
    assert caught.value.file == "pyproject.toml"


def test_groups_that_double_stay_bounded():
    groups = {f"g{n}": [{"include-group": f"g{n + 1}"}, {"include-group": f"g{n + 1}"}] for n in range(60)}
    groups["g60"] = ["x"]
    with pytest.raises(RequirementError, match="more than"):
        parse_pyproject(tomli_w.dumps({"dependency-groups": groups}))


_ITEMS = st.one_of(
    st.sampled_from(["a", "b>=1", "c[x]; python_version>'3'", "not valid!", "A_b"]),
    st.sampled_from(["a", "B", "c", "zz"]).map(lambda name: {"include-group": name}),
)


@given(st.dictionaries(st.sampled_from(["a", "b", "C", "d-e", "d_e"]), st.lists(_ITEMS, max_size=4), max_size=4))
def test_groups_equal_the_reference(groups):
    try:
        expected = {name: list(resolve_dependency_groups(groups, name)) for name in groups}
    except (Exception, ExceptionGroup):  # noqa: BLE001  whatever the reference refuses
        with pytest.raises(RequirementError):
            parse_pyproject(tomli_w.dumps({"dependency-groups": groups}))
        return
    found = parse_pyproject(tomli_w.dumps({"dependency-groups": groups}))
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    for name, texts in expected.items():
        ours = [str(Requirement(text)) for text in _texts(found.groups[canonicalize_name(name)])]
        assert [text.lower().replace("_", "-") for text in ours] == [t.lower().replace("_", "-") for t in texts]


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text):
    try:
        parse_pyproject(text)
    except RequirementError:
        pass


def test_a_project_of_old_is_one_that_has_to_be_built(tmp_path):
    with pytest.raises(RequirementError, match="could not open"):
        read_pyproject(tmp_path)
    (tmp_path / "setup.cfg").write_text("[metadata]\nname = old\n")
    found = read_pyproject(tmp_path)
    assert (found.name, found.static, found.groups) == (None, False, {})
    with pytest.raises(RequirementError, match="only a build can tell"):
        found.requirements()
