"""What the client gives, from one index and from several, and what the cache makes of it."""

import gc
import hashlib
import json
import os
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from envkit.cache import Cache
from envkit.errors import (
    HashMismatch,
    IndexAccessError,
    InvalidWheel,
    ProjectNotFound,
    TransportError,
)
from envkit.events import DownloadFinished, Emitter, MetadataFetched, ProjectFetched
from envkit.index.client import IndexClient
from envkit.model.source import Index
from envkit.testing.loopback import HTML_TYPE, LoopbackAnswer, LoopbackIndex
from envkit.testing.transport import FakeResponse, FakeTransport
from envkit.testing.wheels import make_sdist, make_wheel, sdist_bytes, wheel_bytes


def wheels(*versions: str, name: str = "demo", **options: Any) -> dict[str, bytes]:
    return dict(wheel_bytes(name, version, **options) for version in versions)


class Handed:
    """A transport that hands over the very responses that it is given."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def send(self, request: Any) -> Any:
        return self._answer(request)

    def close(self) -> None:
        pass


def names(page: Any) -> list[str]:
    return [artifact.filename for artifact in page.artifacts]


@pytest.mark.parametrize("html", [False, True])
@pytest.mark.parametrize("core_metadata", [False, True])
def test_page_metadata_and_file(make_client: Any, *, html: bool, core_metadata: bool) -> None:
    filename, data = wheel_bytes("demo", "1.0", requires=["other>1"], requires_python=">=3.8")
    yanked, other = wheel_bytes("demo", "0.9")
    details = {yanked: {"yanked": "broken"}}
    with LoopbackIndex(
        {filename: data, yanked: other}, html=html, core_metadata=core_metadata, details=details
    ) as index:
        client = make_client(index.url)
        page = client.project("Demo")
        bad, good = page.artifacts
        assert (page.name, page.index, page.identity) == ("demo", index.url, client.page_identity("demo"))
        assert (bad.yanked, good.yanked) == ("broken", None)
        assert good.hashes == {"sha256": hashlib.sha256(data).hexdigest()}
        assert good.requires_python == ">=3.8"
        assert good.url == f"{index.root}/files/{filename}"
        assert (good.metadata is not None) is core_metadata
        assert b"other>1" in client.metadata(good)
        assert index.count(".whl.metadata") == int(core_metadata)
        assert client.fetch(good).read_bytes() == data
        assert client.fetch(good).name == filename
        before = len(index.requests)
        again = make_client(index.url)
        assert names(again.project("demo")) == names(page)
        assert again.project("demo") == page
        again.metadata(good)
        again.fetch(good)
        assert len(index.requests) == before


def test_absence_is_remembered(make_client: Any) -> None:
    with LoopbackIndex() as index:
        for _ in range(2):
            with pytest.raises(ProjectNotFound) as caught:
                make_client(index.url).project("missing")
            assert caught.value.context["project"] == "missing"
        assert index.count() == 1
        with pytest.raises(ProjectNotFound):
            make_client(index.url).project("../../etc/passwd")
        assert index.count() == 1


def test_no_index_at_all(make_client: Any) -> None:
    with pytest.raises(ProjectNotFound, match="no index has"):
        make_client().project("demo")


def test_events(make_client: Any) -> None:
    seen: list[Any] = []
    with LoopbackIndex(wheels("1.0")) as index:
        client = make_client(index.url, emitter=Emitter(seen.append))
        artifact = client.project("demo").artifacts[0]
        client.metadata(artifact)
        client.fetch(artifact)
    kinds = {type(event) for event in seen}
    assert {ProjectFetched, MetadataFetched, DownloadFinished} <= kinds
    assert next(event.how for event in seen if isinstance(event, MetadataFetched)) == "sidecar"


class TestFreshness:
    def at(self, seconds: float) -> Any:
        return lambda: time.time() + seconds

    def test_ten_minutes_without_any_header(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0"), etag=False) as index:
            make_client(index.url).project("demo")
            assert make_client(index.url, clock=self.at(590)).page_identity("demo")
            late = make_client(index.url, clock=self.at(610))
            assert late.page_identity("demo") is None
            late.project("demo")
            assert index.count() == 2

    def test_an_old_page_is_asked_for_conditionally(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0"), max_age=60) as index:
            first = make_client(index.url).project("demo")
            again = make_client(index.url, clock=self.at(61))
            assert again.project("demo") == first
            assert index.requests[1].headers["if-none-match"]
            assert make_client(index.url, clock=self.at(100)).page_identity("demo") == first.identity
            index.add(*wheel_bytes("demo", "2.0"))
            changed = make_client(index.url, clock=self.at(200)).project("demo")
            assert len(changed.artifacts) == 2
            assert changed.identity != first.identity

    def test_last_modified_serves_where_there_is_no_tag(self, make_client: Any) -> None:
        when = "Wed, 21 Oct 2015 07:28:00 GMT"
        with LoopbackIndex(wheels("1.0"), etag=False) as index:
            body = index.page_body("demo", as_json=True)

            def hook(request: Any) -> LoopbackAnswer:
                headers = {"Content-Type": "application/json", "Last-Modified": when, "Cache-Control": "max-age=5"}
                status = 304 if request.headers.get("if-modified-since") == when else 200
                return LoopbackAnswer(status=status, headers=headers, body=b"" if status == 304 else body)

            index.hook = hook
            first = make_client(index.url).project("demo")
            assert make_client(index.url, clock=self.at(6)).project("demo") == first
            assert "if-modified-since" in index.requests[1].headers

    @pytest.mark.parametrize(("header", "stored"), [("no-store", False), ("no-cache", True), ("max-age=0", True)])
    def test_what_headers_forbid(self, make_client: Any, cache: Cache, header: str, *, stored: bool) -> None:
        with LoopbackIndex(wheels("1.0")) as index:
            body = index.page_body("demo", as_json=True)
            headers = {"Content-Type": "application/json", "Cache-Control": header}
            index.hook = lambda _: LoopbackAnswer(headers=headers, body=body)
            client = make_client(index.url)
            # Asked for once in the life of a client all the same, so that one resolution sees one state.
            assert client.project("demo").identity == client.project("demo").identity == client.page_identity("demo")
            assert index.count() == 1
            assert (cache.size() > 0) is stored
            make_client(index.url).project("demo")
            assert index.count() == 2

    def test_a_clock_that_went_back(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0")) as index:
            make_client(index.url, clock=self.at(1_000_000)).project("demo")
            assert make_client(index.url).page_identity("demo") is None

    def test_refresh_all_or_by_project(self, make_client: Any) -> None:
        with LoopbackIndex({**wheels("1.0"), **wheels("1.0", name="other")}) as index:
            client = make_client(index.url)
            for name in ("demo", "other"):
                client.project(name)
            partly = make_client(index.url, refresh=("Demo",))
            for name in ("demo", "other", "demo"):
                partly.project(name)
            assert index.count("/demo/") == 2
            assert index.count("/other/") == 1
            wholly = make_client(index.url, refresh=True)
            for name in ("demo", "other", "demo"):
                wholly.project(name)
            assert index.count() == 5


class TestOffline:
    def test_answers_from_the_cache_alone(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0"), max_age=0) as index:
            client = make_client(index.url)
            page = client.project("demo")
            artifact = page.artifacts[0]
            client.metadata(artifact)
            client.fetch(artifact)
            url = index.url
        offline = make_client(url, offline=True)
        assert offline.page_identity("demo") == page.identity
        assert offline.project("demo") == page
        assert offline.metadata(artifact)
        assert offline.fetch(artifact).exists()

    def test_says_what_is_missing(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0")) as index:
            artifact = make_client(index.url, cache=Cache(None)).project("demo").artifacts[0]
            offline = make_client(index.url, offline=True)
            before = len(index.requests)
            offline.prefetch_pages(["demo"])
            offline.prefetch_metadata([artifact])
            for call in (
                lambda: offline.project("demo"),
                lambda: offline.metadata(artifact),
                lambda: offline.fetch(artifact),
            ):
                with pytest.raises(TransportError, match="demo") as caught:
                    call()
                assert caught.value.context["offline"] is True
            assert len(index.requests) == before


class TestSeveral:
    def test_the_first_index_that_has_the_project_wins(self, make_client: Any) -> None:
        with (
            LoopbackIndex(wheels("1.0")) as private,
            LoopbackIndex({**wheels("99.0"), **wheels("1", name="x")}) as public,
        ):
            client = make_client(private.url, public.url)
            assert names(client.project("demo")) == ["demo-1.0-py3-none-any.whl"]
            assert public.count() == 0
            assert client.project("x").index == public.url
            assert client.page_identity("x") is not None

    @pytest.mark.parametrize("strategy", ["unsafe-first-match", "unsafe-best-match"])
    def test_all_indexes_in_their_order(self, make_client: Any, strategy: str) -> None:
        with LoopbackIndex(wheels("1.0", "2.0")) as one, LoopbackIndex(wheels("2.0", "3.0")) as two:
            page = make_client(one.url, two.url, index_strategy=strategy).project("demo")
            assert [(item.filename.split("-")[1], item.index) for item in page.artifacts] == [
                ("1.0", one.url), ("2.0", one.url), ("3.0", two.url),
            ]  # fmt: skip
            assert [(item.subject.split("-")[1], item.reason) for item in page.rejected] == [("2.0", "hidden-by-index")]

    def test_a_page_is_shared_by_names_and_artifacts_are_not(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0")) as index:
            plain = make_client(index.url).project("demo")
            named = make_client(Index(index.url, name="corporate")).project("demo")
            assert index.count() == 1
            assert (plain.artifacts[0].index, named.artifacts[0].index) == (index.url, "corporate")
            # Whatever is kept under an identity holds artifacts, and with them the name.
            assert plain.identity != named.identity

    def test_pages_are_kept_apart_by_the_user_of_the_url(self, make_client: Any) -> None:
        def hook(request: Any) -> LoopbackAnswer | None:
            return None if "authorization" in request.headers else LoopbackAnswer(status=404)

        with LoopbackIndex(wheels("1.0"), hook=hook) as index:
            with pytest.raises(ProjectNotFound):
                make_client(index.url).project("demo")
            assert make_client(index.url.replace("//", "//user:secret@")).project("demo").artifacts
            with pytest.raises(ProjectNotFound):
                make_client(index.url).project("demo")
            assert index.count() == 2

    def test_one_index_twice_gives_each_file_once(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0")) as index:
            page = make_client(index.url, index.url, index_strategy="unsafe-best-match").project("demo")
            assert names(page) == ["demo-1.0-py3-none-any.whl"]

    def test_priority_orders_indexes(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0")) as late, LoopbackIndex(wheels("2.0")) as early:
            page = make_client(Index(late.url), Index(early.url, priority=-1)).project("demo")
            assert page.index == early.url

    def test_an_explicit_index_serves_its_projects_alone(self, make_client: Any) -> None:
        both = {**wheels("9.0"), **wheels("9.0", name="torch")}
        with LoopbackIndex(both) as special, LoopbackIndex({**wheels("1.0"), **wheels("1.0", name="torch")}) as usual:
            index = Index(special.url, name="special", explicit=True, projects=("Torch",))
            client = make_client(index, usual.url)
            assert names(client.project("demo")) == ["demo-1.0-py3-none-any.whl"]
            page = client.project("torch")
            assert (names(page), page.index) == (["torch-9.0-py3-none-any.whl"], "special")
            special.remove("torch-9.0-py3-none-any.whl")
            with pytest.raises(ProjectNotFound):
                make_client(index, usual.url, refresh=True).project("torch")

    def test_a_failing_index_is_never_passed_over(self, make_client: Any) -> None:
        with LoopbackIndex(hook=lambda _: LoopbackAnswer(status=500)) as broken, LoopbackIndex(wheels("9.0")) as public:
            with pytest.raises(TransportError):
                make_client(broken.url, public.url).project("demo")
            assert public.count() == 0

    def test_alternate_locations_that_agree_are_joined(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0")) as one, LoopbackIndex(wheels("2.0")) as two:
            places = [f"{one.url}demo/", f"{two.url}demo/"]
            one.page["demo"] = {"alternate-locations": places}
            assert len(make_client(one.url, two.url, cache=Cache(None)).project("demo").artifacts) == 1
            two._pages.clear()
            two.page["demo"] = {"alternate-locations": places}
            client = make_client(one.url, two.url)
            assert len(client.project("demo").artifacts) == 2
            assert client.page_identity("demo") == client.project("demo").identity

    def test_tracks_joins_what_is_tracked(self, make_client: Any) -> None:
        with LoopbackIndex(wheels("1.0+cpu")) as one, LoopbackIndex(wheels("2.0")) as two:
            one.page["demo"] = {"meta": {"tracks": [f"{two.url}demo/"]}}
            assert len(make_client(one.url, two.url).project("demo").artifacts) == 2
            one._pages.clear()
            one.page["demo"] = {"meta": {"tracks": ["https://index.example/simple/demo/"]}}
            assert len(make_client(one.url, two.url, cache=Cache(None)).project("demo").artifacts) == 1


class TestLocal:
    def test_find_links_folder_beside_an_index(self, make_client: Any, tmp_path: Path) -> None:
        folder = tmp_path / "links"
        folder.mkdir()
        wheel = make_wheel(folder, "demo", "3.0", requires=["z"])
        make_sdist(folder, "demo", "3.1")
        make_wheel(folder, "other", "1.0")
        (folder / "readme.txt").write_text("hello")
        with LoopbackIndex(wheels("1.0")) as index:
            client = make_client(index.url, find_links=[folder])
            page = client.project("demo")
            assert names(page) == ["demo-3.0-py3-none-any.whl", "demo-3.1.tar.gz", "demo-1.0-py3-none-any.whl"]
            local = page.artifacts[0]
            assert client.fetch(local) == wheel
            assert b"Requires-Dist: z" in client.metadata(local)
            with pytest.raises(IndexAccessError, match="sdist"):
                client.metadata(page.artifacts[1])
            identity = client.page_identity("demo")
            make_wheel(folder, "demo", "4.0")
            assert make_client(index.url, find_links=[folder]).page_identity("demo") != identity

    def test_a_page_of_links(self, make_client: Any, tmp_path: Path) -> None:
        files = {**wheels("1.0"), **wheels("2.0", name="other"), **dict([sdist_bytes("demo-extra", "1.0")])}
        with LoopbackIndex(files) as index:
            client = make_client(find_links=[index.flat_url])
            assert names(client.project("demo")) == ["demo-1.0-py3-none-any.whl"]
            assert names(client.project("demo-extra")) == ["demo_extra-1.0.tar.gz"]
            assert client.page_identity("other") == client.project("other").identity
            assert index.count("/links") == 1
            with pytest.raises(ProjectNotFound):
                client.project("absent")
            assert make_client(Index(index.flat_url, format="flat")).project("demo").artifacts

    @pytest.mark.parametrize("style", ["files", "html", "json", "saved"])
    def test_file_indexes(self, make_client: Any, tmp_path: Path, style: str) -> None:
        folder = tmp_path / "simple" / "demo"
        folder.mkdir(parents=True)
        wheel = make_wheel(folder, "demo", "1.0")
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        root = (tmp_path / "simple").as_uri()
        if style == "html":
            (folder / "index.html").write_text(f'<a href="{wheel.name}#sha256={digest}">x</a>')
        elif style == "json":
            entry = {"filename": wheel.name, "url": wheel.name, "hashes": {"sha256": digest}}
            (folder / "index.json").write_text(json.dumps({"meta": {"api-version": "1.0"}, "files": [entry]}))
        elif style == "saved":
            (tmp_path / "links.html").write_text(f'<a href="simple/demo/{wheel.name}">x</a>')
        client = make_client(find_links=[tmp_path / "links.html"]) if style == "saved" else make_client(root)
        artifact = client.project("demo").artifacts[0]
        assert client.fetch(artifact) == wheel
        assert b"Name: demo" in client.metadata(artifact)
        with pytest.raises(ProjectNotFound):
            client.project("absent")
        if style in ("html", "json"):
            wheel.write_bytes(b"changed")
            with pytest.raises(HashMismatch) as caught:
                client.fetch(artifact)
            actual = hashlib.sha256(b"changed").hexdigest()
            assert caught.value.context == {
                "subject": str(wheel), "algorithm": "sha256", "expected": digest, "actual": actual,
            }  # fmt: skip
            assert all(text in caught.value.message for text in (str(wheel), digest, actual))

    def test_a_missing_place_is_an_error(self, make_client: Any, tmp_path: Path) -> None:
        with pytest.raises(TransportError, match="no such"):
            make_client(find_links=[tmp_path / "nowhere"]).project("demo")
        with pytest.raises(TransportError, match="no such") as caught:
            make_client(find_links=["nowhere"]).project("demo")
        assert os.path.join(os.getcwd(), "nowhere") in caught.value.message
        assert caught.value.hint is not None and "find-links" in caught.value.hint

    def test_a_page_from_the_network_cannot_name_local_files(self, make_client: Any, tmp_path: Path) -> None:
        wheel = make_wheel(tmp_path, "demo", "1.0")
        with LoopbackIndex(wheels("1.0"), details={wheel.name: {"url": wheel.as_uri()}}) as index:
            page = make_client(index.url).project("demo")
            assert page.artifacts == ()
            assert page.rejected[0].reason == "hidden-by-index"


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("data", [b"garbage" * 9000, wheel_bytes("other", "1.0")[1]])
def test_bytes_that_are_no_wheel(make_client: Any, data: bytes, *, ranges: bool) -> None:
    with LoopbackIndex({"demo-1.0-py3-none-any.whl": data}, core_metadata=False, ranges=ranges) as index:
        client = make_client(index.url)
        with pytest.raises(InvalidWheel, match=r"demo-1\.0-py3") as caught:
            client.metadata(client.project("demo").artifacts[0])
        assert caught.value.context["wheel"] == "demo-1.0-py3-none-any.whl"


def test_local_bytes_that_are_no_wheel(make_client: Any, tmp_path: Path) -> None:
    (tmp_path / "demo-1.0-py3-none-any.whl").write_bytes(b"garbage")
    client = make_client(find_links=[tmp_path])
    with pytest.raises(InvalidWheel):
        client.metadata(client.project("demo").artifacts[0])


class TestViews:
    def test_versions_latest_files(self, make_client: Any) -> None:
        files = wheels("1.0", "1.10", "2.0a1", "1.9")
        files |= dict([sdist_bytes("demo", "1.10")])
        details = {"demo-1.9-py3-none-any.whl": {"yanked": True}}
        with LoopbackIndex(files, details=details) as index:
            client = make_client(index.url)
            assert list(map(str, client.versions("demo"))) == ["2.0a1", "1.10", "1.0"]
            assert len(client.versions("demo", yanked=True)) == 4
            assert str(client.latest("demo")) == "1.10"
            assert str(client.latest("demo", prereleases=True)) == "2.0a1"
            assert len(client.files("demo", "1.10.0")) == 2

    def test_description_and_links(self, make_client: Any) -> None:
        fields = {
            "Summary": "It does things", "Project-URL": "Source, https://code.example/demo", "License-Expression": "MIT",
            "Home-page": "javascript:alert(1)", "Description-Content-Type": "text/markdown; charset=UTF-8",
        }  # fmt: skip
        with LoopbackIndex(wheels("1.0", fields=fields)) as index:
            found = make_client(index.url).describe("demo")
        assert (found.summary, found.license, found.content_type) == ("It does things", "MIT", "text/markdown")
        assert found.links == {"Source": "https://code.example/demo"}
        assert type(found).from_dict(found.to_dict()) == found


class TestPrefetch:
    def test_each_page_and_file_is_asked_for_once(self, make_client: Any) -> None:
        everything = {}
        for at in range(30):
            everything |= wheels("1.0", name=f"p{at}")
        with LoopbackIndex(everything, latency=0.02) as index:
            client = make_client(index.url)
            wanted = [f"p{at}" for at in range(30)]
            errors: list[BaseException] = []

            def work() -> None:
                try:
                    client.prefetch_pages(wanted)
                    artifacts = [client.project(name).artifacts[0] for name in wanted]
                    client.prefetch_metadata(artifacts)
                    for artifact in artifacts:
                        client.metadata(artifact)
                        client.fetch(artifact)
                except BaseException as error:  # noqa: BLE001
                    errors.append(error)

            threads = [threading.Thread(target=work) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(300)
            assert not errors
            paths = [request.path for request in index.requests]
            assert len(paths) == len(set(paths)) == 90

    def test_no_more_than_the_limit_are_under_way(self, make_client: Any) -> None:
        from envkit.index.transport import Limits

        now, most, lock = 0, 0, threading.Lock()
        five = threading.Barrier(5, timeout=60)

        def hook(_: Any) -> None:
            nonlocal now, most
            with lock:
                now += 1
                most = max(most, now)
            five.wait()  # so many come at once, eight times, however slow the machine is
            time.sleep(0.01)
            with lock:
                now -= 1

        with LoopbackIndex(hook=hook) as index:
            client = make_client(index.url, limits=Limits(connections=5))
            client.prefetch_pages([f"p{at}" for at in range(40)])
            for at in range(40):
                with pytest.raises(ProjectNotFound):
                    client.project(f"p{at}")
        assert most == 5

    def test_a_page_of_links_is_asked_for_once_for_all_projects(self, make_client: Any) -> None:
        def hook(request: Any) -> LoopbackAnswer | None:
            if request.path != "/flat/":
                return None
            time.sleep(0.05)
            links = "".join(f'<a href="p{at}-1.0-py3-none-any.whl">x</a>' for at in range(20))
            return LoopbackAnswer(headers={"Content-Type": HTML_TYPE}, body=links.encode())

        with LoopbackIndex(hook=hook) as index:
            client = make_client(index.url, find_links=[f"{index.root}/flat/"])
            client.prefetch_pages([f"p{at}" for at in range(20)])
            for at in range(20):
                assert [file.filename for file in client.project(f"p{at}").artifacts] == [f"p{at}-1.0-py3-none-any.whl"]
            assert index.count("/flat/") == 1

    def test_errors_show_where_the_page_is_asked_for(self, make_client: Any) -> None:
        with LoopbackIndex(hook=lambda _: LoopbackAnswer(status=403)) as index:
            client = make_client(index.url)
            client.prefetch_pages(["demo"])
            with pytest.raises(TransportError, match="refuses"):
                client.project("demo")


def test_a_damaged_file_in_the_cache_is_replaced(make_client: Any) -> None:
    with LoopbackIndex(wheels("1.0")) as index:
        client = make_client(index.url)
        artifact = client.project("demo").artifacts[0]
        path = client.fetch(artifact)
        good = path.read_bytes()
        path.write_bytes(good[:-5] + b"wrong")
        assert client.fetch(artifact).read_bytes() == good


def test_files_without_hashes_are_fetched_again_by_each_client(make_client: Any) -> None:
    with LoopbackIndex(wheels("1.0"), hashes=False) as index:
        client = make_client(index.url)
        artifact = client.project("demo").artifacts[0]
        assert artifact.hashes == {}
        client.fetch(artifact)
        client.fetch(artifact)
        assert index.count(".whl") == 1
        make_client(index.url).fetch(artifact)
        assert index.count(".whl") == 2


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    from envkit.host.gate import guarded

    def refuse(name: str, path: str) -> None:
        if str(tmp_path) in path:
            raise OSError(30, "read-only file system")

    with (
        LoopbackIndex(wheels("1.0")) as index,
        guarded(refuse),
        IndexClient([index.url], cache=Cache(tmp_path / "c")) as client,
    ):
        artifact = client.project("demo").artifacts[0]
        assert client.project("demo").artifacts == (artifact,)
        assert client.metadata(artifact)
        with pytest.raises(TransportError, match="cannot be written"):
            client.fetch(artifact)


def test_a_transport_of_ones_own(make_client: Any) -> None:
    page = {"meta": {"api-version": "1.0"}, "name": "demo", "files": []}
    headers = {"content-type": "application/json"}
    transport = FakeTransport(
        {"https://index.example/simple/demo/": FakeResponse(200, json.dumps(page).encode(), headers)}
    )
    client = make_client("https://index.example/simple/", transport=transport)
    assert client.project("demo").artifacts == ()
    with pytest.raises(ProjectNotFound):
        client.project("other")
    assert transport.requests[0].headers["Accept"].startswith("application/vnd")


@pytest.mark.parametrize("how", ["refused", "tried again", "read"])
def test_what_was_read_is_let_go_of(make_client: Any, how: str) -> None:
    read: list[weakref.ref[Any]] = []

    class Watched(FakeResponse):
        pass

    def answer(_: Any) -> FakeResponse:
        body = b'{"meta": {"api-version": "1.0"}, "name": "demo", "files": []}' if how == "read" else b"[" * 1000
        headers = {"content-type": "application/json"}
        watched = Watched(200, body, headers, cut_after=10 if how == "tried again" else None)
        read.append(weakref.ref(watched))
        return watched

    client = make_client("https://index.example/simple/", transport=Handed(answer), cache=Cache(None))
    gc.disable()
    try:
        with suppress(TransportError):
            client.project("demo")
        assert len(read) == (3 if how == "tried again" else 1)
        end = time.monotonic() + 60
        while any(one() is not None for one in read) and time.monotonic() < end:
            time.sleep(0.01)  # the thread that made the request may be a moment behind
        assert not [one for one in read if one() is not None]
    finally:
        gc.enable()


@pytest.mark.parametrize("url", ["http://index.example/simple/", "ftp://index.example/", "https:///simple/"])
def test_addresses_that_are_not_safe_are_refused(make_client: Any, url: str) -> None:
    with pytest.raises(TransportError):
        make_client(url, transport=FakeTransport({})).project("demo")


def test_a_trusted_host_may_be_asked_over_plain_http(make_client: Any) -> None:
    transport = FakeTransport({})
    client = make_client(
        "http://index.example:8080/simple/", transport=transport, trusted_hosts=("index.example:8080",)
    )
    with pytest.raises(ProjectNotFound):
        client.project("demo")
    assert len(transport.requests) == 1


def test_a_folder_of_files_is_looked_at_again_as_soon_as_one_comes_or_goes(make_client: Any, tmp_path: Path) -> None:
    client = make_client(find_links=[tmp_path])
    paths, seen = [], []
    for version in ("1", "2", "3"):
        paths.append(make_wheel(tmp_path, "demo", version))
        seen.append(len(client.project("demo").artifacts))
    paths[0].unlink()
    assert [*seen, len(client.project("demo").artifacts)] == [1, 2, 3, 2]
