"""Changing requirements files and leaving the rest of them alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.errors import RequirementError
from envkit.formats.requirements_text import RequirementsText
from envkit.formats.requirements_txt import parse_requirements
from tests.formats.real_world import REAL_WORLD

COMPILED = """\
# made by a tool
cffi==1.17.0 ; platform_python_implementation != "PyPy" \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via -r build.in
maturin==1.7.0 \\
    --hash=sha256:cc
    # via
    #   -r build.in
pycparser==2.22 --hash=sha256:dd  # why

# The rest
setuptools==72.1.0 \\
    --hash=sha256:ee
"""

LOOSE = "-i https://i.example/simple\nzeta\n\n# about flask\nFlask[async]>=2,<4  # the web\n-r other.txt\nb -C k=v\n"


def test_a_change_keeps_comments_options_and_order():
    text = RequirementsText(text=LOOSE)
    assert text.names == ("zeta", "flask", "b")
    changed = text.change("flask[async]>=3").change("b>=2")
    assert changed.text == LOOSE.replace("Flask[async]>=2,<4", "flask[async]>=3").replace("b -C", "b>=2 -C")
    assert text.text == LOOSE


def test_hashes_are_written_as_before():
    text = RequirementsText(text=COMPILED)
    changed = text.change("maturin==1.8.0", hashes=["sha256:11", "sha512:22"])
    assert changed.text == COMPILED.replace("maturin==1.7.0", "maturin==1.8.0").replace(
        "    --hash=sha256:cc\n", "    --hash=sha256:11 \\\n    --hash=sha512:22\n"
    )
    changed = text.change("pycparser==2.23", hashes=["sha256:33"])
    assert changed.text == COMPILED.replace("pycparser==2.22 --hash=sha256:dd", "pycparser==2.23 --hash=sha256:33")
    assert text.change("pycparser==2.22").text == COMPILED
    with pytest.raises(RequirementError, match="another version"):
        text.change("pycparser==2.23")
    assert "pycparser==2.23  # why" in text.change("pycparser==2.23", hashes=[]).text


def test_removing_takes_the_notes_of_compilers_along():
    text = RequirementsText(text=COMPILED)
    lines = COMPILED.splitlines(keepends=True)
    assert text.remove("Maturin").text == "".join(lines[:5] + lines[9:])
    assert text.remove("setuptools").text == "".join(lines[:12])
    assert RequirementsText(text=LOOSE).remove("flask").text == LOOSE.replace("Flask[async]>=2,<4  # the web\n", "")
    with pytest.raises(RequirementError, match="does not ask for flask"):
        text.remove("flask")


def test_adding_follows_the_order_of_names():
    text = RequirementsText(text=COMPILED)
    added = text.add("numpy==2.0", hashes=["sha256:44"])
    assert added.text == COMPILED.replace("pycparser", "numpy==2.0 \\\n    --hash=sha256:44\npycparser", 1)
    assert RequirementsText(text=LOOSE).add("a", comment="new").text == LOOSE + "a  # new\n"
    assert RequirementsText(text="a\nb").add("c").text == "a\nb\nc\n"
    assert RequirementsText().add("a").text == "a\n"
    with pytest.raises(RequirementError, match="already"):
        text.add("cffi; platform_python_implementation != 'PyPy'")
    assert text.add("cffi; os_name == 'nt'").names.count("cffi") == 2


def test_markers_tell_lines_apart():
    text = RequirementsText(text="a<2; python_version < '3.9'\na>=2; python_version >= '3.9' # new\n")
    assert text.change("a>=3; python_version >= '3.9'").text.endswith("a>=3; python_version >= '3.9'  # new\n")
    assert text.remove("a", marker='python_version < "3.9"').text == "a>=2; python_version >= '3.9' # new\n"
    assert text.remove("a").text == ""
    with pytest.raises(RequirementError, match="not"):
        text.change("a>=3")


def test_line_ends_and_the_end_of_the_file_stay():
    text = RequirementsText(text="a==1 \\\r\n  --hash=sha256:aa\r\nb==1")
    assert text.change("b==2").text == "a==1 \\\r\n  --hash=sha256:aa\r\nb==2"
    assert text.change("a==2", hashes=["sha256:bb"]).text == "a==2 \\\r\n    --hash=sha256:bb\r\nb==1"
    assert text.add("c").text == "a==1 \\\r\n  --hash=sha256:aa\r\nb==1\r\nc\r\n"


@pytest.mark.parametrize("wrong", ["a = 1", "a\nb", "a # why", "-r x", ""])
def test_what_is_no_requirement_is_refused(wrong):
    with pytest.raises(RequirementError):
        RequirementsText(text="x\n").add(wrong)


@pytest.mark.parametrize("wrong", ["md5:aa", "aa", "sha256:a b", "sha256:a\n-r x"])
def test_what_is_no_hash_is_refused(wrong):
    with pytest.raises(RequirementError):
        RequirementsText(text="x\n").add("a==1", hashes=[wrong])


def test_secrets_and_unknown_variables_stay_unread():
    text = RequirementsText(
        text="a @ git+https://${TOKEN}@g.example/a.git\nhttps://${U}:x@f.example/b.zip\n./local\nc\n"
    )
    assert text.names == ("a", "c")
    assert text.remove("a").change("c>=1").text == "https://${U}:x@f.example/b.zip\n./local\nc>=1\n"


@pytest.mark.parametrize("name", REAL_WORLD)
def test_files_of_public_projects(name):
    """Adding to a file and removing from it again gives the file; nothing else in it means anything else then."""
    content = next(iter(REAL_WORLD[name].values())).removeprefix("\ufeff")
    text = RequirementsText(text=content)
    try:
        names = text.names
    except RequirementError as error:
        known = error
    else:
        known = None
    if known is not None:
        assert known.line is not None
        return
    added = text.add("zzz-new-one==1", hashes=["sha256:00"])
    assert sorted(added.names) == sorted((*names, "zzz-new-one"))
    again = added.remove("zzz-new-one").text
    assert again.splitlines() == content.splitlines()


_SAMPLES = [
    "a",
    "b==1 --hash=sha256:aa",
    "c>=1 # c",
    "# x",
    "",
    "    # via a",
    "d \\\n  >=1",
    "-r o.txt",
    "e -C 'k=v  w'",
]
_LINES = st.lists(st.sampled_from(_SAMPLES), max_size=8, unique=True)


@given(_LINES, st.sampled_from("abcde"))
def test_a_change_changes_one_requirement(lines, name):
    content = "\n".join(lines) + "\n"
    text = RequirementsText(text=content)
    if name not in text.names:
        return
    kept = [line for line in lines if not line.startswith("-r")]
    before = parse_requirements("\n".join(kept))
    after = parse_requirements(text.change(f"{name}>=7", hashes=["sha256:ff"]).text.replace("-r o.txt\n", ""))
    assert [entry.name for entry in after.requirements] == [entry.name for entry in before.requirements]
    for old, new in zip(before.requirements, after.requirements, strict=True):
        if old.name == name:
            assert (new.specifier, dict(new.hashes), new.config_settings) == (
                ">=7",
                {"sha256": ("ff",)},
                old.config_settings,
            )
        else:
            assert (new.requirement, new.hashes) == (old.requirement, old.hashes)
