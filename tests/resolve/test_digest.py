"""Digests: what is read is what was written, and damage is noticed and does no harm."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.errors import TransportError
from envkit.model.candidate import CoreMetadata
from envkit.model.metadata import parse_metadata
from envkit.model.policy import ResolutionPolicy
from envkit.resolve.dependencies import Dependency, VersionDependencies, evaluate
from envkit.resolve.digest import Releases
from envkit.resolve.resolver import Resolver
from envkit.resolve.rules import Rules
from envkit.resolve.selection import select
from envkit.testing.source import MemorySource, Release

from . import graphs

INDEX = {
    "a": {"1": ["b"], "2": ["b>=2", "c; extra == 'x'"], "3a1": []},
    "b": {"1": [], "2": Release(requires_python=">=3.8", upload_time=None), "3": Release(yanked="no")},
    "c": {"1.0": [], "1.0+cpu": []},
}
ROOTS = ["a[x]", "b", "c"]


def answer(source):
    resolution = Resolver(graphs.TARGET, source).resolve(ROOTS)
    return {name: (str(pin.version), pin.artifacts) for name, pin in resolution.pins.items()}


class Kept(MemorySource):
    """A source that hands out digests damaged in a given way."""

    def __init__(self, damage=lambda data: data, harm=lambda data: data):
        super().__init__(INDEX)
        self.damage = damage
        self.harm = harm

    def load_digest(self, key):
        data = super().load_digest(key)
        return None if data is None else self.damage(data)

    def load_files(self, key):
        data = super().load_files(key)
        return None if data is None else self.harm(data)


def kept(damage, harm=lambda data: data):
    source = Kept()
    answer(source)
    other = Kept(damage, harm)
    other._digests = source._digests
    other._pages = source._pages
    return other


def test_a_digest_tells_all_that_pages_and_metadata_do():
    source = kept(lambda data: data)
    assert answer(source) == answer(MemorySource(INDEX))
    assert source.calls == []


@settings(max_examples=300)
@given(at=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_digest_changes_nothing(at, flip, cut):
    def damage(data):
        place = int(at * len(data))
        if cut:
            return data[:place]
        return data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]

    assert answer(kept(damage)) == answer(MemorySource(INDEX))


OTHERS = ["a<2", "b<2", "c"]
"""A question about versions that nobody looked at for the first one."""


def answer_others(source):
    resolution = Resolver(graphs.TARGET, source).resolve(OTHERS)
    return {name: (str(pin.version), pin.artifacts) for name, pin in resolution.pins.items()}


def test_files_of_versions_that_were_looked_at_are_in_the_digest_itself():
    def asked(data):
        raise AssertionError("nobody needs the files of all versions")

    assert answer(kept(lambda data: data, asked)) == answer(MemorySource(INDEX))


def test_files_of_other_versions_are_loaded_where_one_is_chosen_and_stay_stored():
    source = kept(lambda data: data)
    assert answer_others(source) == answer_others(MemorySource(INDEX))
    assert [call for call in source.calls if call[0] == "page"] == []
    again = Kept(harm=lambda data: b"")
    again._digests, again._pages = source._digests, source._pages
    assert answer_others(again) == answer_others(MemorySource(INDEX))  # by now the digest has those too
    assert again.calls == []
    assert answer(again) == answer(MemorySource(INDEX))


@settings(max_examples=300)
@given(at=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255), cut=st.booleans())
def test_damaged_files_change_nothing(at, flip, cut):
    def harm(data):
        place = int(at * len(data))
        if cut:
            return data[:place]
        return data[:place] + bytes([data[place] ^ flip]) + data[place + 1 :]

    source = kept(lambda data: data, harm)
    assert answer_others(source) == answer_others(MemorySource(INDEX))
    assert answer(source) == answer(MemorySource(INDEX))


def test_files_that_are_gone_are_selected_again_and_stored():
    source = kept(lambda data: data, lambda data: None)
    assert answer_others(source) == answer_others(MemorySource(INDEX))
    assert ("page", "a") in source.calls
    source.harm = lambda data: data
    source.calls.clear()
    assert answer_others(source) == answer_others(MemorySource(INDEX))
    assert source.calls == []


def test_files_of_another_page_or_other_rules_are_not_taken():
    releases = Releases.of("a", "page-1", [])
    files = releases.encode_files("rules")
    assert releases.take_files("rules", files)
    assert not releases.take_files("others", files)
    assert not Releases.of("a", "page-2", []).take_files("rules", files)
    for data in (b"", b"\n", b"envkit-files 1 0\n", b"\xff\n", files[:-2]):
        assert not releases.take_files("rules", data)


def test_files_of_many_versions_are_packed_together_and_found_again():
    source = MemorySource({"a": {f"1.{at}": [] for at in range(50)}})
    page = source.page("a")
    told = Releases.of("a", page.identity, select(page, Rules(graphs.TARGET, ResolutionPolicy(), 0.0)))
    told.learn(20, VersionDependencies((), {}))
    packed = told.encode_files("rules")
    again = Releases.decode("a", page.identity, "rules", told.encode("rules"))
    assert again is not None
    assert again.artifacts(49) is None
    assert again.artifacts(20) == told.artifacts(20)
    assert again.take_files("rules", packed)
    assert [again.artifacts(at) for at in range(50)] == [told.artifacts(at) for at in range(50)]
    again.learn(33, VersionDependencies((), {}))
    assert again.encode_files("rules") == packed
    third = Releases.decode("a", page.identity, "rules", again.encode("rules"))
    assert third is not None
    assert third.artifacts(33) == told.artifacts(33)


@pytest.mark.parametrize("data", [b"", b"\n" * 9, b"envkit-digest 2 0 0 0\n", b"envkit-digest 2 x y z\n", b"\xff" * 99])
def test_what_is_no_digest_is_none(data):
    assert Releases.decode("a", "i", "r", data) is None


def test_a_digest_of_another_page_or_other_rules_is_none():
    data = Releases.of("a", "page-1", []).encode("rules")
    assert Releases.decode("a", "page-1", "rules", data) is not None
    assert Releases.decode("a", "page-2", "rules", data) is None
    assert Releases.decode("a", "page-1", "others", data) is None


def test_what_may_pass_is_not_kept():
    source = MemorySource({"a": {"1": [], "2": []}})
    builds = []

    def metadata(name, version, artifacts):
        builds.append(str(version))
        if str(version) == "2" and len(builds) == 1:
            from envkit.errors import WheelBuildError

            raise WheelBuildError("the compiler was on holiday")
        return CoreMetadata(name=name, version=str(version))

    source.metadata = metadata
    assert str(Resolver(graphs.TARGET, source).resolve(["a"]).pins["a"].version) == "1"
    source.change("b", {"1": []})  # another question, so that nothing is answered from memory
    assert str(Resolver(graphs.TARGET, source).resolve(["a", "b"]).pins["a"].version) == "2"


def test_an_index_that_cannot_be_read_ends_the_resolution():
    source = MemorySource({"a": {"1": ["b"]}})

    def page(name):
        raise TransportError("the cable is cut")

    source.page = page
    source.page_identity = lambda name: None
    with pytest.raises(TransportError):
        Resolver(graphs.TARGET, source).resolve(["a"])


METADATA = b"""Metadata-Version: 2.1
Name: a
Version: 1
Provides-Extra: Fast_Path
Requires-Dist: plain
Requires-Dist: windows; sys_platform == 'win32'
Requires-Dist: quick>=2; extra == 'Fast_Path'
Requires-Dist: turbo; extra == 'fast-path' and python_version < '3'
Requires-Dist: reverse; 'fast-path' == extra
Requires-Dist: other; extra == 'undeclared'
"""


def test_dependencies_are_evaluated_for_the_target_and_told_apart_by_extra():
    found = evaluate(parse_metadata(METADATA), graphs.MARKERS)
    assert found.base == (Dependency("plain", (), "", None),)
    assert found.extras["fast-path"] == (Dependency("quick", (), ">=2", None), Dependency("reverse", (), "", None))
    assert found.extras["undeclared"] == (Dependency("other", (), "", None),)


def test_an_unusable_version_survives_a_digest():
    releases = Releases.of("a", "page", [])
    assert Releases.decode("a", "page", "r", releases.encode("r")) is not None
    source = MemorySource({"a": {"1": ["not a requirement ((("], "0": []}})
    for _ in range(2):
        assert str(Resolver(graphs.TARGET, source).resolve(["a"]).pins["a"].version) == "0"
