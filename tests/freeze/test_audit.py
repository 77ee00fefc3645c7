"""Vulnerabilities, from fakes of an index and of an OSV server on loopback."""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.errors import EnvkitError, IndexAccessError, ProjectNotFound
from envkit.inspection.audit import IndexVulnerabilities, OsvVulnerabilities, audit, nearest_fix
from envkit.model.identity import parse_version
from envkit.model.lock import LockedPackage

INDEX = {
    "/pypi/urllib3/1.26.0/json": {
        "vulnerabilities": [
            {
                "id": "PYSEC-1",
                "aliases": ["CVE-1"],
                "summary": "bad",
                "fixed_in": ["2.0.7", "1.26.18"],
                "link": "https://x",
            },
            {"id": "PYSEC-2", "withdrawn": "2024-01-01T00:00:00Z", "fixed_in": []},
        ]
    },
    "/pypi/good/1/json": {"vulnerabilities": []},
}
OSV = {
    "urllib3": [
        {"id": "GHSA-1", "aliases": ["CVE-1"], "affected": []},
        {
            "id": "GHSA-3",
            "details": "worse",
            "affected": [
                {"package": {"name": "urllib3"}, "ranges": [{"type": "ECOSYSTEM", "events": [{}, {"fixed": "1.27"}]}]},
                {"package": {"name": "other"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"fixed": "9"}]}]},
            ],
            "references": [{"url": "https://y"}],
        },
    ]
}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(INDEX.get(self.path))

    def do_POST(self):
        query = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert query["package"]["ecosystem"] == "PyPI"
        found = OSV.get(query["package"]["name"], [])
        if query.get("page_token"):
            self.answer({"vulns": found[1:]})
        else:
            self.answer({"vulns": found[:1], **({"next_page_token": "2"} if len(found) > 1 else {})})

    def answer(self, data):
        body = json.dumps(data).encode()
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def url():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def fetch(url: str, body: bytes | None) -> bytes:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=body), timeout=120) as answer:
            return answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        raise ProjectNotFound("unknown") from None


def package(name, version):
    return LockedPackage(name=name, version=parse_version(version))


def test_findings_of_both_are_united(url):
    packages = [
        package("urllib3", "1.26.0"),
        package("good", "1"),
        package("unknown", "1"),
        LockedPackage(name="no-version"),
    ]
    found = audit(packages, [IndexVulnerabilities(f"{url}/pypi/", fetch), OsvVulnerabilities(url, fetch)])
    assert [(one.name, one.vulnerability.id, one.nearest_fix) for one in found] == [
        ("urllib3", "PYSEC-1", "1.26.18"),  # GHSA-1 is the same by its alias
        ("urllib3", "GHSA-3", "1.27"),
    ]
    assert found[0].vulnerability.fixed_in == ("1.26.18", "2.0.7")
    assert found[1].vulnerability.link == "https://y"


def test_half_an_answer_is_none():
    def broken(url, body):
        return b"<html>"

    for provider in (IndexVulnerabilities("x", broken), OsvVulnerabilities("x", broken)):
        with pytest.raises(IndexAccessError):
            audit([package("a", "1")], [provider])


def test_nearest_fix():
    assert nearest_fix("1.5", ["1.4", "2.0", "1.6rc1", "bad"]) == "1.6rc1"
    assert nearest_fix("3", ["1"]) is None
    assert nearest_fix("weird", ["1"]) is None


@pytest.mark.parametrize(
    ("events", "bad", "good"),
    [
        ([{"introduced": "0"}, {"fixed": "1.5"}], ["0", "1.4.9", "1.5rc1"], ["1.5", "1.6", "1!0"]),
        ([{"introduced": "1.2"}, {"last_affected": "1.5"}], ["1.2", "1.5"], ["1.1", "1.5.1", "1.5.post1", "2"]),
        ([{"fixed": "2.5"}, {"introduced": "2"}, {"introduced": "0"}, {"fixed": "1.1"}], ["1", "2.4"], ["1.1", "1.9"]),
        ([{"introduced": "1!1.0"}, {"fixed": "1!1.2"}], ["1!1.0", "1!1.1"], ["1.1", "99", "1!1.2"]),
        ([{"introduced": "0"}, {"last_affected": "1.0"}, {"introduced": "2.0"}, {"fixed": "2.1"}], ["1.0", "2.0"], ["1.5"]),
        ([{"introduced": "1.0"}], ["1.0", "9"], ["0.9"]),
        ([{"introduced": "0"}, {"fixed": "not a version"}], ["1"], []),
    ],
)  # fmt: skip
def test_ranges(events, bad, good):
    """What is affected is read off the events, whatever the server picked."""
    affected = {"package": {"name": "a", "ecosystem": "PyPI"}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}

    def fake(url, body):
        return json.dumps({"vulns": [{"id": "X", "affected": [affected]}]}).encode()

    provider = OsvVulnerabilities("x", fake)
    assert [text for text in bad + good if provider.vulnerabilities("a", text)] == bad


def test_ranges_of_commits_and_of_others_say_nothing():
    spans = [{"type": "GIT", "events": [{"introduced": "0"}]}, {"type": "ECOSYSTEM", "events": [{"introduced": "5"}]}]
    entries = [{"package": {"name": "A", "ecosystem": "PyPI"}, "ranges": spans},
               {"package": {"name": "a", "ecosystem": "npm"}, "versions": ["1"]}]  # fmt: skip

    def fake(url, body):
        return json.dumps({"vulns": [{"id": "X", "affected": entries}]}).encode()

    provider = OsvVulnerabilities("x", fake)
    assert provider.vulnerabilities("a", "1") == ()
    assert [one.id for one in provider.vulnerabilities("a", "5")] == ["X"]


def test_local_builds_have_the_faults_of_their_version():
    asked = []

    def fake(url, body):
        asked.append(url)
        return b'{"vulnerabilities": [{"id": "X", "fixed_in": ["3"]}]}'

    (finding,) = audit([package("torch", "2.1+cu118")], [IndexVulnerabilities("x", fake)])
    assert (asked, finding.version, finding.nearest_fix) == (["x/torch/2.1/json"], "2.1+cu118", "3")


_TREES = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["vulnerabilities", "vulns", "id", "aliases", "fixed_in", "affected", "ranges", "events",
                             "fixed",
                             "package", "name", "type", "references", "url", "withdrawn"]), inner, max_size=4),
    ),
    max_leaves=20,
)  # fmt: skip


@given(_TREES)
def test_any_answer_is_read_or_refused(tree):
    def fake(url, body):
        return json.dumps(tree).encode()

    for provider in (IndexVulnerabilities("x", fake), OsvVulnerabilities("x", fake)):
        try:
            audit([package("a", "1")], [provider])
        except EnvkitError:
            pass
