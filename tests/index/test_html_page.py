"""Links of HTML pages, against the standard library's parser; and pages that were made to take for ever."""

from __future__ import annotations

import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from envkit.errors import TransportError
from envkit.index.html_page import read_anchors


class Oracle(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[dict[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a" and dict(attrs).get("href"):
            self.links.append(dict(attrs))


SPACES = st.sampled_from((" ", "\n", "  ", "\t "))
NAMES = st.sampled_from(("href", "HREF", "data-yanked", "data-requires-python", "rel", "class"))
TEXTS = st.text("ab/.-_:?=#>;é ", max_size=12) | st.sampled_from(
    ("&gt;=3.8", "&amp;", "&#x41;", "a&lt;b", "&copy;", "x")
)
VALUES = st.one_of(
    st.just(""),
    TEXTS.map('="{}"'.format),
    TEXTS.map("='{}'".format),
    TEXTS.map(' = "{}"'.format),
    st.text("ab.-_:#", min_size=1, max_size=8).map("={}".format),
)
ATTRIBUTES = st.lists(st.tuples(SPACES, NAMES, VALUES).map("".join), max_size=4).map("".join)
TAGS = st.builds(
    "<{}{}{}>".format,
    st.sampled_from(("a", "A", "br", "abbr", "p", "div")),
    ATTRIBUTES,
    st.sampled_from(("", " ", " /")),
)
PARTS = st.one_of(
    TAGS,
    st.text("ab <&;\n", max_size=6).map(lambda text: text.replace("<", "< ")),
    st.sampled_from(
        ("</a>", "<!DOCTYPE html>", "<!-- <a href='no'> -->", "<?xml x?>", "</p >", "<script>'<a href=no>'</script>")
    ),
    st.sampled_from(("<style>a<b</style>", "<SCRIPT x='>'>1 < 2</script >", "<!---->")),
)


@given(st.lists(PARTS, max_size=8).map("".join))
@example('<a href="x>y" data-yanked>')
@example("<a href=a/b>")
@example('<a href="a"href="b">')
def test_links_are_what_the_standard_library_finds(page):
    oracle = Oracle()
    oracle.feed(page)
    oracle.close()
    assert list(read_anchors(page.encode()).anchors) == oracle.links


@pytest.mark.parametrize(
    ("page", "links"),
    [
        ("<a href='x'", []),
        ("<a href='x><a href='y'>", ["x><a href="]),
        ("<a href='x><a href=y>", ["y"]),
        ("<!-- <a href=x>", []),
        ("<script><a href=x>", []),
        ("<title><a href=x></title><a href=y>", ["y"]),
        ("<title/><a href=x>", ["x"]),
        ("<a href= >b<a href=>", []),
        ("<a\nhref\n=\n'x'\n>", ["x"]),
        ("<ahref=x><a/href=y>", ["y"]),
    ],
)
def test_what_is_broken_is_read_all_the_same(page, links):
    assert [anchor["href"] for anchor in read_anchors(page.encode()).anchors] == links


REPEATED = (
    "<",
    "<a ",
    "<a",
    "<!--",
    "<!",
    "</a",
    "<?",
    "<script>",
    "<a '",
    '<a href="',
    "<a b=",
    "<a =",
    "< ",
    "<a b='c' ",
    "&#",
    "&",
)
HOSTILE = {repr(part): part for part in REPEATED} | {
    f"{part!r} in a tag": part for part in ("/", " ", "=", "'", "a= ", "a ")
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_page_takes_longer_than_its_size_allows(kind):
    in_a_tag = kind.endswith("in a tag")
    many = HOSTILE[kind] * ((500_000 if in_a_tag else 3_000_000) // len(HOSTILE[kind]))
    pages = [f"<a {many}", f"<a {many}>"] if in_a_tag else [many, f"<a href='{many}", f"<a href={many}"]
    before = time.process_time()
    for page in pages:
        read_anchors(page.encode())
    # Each takes a fraction of a second; looked at anew from each "<" a page of this size takes minutes or hours.
    assert time.process_time() - before < 20


def test_the_number_of_links_is_bounded():
    with pytest.raises(TransportError, match="links"):
        read_anchors(b"<a href=x>" * 300_000)


def test_numbers_of_characters_are_bounded():
    with pytest.raises(TransportError, match="not HTML"):
        read_anchors(b"<a href='&#" + b"9" * 5000 + b";'>")
