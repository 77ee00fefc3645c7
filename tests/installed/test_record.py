"""RECORD as lines says the same as RECORD as rows, whatever it looks like."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.errors import InstallError
from envkit.installed import record

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r"), max_size=6)
LINE = st.lists(TEXT | st.sampled_from(["a/b.py", "sha256=x", "12", '"a,b"', ""]), max_size=4).map(",".join)


@given(lines=st.lists(LINE, max_size=6), end=st.sampled_from(["\n", "\r\n"]))
def test_lines_and_rows_agree(tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str) -> None:
    info = tmp_path_factory.mktemp("info")
    (info / "RECORD").write_bytes(end.join([*lines, ""]).encode())
    try:
        rows = [(path, hashed.replace(",", ";"), size.replace(",", ";")) for path, hashed, size in record.read(info)]
    except InstallError:
        with pytest.raises(InstallError):
            record.read_lines(info)
        return
    assert [tuple(line.rsplit(",", 2)) for line in record.read_lines(info)] == rows


@pytest.mark.parametrize("content", [b"a\0b,,\n", b"\xff,,\n"])
def test_what_makes_no_sense_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "RECORD").write_bytes(content)
    with pytest.raises(InstallError):
        record.read_lines(tmp_path)


def test_a_missing_record_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InstallError, match="cannot be read"):
        record.read_lines(tmp_path)


@pytest.mark.parametrize("odd", list("\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\n"))
def test_only_line_breaks_end_a_line(odd: str) -> None:
    text = io.StringIO(newline="")
    rows = [(f"a{odd}b,c.py", "sha256=x", "1"), ("d.py", "", "")]
    csv.writer(text, lineterminator="\n").writerows(rows)
    assert [tuple(row) for row in record.parse(text.getvalue().encode())] == rows
