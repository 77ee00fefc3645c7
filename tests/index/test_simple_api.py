"""The parsers of pages: what they keep, what they pass over and why, and that nothing from outside upsets them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename

from envkit.errors import EnvkitError, RequirementError, TransportError
from envkit.index.filenames import check_filename, project_of
from envkit.index.simple_api import HTML_TYPE, JSON_TYPE, parse_html, parse_json, parse_page
from envkit.model.identity import parse_specifier
from envkit.model.requirement import parse_marker, parse_requirement
from envkit.testing.wheels import wheel_bytes

BASE = "https://index.example/simple/demo/"
WHEEL = "demo-1.0-py3-none-any.whl"
DIGEST = "a" * 64


def json_page(*files: Any, **extra: Any) -> bytes:
    return json.dumps({"meta": {"api-version": "1.3"}, "files": list(files), **extra}).encode()


def entry(filename: str = WHEEL, **extra: Any) -> dict[str, Any]:
    return {"filename": filename, "url": f"../../files/{filename}", "hashes": {"sha256": DIGEST}, **extra}


def one(*files: Any) -> Any:
    artifacts = parse_json(json_page(*files), BASE, "demo").artifacts("here")
    assert len(artifacts) == 1
    return artifacts[0]


def test_every_field_of_a_json_file() -> None:
    artifact = one(
        entry(
            **{
                "size": 12, "upload-time": "2024-01-01T00:00:00Z", "requires-python": ">=3.8", "yanked": "bad",
                "core-metadata": {"sha256": "B" * 64}, "provenance": "https://index.example/p",
            }
        )
    )  # fmt: skip
    assert artifact.to_dict() == {
        "schema": 1, "filename": WHEEL, "url": f"https://index.example/files/{WHEEL}", "hashes": {"sha256": DIGEST},
        "size": 12, "requires_python": ">=3.8", "yanked": "bad", "upload_time": "2024-01-01T00:00:00Z",
        "metadata": {"sha256": "b" * 64}, "provenance": "https://index.example/p", "index": "here",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"yanked": False}, None), ({"yanked": True}, ""), ({"yanked": ""}, ""), ({"yanked": "why"}, "why"), ({}, None),
    ],
)  # fmt: skip
def test_yanked(given: Any, expected: str | None) -> None:
    assert one(entry(**given)).yanked == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"core-metadata": True}, {}), ({"core-metadata": False}, None), ({"dist-info-metadata": True}, {}), ({}, None),
        ({"core-metadata": False, "dist-info-metadata": True}, None), ({"core-metadata": "yes"}, None),
        ({"core-metadata": {"sha256": DIGEST, "nonsense": "x", "md5": 5}}, {"sha256": DIGEST}),
    ],
)  # fmt: skip
def test_core_metadata(given: Any, expected: Any) -> None:
    assert one(entry(**given)).metadata == expected


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (entry("demo-1.0-py3-none.whl"), "invalid-name"),
        (entry("other-1.0-py3-none-any.whl"), "invalid-name"),
        (entry("demo-one-py3-none-any.whl"), "invalid-version"),
        (entry("demo-1.0-x1-py3-none-any.whl"), "invalid-name"),
        (entry("demo-1.0-py3-n/ne-any.whl"), "invalid-name"),
        (entry("demo-1.0-py3-none-any.whl\n"), "invalid-name"),
        (entry("../demo-1.0-py3-none-any.whl"), "invalid-name"),
        (entry("demo-one.tar.gz"), "invalid-version"),
        (entry("1.0.tar.gz"), "invalid-name"),
        (entry("demo-1.0.exe"), "unsupported-format"),
        (entry("demo-1.0-py3.8.egg"), "unsupported-format"),
        (entry("x" * 300 + ".whl"), "invalid-name"),
        (entry(**{"requires-python": "three"}), "invalid-specifier"),
        (entry(**{"requires-python": 3}), "invalid-specifier"),
        (entry(**{"requires-python": ">=3" + ",>=3" * 50_000}), "invalid-specifier"),
        (entry(url="javascript:alert(1)"), "hidden-by-index"),
        (entry(url="http://index.example/demo-1.0-py3-none-any.whl"), "hidden-by-index"),
        (entry(url="file:///etc/demo-1.0-py3-none-any.whl"), "hidden-by-index"),
        (entry(url="https://[broken/demo-1.0-py3-none-any.whl"), "hidden-by-index"),
        (entry(url=5), "invalid-name"),
        ("text", "invalid-name"),
        ({}, "invalid-name"),
        (None, "invalid-name"),
    ],
)
def test_one_broken_file_is_passed_over(broken: Any, reason: str) -> None:
    page = parse_json(json_page(broken, entry("demo-2.0.tar.gz")), BASE, "demo")
    assert [row[0] for row in page.rows] == ["demo-2.0.tar.gz"]
    assert [rejection.reason for rejection in page.rejections()] == [reason]


def test_a_bound_with_a_star_is_understood() -> None:
    assert one(entry(**{"requires-python": ">=3.6.*, !=3.7.*"})).requires_python == ">=3.6, !=3.7.*"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/f/x.whl", "https://index.example/f/x.whl"),
        ("x.whl", "https://index.example/simple/demo/x.whl"),
        ("../../f/x.whl#sha256=abc", "https://index.example/f/x.whl"),
        ("https://files.example/a/x.whl", "https://files.example/a/x.whl"),
        ("https://user:pw@files.example/a/x.whl", "https://files.example/a/x.whl"),
        ("//files.example/x.whl", "https://files.example/x.whl"),
        ("/f/../g/./x.whl", "https://index.example/g/x.whl"),
        ("https://files.example/x.whl?token=1", "https://files.example/x.whl?token=1"),
    ],
)
def test_addresses(url: str, expected: str) -> None:
    assert one(entry(url=url)).url == expected


def test_html_page() -> None:
    page = parse_html(
        f"""<!DOCTYPE html><html><head><base href="../../files/"><meta name="pypi:repository-version" content="1.1">
        <meta name="pypi:project-status" content="archived"></head><body>
        <a href="{WHEEL}#sha256={DIGEST}" data-requires-python="&gt;=3.8" data-yanked=""
        data-core-metadata="sha256={DIGEST}">
        <A HREF="demo-1.1.tar.gz#md5={"b" * 32}" data-dist-info-metadata="true">x</A>
        <a href="https://files.example/demo%2Bx-2.0.tar.gz">x</a>
        <a name="no address">y</a></body>""".encode(),
        BASE,
        "demo",
    )
    wheel, sdist = page.artifacts("here")
    assert (wheel.url, wheel.requires_python, wheel.yanked) == (f"https://index.example/files/{WHEEL}", ">=3.8", "")
    assert (wheel.hashes, wheel.metadata) == ({"sha256": DIGEST}, {"sha256": DIGEST})
    assert (sdist.hashes, sdist.metadata, sdist.yanked) == ({"md5": "b" * 32}, {}, None)
    assert page.status == "archived"
    assert [rejection.subject for rejection in page.rejections()] == ["demo+x-2.0.tar.gz"]


def test_a_base_cannot_lead_to_where_the_page_may_not_point() -> None:
    page = parse_html(f'<base href="file:///etc/"><a href="{WHEEL}">'.encode(), BASE, "demo")
    assert page.artifacts(None)[0].url == BASE + WHEEL


def test_status_tracks_and_versions() -> None:
    meta = {"api-version": "1.4", "tracks": ["https://a.example/demo/", 5]}
    data = json_page(
        meta=meta, versions=["1.0"], **{"project-status": {"status": "quarantined", "reason": "malware"},
        "alternate-locations": ["https://b.example/demo/"]},
    )  # fmt: skip
    page = parse_json(data, BASE, "demo")
    assert (page.status, page.status_reason, page.versions) == ("quarantined", "malware", ("1.0",))
    assert (page.tracks, page.alternates) == (("https://a.example/demo/",), ("https://b.example/demo/",))


NAMES = st.sampled_from(["demo", "Demo.Thing", "a", "demo_thing"])
VERSIONS = st.sampled_from(["1.0", "1!2.0", "1.0a1", "1.0.post1.dev2", "1.0+local.1", "1.0-1", "one", "", "1_0"])


@given(
    NAMES,
    VERSIONS,
    st.sampled_from(["-py3-none-any.whl", "-1a-cp312-abi3-win32.whl", ".tar.gz", ".zip", "-py3-none.whl"]),
)
def test_file_names_as_packaging_sees_them(name: str, version: str, rest: str) -> None:
    filename = f"{name}-{version}{rest}"
    parse = parse_wheel_filename if rest.endswith(".whl") else parse_sdist_filename
    try:
        right = parse(filename)[0] == canonicalize_name(name)
    except ValueError:
        right = False
    ours = check_filename(filename, canonicalize_name(name)) is None
    # packaging splits at the last dash, and so takes other projects' names for a version with one.
    assert ours == right or version == "1.0-1"
    if ours:
        assert canonicalize_name(name) in project_of(filename)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.just(WHEEL) | st.just(">=3"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["filename", "url", "hashes", "sha256", "requires-python", "yanked", "core-metadata", "size", "meta"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=400, deadline=None)
@given(
    JSON, JSON, st.dictionaries(st.sampled_from(["project-status", "alternate-locations", "versions", "name"]), JSON)
)
def test_any_json_ends_in_a_page_or_in_our_error(files: Any, meta: Any, extra: Any) -> None:
    for page in (
        {"meta": {"api-version": "1.0"}, "files": [files, meta], **extra},
        {"meta": meta, "files": files},
        files,
    ):
        try:
            parsed = parse_json(json.dumps(page).encode(), BASE, "demo")
        except TransportError:
            continue
        for artifact in parsed.artifacts("x"):
            assert type(artifact).from_dict(artifact.to_dict()) == artifact
            assert artifact.url.startswith("https://")
        parsed.rejections()


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_the_short_way_gives_what_the_long_way_gives(data: Any) -> None:
    from envkit.index.entries import Collector
    from envkit.index.plain_entries import fields_of, plain_columns
    from envkit.index.simple_api import _add_json_file
    from envkit.model.listing import Files

    entries = [draw_entry(data) for _ in range(data.draw(st.integers(1, 3)))]
    try:
        columns, endings, odd = plain_columns(fields_of(entries), BASE, "demo")
    except (KeyError, TypeError, AttributeError, ValueError, IndexError):
        return
    for at, (one, short) in enumerate(zip(entries, zip(*columns, strict=True), strict=True)):
        collector = Collector(BASE, "demo")
        _add_json_file(collector, one)
        assert at in odd or [short] == collector.rows
    assert list(endings) == Files(columns).endings


def draw_entry(data: Any) -> dict[str, Any]:
    filename = data.draw(
        st.sampled_from(
            [
                WHEEL,
                "demo-1.0.tar.gz",
                "Demo-1.0rc1-cp312-cp312-win32.whl",
                "other-1.0.tar.gz",
                "demo-1x.tar.gz",
                "demo-1.0-1-py3-none-any.whl",
                "demo-1.0-1b_2-py3-none-any.whl",
                "demo-1.0-b1-py3-none-any.whl",
                "demo-1.0-1-2-py3-none-any.whl",
                "demo-1.0-12-none-any.whl",
                "demo-1.0.zip",
                "demo-1.0.egg",
                "demo.whl",
                "demo-1.0-py3.whl",
                "",
            ]
        )
    )
    folder = data.draw(
        st.sampled_from(
            [
                "/f/", "../../f/", "https://f.example/a/", "http://f.example/", "", "x?y=/", "//f.example/", "/a/../b/",
                "#/", "https://u:p@f.example/", "https://f.example:8443/x/", "f", "https://F.example/", "./", "https:///",
                "\\\\evil/", "/ /",
            ]
        )
    )  # fmt: skip
    given = entry(filename, url=folder + filename)
    for key, values in {
        "hashes": [{}, {"sha256": DIGEST}, {"sha256": DIGEST.upper()}, {"md5": "a" * 32}, None, {"sha256": 5}],
        "size": [1, -1, True, None, "1"],
        "requires-python": [">=3", ">=3.6.*", "x", "", 3, None],
        "yanked": [True, False, None, "why", ""],
        "upload-time": ["2024", 5, None],
        "core-metadata": [
            True,
            False,
            None,
            {"sha256": DIGEST},
            {"sha256": "x"},
            {"sha256": ""},
            {"md5": "a" * 32},
            {},
            "x",
            5,
        ],
        "dist-info-metadata": [True, False, None, {"sha256": DIGEST}],
        "provenance": ["https://p.example", 5, None],
    }.items():
        if data.draw(st.booleans()):
            given[key] = data.draw(st.sampled_from(values))
    return given


ATTRIBUTES = st.sampled_from(["href", "data-yanked", "data-requires-python", "data-core-metadata", "name", "content"])
HTML = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            ["<", "<a ", "<!", "<![CDATA[", "<?", "<!--", "</a", "&#", "&#x110000;", "<base href='", "\x00"]
        ),
        st.builds(
            lambda tag, name, value: f'<{tag} {name}="{value}">',
            st.sampled_from(["a", "base", "meta", "A"]),
            ATTRIBUTES,
            st.text(max_size=20)
            | st.sampled_from([WHEEL, "//[", "pypi:repository-version", "http://[::1", "#sha256=zz"]),
        ),
    ),
    max_size=12,
).map("".join)


@settings(max_examples=500, deadline=None)
@given(HTML | st.binary(max_size=200).map(lambda data: data.decode("latin-1")), st.sampled_from(["demo", None]))
def test_any_html_ends_in_a_page_or_in_our_error(text: str, project: str | None) -> None:
    try:
        parsed = parse_html(text.encode("utf-8", "surrogatepass"), BASE, project)
    except TransportError:
        return
    assert all(artifact.url.startswith("https://") for artifact in parsed.artifacts(None))
    parsed.rejections()


@given(st.binary(max_size=300), st.text(max_size=40) | st.sampled_from([JSON_TYPE, HTML_TYPE, None]))
def test_any_bytes_of_any_type(data: bytes, kind: str | None) -> None:
    try:
        parse_page(data, kind, BASE, "demo")
    except TransportError:
        pass


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_archive_ends_in_metadata_or_in_our_error(data: Any) -> None:
    from io import BytesIO

    from envkit.index.ranged import wheel_metadata

    archive = bytearray(wheel_bytes("demo", "1.0")[1])
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(archive) - 1))
        archive[at] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(archive)))
    try:
        assert isinstance(wheel_metadata(BytesIO(bytes(archive[:cut])), WHEEL, 10_000), bytes)
    except EnvkitError:
        pass


@pytest.mark.parametrize(
    "text",
    [
        "(" * 50_000 + "os_name == 'x'" + ")" * 50_000,
        " or ".join(["os_name == 'x'"] * 50_000),
        " and ".join(["(os_name == 'x'"] * 50_000) + ")" * 50_000,
    ],
)
def test_markers_and_specifiers_without_measure_are_refused(text: str) -> None:
    with pytest.raises(RequirementError):
        parse_marker(text)
    with pytest.raises(RequirementError):
        parse_requirement(f"demo; {text}")
    with pytest.raises(RequirementError):
        parse_specifier(",".join([">=1"] * 50_000))
