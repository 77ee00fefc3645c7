"""Direct references that are spelled in two ways, and such that only look alike."""

from __future__ import annotations

import itertools

import pytest

from envkit.errors import ResolutionImpossible
from envkit.resolve.places import meets
from envkit.resolve.resolver import Resolver
from envkit.testing.source import MemorySource

from .graphs import TARGET
from .test_semantics import URL, candidate, resolve

SHA, OTHER = "sha256=" + "ab" * 32, "sha256=" + "cd" * 32
WHEEL = "https://files.example/x/a-5-py3-none-any.whl"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (WHEEL, f"{WHEEL}#egg=a"),
        (WHEEL, "HTTPS://Files.Example/x/a-5-py3-none-any.whl"),
        (WHEEL, "https://user:word@files.example/x/a-5-py3-none-any.whl"),
        (WHEEL, "https://files.example/./x//a%2D5-py3-none-any.whl"),
        (f"{WHEEL}#{SHA}", f"{WHEEL}#egg=a&{SHA.upper().replace('SHA', 'sha')}"),
        ("git+https://host.example/a.git@1#subdirectory=b", "git+https://host.example/a@1#egg=a&subdirectory=b/"),
        ("git+ssh://git@host.example/a", "git+ssh://git@host.example/a.git/"),
        ("file:///home/a/", "file://localhost/home/a"),
    ],
)
def test_the_same_place_in_other_words(one, other):
    assert meets(one, other) and meets(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (WHEEL, WHEEL.replace("-5-", "-6-")),
        (WHEEL, WHEEL.replace("https", "http")),
        (WHEEL, WHEEL.replace("/x/", "/X/")),
        (WHEEL, WHEEL.replace(".example", ".example:8443")),
        (WHEEL, f"{WHEEL}?version=2"),
        (f"{WHEEL}#{SHA}", f"{WHEEL}#{OTHER}"),
        (f"{WHEEL}#subdirectory=b", f"{WHEEL}#subdirectory=c"),
        (f"{WHEEL}#subdirectory=b", WHEEL),
        ("git+https://host.example/a@1", "git+https://host.example/a@2"),
        ("git+https://host.example/a@1", "git+https://host.example/a"),
        ("git+https://host.example/a", "hg+https://host.example/a"),
        ("https://host.example/a.git", "https://host.example/a"),
        ("git+https://host.example/a%40b", "git+https://host.example/a@b"),
        ("git+https://host.example/a@b@1", "git+https://host.example/a@b%401"),
        ("https://host.example/a%2Fb", "https://host.example/a/b"),
        ("https://[files.example/a.whl", WHEEL),
    ],
)
def test_other_places(one, other):
    assert not meets(one, other) and not meets(other, one)


def test_a_hash_that_is_asked_for_has_to_be_checked():
    assert meets(WHEEL, f"{WHEEL}#{SHA}")
    assert not meets(f"{WHEEL}#{SHA}", WHEEL)


@pytest.mark.parametrize("solver", ["pubgrub", "resolvelib"])
def test_a_place_in_two_spellings_is_one_pin(solver):
    spellings = (URL, f"{URL}#egg=a", f"{URL}#{SHA}", URL.replace("//", "//user:word@"))
    nine = URL.replace("-5-", "-9-")
    direct = {nine: candidate(nine, "9"), **{url: candidate(url) for url in spellings}}
    for first, second in itertools.permutations(spellings, 2):
        index = {"a": {"9": []}, "b": {"1": [f"a @ {second}"]}, "c": {"2": [f"a @ {nine}"], "1": ["a"]}}
        assert resolve(solver, index, [f"a @ {first}", "b"], direct=direct) == {"a": "5", "b": "1"}
        assert resolve(solver, index, ["a", "b"], constraints=[f"a @ {first}"], direct=direct) == {"a": "5", "b": "1"}
        assert resolve(solver, index, ["c", "b"], direct=direct) == {"a": "5", "b": "1", "c": "1"}
    with pytest.raises(ResolutionImpossible):
        resolve(
            solver, {}, [f"a @ {URL}#{SHA}", f"a @ {URL}#{OTHER}"], direct={**direct, f"{URL}#{OTHER}": candidate(URL)}
        )


def test_the_spelling_that_says_more_is_fetched_whatever_comes_first():
    spellings = [URL, f"{URL}#egg=a", URL.replace("//", "//user:word@"), f"{URL}#{SHA}"]
    direct = {url: candidate(url) for url in spellings}
    for order in itertools.permutations(spellings):
        source = MemorySource({}, direct=direct)
        found = Resolver(TARGET, source).resolve([f"a @ {url}" for url in order])
        assert found.pins["a"].origin == direct[f"{URL}#{SHA}"].origin
        assert {url for kind, url in source.calls if kind == "direct"} == {f"{URL}#{SHA}"}
