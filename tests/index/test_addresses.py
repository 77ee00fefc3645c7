"""Plain addresses are taken apart as the standard library does it."""

from __future__ import annotations

from urllib.parse import urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from envkit.index.addresses import PlainParts, take_apart
from envkit.index.entries import _resolve, _resolve_plain, resolve

ADDRESSES = st.builds(
    "{}{}{}{}{}".format,
    st.sampled_from(["https://", "http://", "HTTPS://", "ftp://", "//", "https:/", ""]),
    st.sampled_from(["", "", "user@", "user:pass@", "@"]),
    st.sampled_from(["index.example", "127.0.0.1", "Index.Example", "[::1]", "", "a b", "é.example", "x_y"]),
    st.sampled_from(["", "", ":8080", ":0", ":", ":65535", ":65536", ":080", ":x"]),
    st.sampled_from(["", "/", "/simple/", "/a%20b/c-1.0+x.whl", "//a", "/a?b=c", "/a#b", "/é", "/a;b", "?q", "/a\n", "\n"]),
) | st.text(alphabet="htps:/.ax0@[]?#", max_size=16).map("http".__add__)  # fmt: skip


def told(parts: object) -> tuple[object, ...]:
    names = ("scheme", "netloc", "hostname", "path", "query", "username", "password")
    try:
        port = parts.port  # type: ignore[attr-defined]
    except ValueError:
        port = "none"
    return (*(getattr(parts, name) for name in names), port)


@given(ADDRESSES)
@example("https://index.example:99999/")
@example("https://index.example/a\n")
def test_every_address_is_taken_apart_as_the_standard_library_does_it(url: str) -> None:
    try:
        expected = told(urlsplit(url))
    except ValueError:
        expected = ()
    try:
        found = told(take_apart(url))
    except ValueError:
        found = ()
    assert found == expected


def test_usual_addresses_are_plain() -> None:
    for url in ("https://index.example/simple/demo/", "http://127.0.0.1:8080/simple/demo/", "https://index.example"):
        assert isinstance(take_apart(url), PlainParts)


SEGMENTS = st.sampled_from(["..", ".", "a", "b-1.0", "%2e%2e", "a b", "", "é", "..a", "a;b", "~x", "c:"])
FOLDERS = st.lists(SEGMENTS, max_size=5).map(lambda some: "".join(f"{one}/" for one in some))
BASES = st.builds(
    "{}{}{}".format,
    st.sampled_from(["https://index.example", "http://127.0.0.1:8080", "https://u:p@index.example", "HTTPS://index.example"]),
    st.sampled_from(["/", "/simple/", "//"]),
    FOLDERS | st.sampled_from(["demo", "demo/?a=b/", "demo/index.html"]),
)  # fmt: skip


@given(BASES, FOLDERS)
@example("https://index.example/simple/demo/", "../../files/demo/")
@example("https://index.example/simple/", "../../../files/")
def test_plain_folders_are_resolved_as_all_others(base: str, folder: str) -> None:
    assert _resolve_plain(base, folder) in (None, _resolve(base, folder or "."))
    for name in ("demo-1.0.tar.gz", "de mo", ".."):
        assert resolve(base, folder + name) == _resolve(base, folder + name)


def test_folders_of_mirrors_are_plain() -> None:
    base = "https://index.example/simple/demo/"
    assert _resolve_plain(base, "../../files/demo/") == "https://index.example/files/demo/"
    assert _resolve_plain(base, "") == base
