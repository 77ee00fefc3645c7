"""Files that were made to take for ever: each is read, or refused, in a time that its size allows."""

from __future__ import annotations

import re
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.errors import InvalidSource, RequirementError
from envkit.formats.pyproject import parse_pyproject
from envkit.formats.scripts import _blocks, parse_script
from envkit.formats.toml import load_toml
from envkit.wheels.static import read_pyproject

KEYS = {
    "bare": "a." * 300_000 + "a = 1",
    "spaced": "a . " * 300_000 + "a = 1",
    "quoted": '"a".' * 300_000 + "a = 1",
    "a table": "[" + "'a'." * 300_000 + "a]",
    "in a table": "x = {" + "a." * 300_000 + "a = 1}",
}


@pytest.mark.parametrize("text", KEYS.values(), ids=KEYS)
def test_keys_of_many_parts_are_refused(text, tmp_path):
    before = time.process_time()
    with pytest.raises(ValueError, match="parts"):
        load_toml(text)
    with pytest.raises(RequirementError):
        parse_pyproject(text)
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(InvalidSource):
        read_pyproject(str(tmp_path))
    assert time.process_time() - before < 20  # the parser alone takes minutes


@pytest.mark.parametrize("text", ["." * 3_000_000, '."' * 1_000_000, ".a" * 63 + " " * 100_000, "'." * 1_000_000])
def test_looking_for_them_takes_no_time(text):
    before = time.process_time()
    with suppress(ValueError):
        load_toml(f"# {text}")
    assert time.process_time() - before < 20


def test_dots_in_texts_are_no_keys():
    assert load_toml(f'a.b = "{"1." * 60}"\nc = "{"... " * 100}"') == {"a": {"b": "1." * 60}, "c": "... " * 100}


@pytest.mark.parametrize("line", ["# /// script", "# /// script\n# a", "# /// x\n#"])
def test_blocks_that_do_not_end(line):
    before = time.process_time()
    assert parse_script(f"{line}\n" * 60_000) is None
    assert time.process_time() - before < 20


REFERENCE = re.compile(r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)$\s(?P<content>(^#(| .*)$\s)+)^# ///$")


@given(st.lists(st.sampled_from(("# /// script", "# /// x", "# ///", "#", "# a", "a", "")), max_size=14))
def test_blocks_are_those_of_the_reference(lines):
    text = "\n".join(lines)
    found = [(match["type"], text.count("\n", 0, match.start())) for match in REFERENCE.finditer(text)]
    assert [(block.type, block.first) for block in _blocks(lines)] == found
