"""Script blocks against the reference expression of PEP 723."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.errors import RequirementError
from envkit.formats.scripts import _blocks, parse_script, read_script, write_script

# The expression that the specification gives; our reader is not allowed to use it, since it can be slow.
REFERENCE = r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$"

SCRIPT = """#!/usr/bin/env python3
# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "requests<3",
#   "rich",
# ]
#
# [tool.other]
# x = 1
# ///
import requests
"""


def test_reads_a_script(tmp_path):
    (tmp_path / "x.py").write_text(SCRIPT)
    found = read_script(tmp_path / "x.py")
    assert found is not None
    assert [entry.requirement for entry in found.dependencies] == ["requests<3", "rich"]
    assert found.requires_python == ">=3.11"
    assert found.tool == {"other": {"x": 1}}
    assert found.dependencies[0].line == 2


def test_no_block_is_no_error():
    assert parse_script("print()\n") is None
    assert parse_script("# /// other\n# x\n# ///\n") is None


@pytest.mark.parametrize(
    "text",
    [
        "# /// script\n# dependencies = 1\n# ///\n",
        "# /// script\n# dependencies = ['=']\n# ///\n",
        "# /// script\n# requires-python = '?'\n# ///\n",
        "# /// script\n# requires-python = 3\n# ///\n",
        "# /// script\n# [\n# ///\n",
        "# /// script\n# x=1\n# ///\n\n# /// script\n# x=1\n# ///\n",
    ],
)
def test_errors_name_the_line(text):
    with pytest.raises(RequirementError) as caught:
        parse_script(text)
    assert caught.value.line is not None


def test_writing_keeps_the_rest():
    written = write_script(SCRIPT, dependencies=["httpx"], requires_python=">=3.12")
    found = parse_script(written)
    assert found is not None
    assert [entry.requirement for entry in found.dependencies] == ["httpx"]
    assert found.tool == {"other": {"x": 1}}
    assert written.startswith("#!/usr/bin/env python3\n# /// script\n")
    assert written.endswith("# ///\nimport requests\n")


def test_writing_into_a_script_without_a_block():
    written = write_script("#!/bin/x\r\nimport os\r\n", dependencies=["a"])
    assert written.startswith("#!/bin/x\r\n# /// script\r\n")
    assert written.endswith("# ///\r\n\r\nimport os\r\n")


_LINES = st.lists(
    st.sampled_from(["# /// script", "# ///", "#", "# x = 1", "#x", "x = 1", "", "# /// other", "# /// ", " # ///"]),
    max_size=12,
)


@given(_LINES)
def test_blocks_equal_the_reference(lines):
    text = "\n".join([*lines, "end"])
    expected = [(match["type"], match["content"]) for match in re.finditer(REFERENCE, text)]
    ours = [
        (block.type, "".join(line + "\n" for line in text.split("\n")[block.first + 1 : block.last]))
        for block in _blocks(text.split("\n"))
    ]
    assert ours == expected
