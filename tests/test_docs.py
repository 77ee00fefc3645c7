"""The code in the README and in every page of the documentation runs, top to bottom, without a network."""

from __future__ import annotations

import re
import typing
from pathlib import Path

import pytest

from envkit import events
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import sdist_bytes, wheel_bytes

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _projects() -> dict[str, bytes]:
    made = [
        wheel_bytes("flask", "2.3.0", requires=["werkzeug>=2"]),
        wheel_bytes("flask", "3.0.0", requires=["werkzeug>=3", "click>=8"]),
        wheel_bytes("flask", "3.1.0", requires=["werkzeug>=3.1", "click>=8"]),
        wheel_bytes("werkzeug", "2.3.0"),
        wheel_bytes("werkzeug", "3.0.0"),
        wheel_bytes("werkzeug", "3.1.0"),
        wheel_bytes("click", "8.1.0"),
        wheel_bytes("rich", "14.0.0", requires=["pygments"]),
        wheel_bytes("pygments", "2.19.0"),
        wheel_bytes("requests", "2.32.0", requires=["idna"], extras={"socks": ["pysocks>=1.5"]}),
        wheel_bytes("idna", "3.10"),
        wheel_bytes("pysocks", "1.7.1"),
        wheel_bytes("pip", "26.3"),
        sdist_bytes("oldie", "1.0"),
    ]
    return dict(made)


@pytest.fixture(scope="module")
def index():
    with LoopbackIndex(_projects()) as running:
        yield running


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_code_of_the_page_runs(page, index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("envkit.index.default.default_index_url", lambda: index.url)
    monkeypatch.setenv("HOME", str(tmp_path))
    namespace: dict[str, object] = {"__name__": page.stem, "INDEX": index.url}
    text = page.read_text(encoding="utf-8")
    for match in BLOCK.finditer(text):
        if "notest" in match[1]:
            continue
        line = text.count("\n", 0, match.start(2))
        code = compile("\n" * line + match[2], str(page), "exec")
        exec(code, namespace)


def test_the_page_of_events_names_each_of_them():
    page = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
    named = [kind.__name__ for kind in typing.get_args(events.Event)]
    assert named
    assert [name for name in named if f"`{name}`" not in page] == []
