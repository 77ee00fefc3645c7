"""What a resolution tells about itself, and the files made of it."""

from __future__ import annotations

import pytest
from packaging.pylock import Pylock
from packaging.version import Version

from envkit.model.pin import Pin, Request
from envkit.model.resolution import Resolution
from envkit.model.resolution_views import html_table
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource, Release

from .graphs import TARGET
from .test_semantics import candidate

SHA = {"sha256": "ab" * 32}
INDEX = {
    "app": {"1": Release(requires=["lib<2", "tool[x]"], hashes=SHA)},
    "lib": {"1.5": Release(hashes=SHA), "2.0": Release(hashes=SHA)},
    "tool": {"3": Release(requires=["lib", "app; extra == 'x'"], extras=["x"], hashes=SHA)},
}


@pytest.fixture
def resolution():
    return Resolver(TARGET, MemorySource(INDEX)).resolve(["app"])


def test_explains_who_asked_and_what_held_back(resolution):
    explanation = resolution.explain("Lib")
    assert explanation.requested_by == (Request(by="app", requirement="lib<2"), Request(by="tool", requirement="lib"))
    assert explanation.latest == Version("2.0")
    assert explanation.held_by == (Request(by="app", requirement="lib<2"),)
    assert explanation.path == ("app", "lib")
    assert str(explanation).splitlines() == [
        "lib 1.5",
        "  app asked for lib<2",
        "  tool asked for lib",
        "  needed through app -> lib",
        "  2.0 is newer, but is not allowed by app (lib<2)",
    ]


def test_extras_that_are_not_there_are_told():
    index = {
        "app": {"1": ["tool[x,Y_y]"]},
        "tool": {"3": Release(requires=["tool[x,z]; extra == 'x'"], extras=["x"])},
    }
    resolution = Resolver(TARGET, MemorySource(index)).resolve(["app[gui]"])
    assert resolution.unknown_extras == {"app": ("gui",), "tool": ("y-y", "z")}
    assert resolution.explain("app").unknown_extras == ("gui",)
    assert str(resolution.explain("tool")).splitlines()[-1] == "  3 has no extra z, which was asked for"


def test_the_newest_has_nothing_that_held_it_back(resolution):
    assert resolution.explain("app").latest is None


def test_the_tree_ends_where_it_would_turn_in_a_circle(resolution):
    assert resolution.tree().splitlines() == ["app 1", "  lib 1.5", "  tool[x] 3", "    app 1 (*)", "    lib 1.5"]


def test_graphs_name_every_pin_and_edge(resolution):
    dot, mermaid = resolution.to_dot(), resolution.to_mermaid()
    assert '"app" -> "lib" [label="<2"];' in dot
    assert 'n0["app 1"]' in mermaid
    assert 'n0 -- "&lt;2" --> n1' in mermaid
    assert "<td>tool[x]</td><td>3</td>" in resolution._repr_html_()


def test_a_pylock_is_valid_and_has_hashes_and_places(resolution):
    import tomllib

    lock = Pylock.from_dict(tomllib.loads(resolution.to_pylock()))
    assert [(package.name, str(package.version)) for package in lock.packages] == [
        ("app", "1"), ("lib", "1.5"), ("tool", "3"),
    ]  # fmt: skip
    wheel = lock.packages[0].wheels[0]
    assert wheel.hashes == SHA
    assert wheel.url == "https://files.example/app-1-py3-none-any.whl"


def test_requirements_are_exact(resolution):
    assert resolution.to_requirements() == "app==1\nlib==1.5\ntool[x]==3\n"
    assert resolution.to_requirements(hashes=True).splitlines()[:2] == ["app==1 \\", f"    --hash=sha256:{'ab' * 32}"]


def test_a_diff_names_what_changed(resolution):
    other = Resolver(TARGET, MemorySource(INDEX)).resolve(["lib"])
    assert [(change.name, change.before, change.after) for change in resolution.diff(other)] == [
        ("app", ("1",), ()), ("lib", ("1.5",), ("2.0",)), ("tool", ("3",), ()),
    ]  # fmt: skip


def test_a_resolution_survives_being_written_and_read(resolution):
    assert Resolution.from_dict(resolution.to_dict()) == resolution


@pytest.mark.parametrize(("preferred", "latest"), [("1", "3"), ("2", "3"), ("3", None), ("2.5a1", "3")])
def test_what_is_newer_than_a_preferred_version_is_told(preferred, latest):
    index = {"a": {"1": [], "2": [], "2.5a1": [], "3": [], "4a1": []}}
    pin = Resolver(TARGET, MemorySource(index)).resolve(["a"], preferences=[f"a=={preferred}"]).pins["a"]
    assert (str(pin.version), pin.held_by) == (preferred, ())
    assert pin.latest == (Version(latest) if latest else None)


def test_a_preferred_version_that_does_not_fit_the_rest_is_told_as_newer():
    index = {"a": {"1": [], "2": ["b>1"]}, "b": {"1": []}}
    resolution = Resolver(TARGET, MemorySource(index)).resolve(["a"], preferences=["a==2"])
    assert "2 is newer, but does not fit the rest" in str(resolution.explain("a"))


def test_a_project_that_asks_for_extras_of_its_own_does_not_ask_for_itself():
    index = {"a": {"1": Release(requires=["a[y]; extra == 'x'", "b; extra == 'y'"], extras=["x", "y"])}, "b": {"1": []}}
    resolution = Resolver(TARGET, MemorySource(index)).resolve(["a[x]"])
    pin = resolution.pins["a"]
    assert (pin.extras, pin.dependencies) == (("x", "y"), ("a[y]", "b"))
    assert pin.requested_by == (Request(by="", requirement="a[x]"),)
    assert [(edge.parent, edge.child) for edge in resolution.edges] == [("", "a"), ("a", "b")]
    assert resolution.tree() == "a[x,y] 1\n  b 1"


def test_graphs_and_tables_quote_what_is_odd():
    url = 'https://user:word@files.example/a"b\\c.whl?x=<b>&y=1'
    index = {"end": {"1": [f"a[x] @ {url}"]}}
    source = MemorySource(index, direct={url: candidate(url, "5+x.1", requires=["end"])})
    resolution = Resolver(TARGET, source).resolve(["end"])
    shown = url.replace("user:word@", "")
    quoted = shown.replace("\\", "\\\\").replace('"', '\\"')
    assert f'  "end" -> "a" [label="[x] @ {quoted}"];' in resolution.to_dot().splitlines()
    escaped = shown.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    assert f'  n1 -- "[x] @ {escaped}" --> n0' in resolution.to_mermaid().splitlines()
    assert "word" not in resolution.to_dot() + resolution.to_mermaid() + resolution.tree() + resolution._repr_html_()


def test_texts_in_a_table_are_escaped():
    odd = "<script>&\"'"
    pin = Pin(name=odd, version=Version("1"), extras=(odd,), requested_by=(Request(by=odd, requirement="a"),))
    table = html_table({odd: pin}, odd)
    assert "<script>" not in table
    assert table.count("&lt;script&gt;&amp;&quot;&#x27;") == 4


def test_a_shortest_way_is_told_and_none_to_a_root():
    index = {"a": {"1": ["b", "d"]}, "b": {"1": ["c"]}, "c": {"1": ["d", "a"]}, "d": {"1": ["e"]}, "e": {"1": []}}
    resolution = Resolver(TARGET, MemorySource(index)).resolve(["a"])
    assert resolution.explain("e").path == ("a", "d", "e")
    assert resolution.explain("a").path == ("a",)
    assert "through" not in str(resolution.explain("a"))
