"""Under first-index, errors say which indexes had no say, and why."""

from __future__ import annotations

import pytest

import envkit
from envkit.testing.loopback import LoopbackIndex
from envkit.testing.wheels import wheel_bytes

HERE = envkit.Interpreter.current()


@pytest.fixture(scope="module")
def indexes():
    first = dict([wheel_bytes("lib", "1.0"), wheel_bytes("app", "1.0", requires=["lib>=2"])])
    second = dict([wheel_bytes("lib", "2.0"), wheel_bytes("only", "1.0")])
    with LoopbackIndex(first) as one, LoopbackIndex(second) as other:
        yield one.url, other.url


def test_no_candidate_names_them_with_a_reason_each(indexes, tmp_path):
    kit = envkit.Kit(indexes=indexes, cache_dir=tmp_path)
    with pytest.raises(envkit.NoCandidate) as caught:
        kit.resolve(["lib>=2"], target=HERE)
    error = caught.value
    reasons = [(one.subject, one.detail) for one in error.rejections if one.reason == "index-not-asked"]
    assert reasons == [(indexes[1], f"{indexes[0]} comes first and has lib")]
    assert f"{indexes[1]} was not asked about lib" in error.message
    assert "index_strategy" in error.hint


def test_the_impossible_does_so_too(indexes, tmp_path):
    kit = envkit.Kit(indexes=indexes, cache_dir=tmp_path)
    with pytest.raises(envkit.ResolutionImpossible) as caught:
        kit.resolve(["app", "only"], target=HERE)
    error = caught.value
    assert f"{indexes[1]} was not asked about lib: {indexes[0]} comes first and has lib" in error.context["account"]
    assert [one["reason"] for one in error.context["rejections"]["lib"]] == ["index-not-asked"]
    assert "index_strategy" in error.hint
    assert "only" not in error.context["rejections"]


def test_extra_indexes_of_pip_come_first_and_are_told(indexes, tmp_path):
    kit = envkit.Kit.from_environment(
        {"PIP_INDEX_URL": indexes[1], "PIP_EXTRA_INDEX_URL": indexes[0], "PIP_CONFIG_FILE": "/dev/null"},
        cache_dir=tmp_path,
    )
    with pytest.raises(envkit.NoCandidate, match="was not asked about lib"):
        kit.resolve(["lib>=2"], target=HERE)


@pytest.mark.parametrize("strategy", ["unsafe-first-match", "unsafe-best-match"])
def test_what_the_hint_says_helps(indexes, tmp_path, strategy):
    policy = envkit.ResolutionPolicy(index_strategy=strategy)
    kit = envkit.Kit(indexes=indexes, cache_dir=tmp_path, policy=policy)
    assert str(kit.resolve(["app"], target=HERE).pins["lib"].version) == "2.0"
    with pytest.raises(envkit.NoCandidate) as caught:
        kit.resolve(["lib>=3"], target=HERE)
    assert "index" not in (caught.value.hint or "")
    pinned = envkit.Index(indexes[1], projects=("lib",))
    kit = envkit.Kit(indexes=(indexes[0], pinned), cache_dir=tmp_path)
    assert str(kit.resolve(["app"], target=HERE).pins["lib"].version) == "2.0"


def test_passwords_of_indexes_are_not_told(indexes, tmp_path):
    secret = indexes[1].replace("http://", "http://user:geheim@")
    kit = envkit.Kit(indexes=(indexes[0], secret), cache_dir=tmp_path)
    with pytest.raises(envkit.NoCandidate) as caught:
        kit.resolve(["lib>=2"], target=HERE)
    assert "geheim" not in str(caught.value.to_dict())
    assert "geheim" not in repr(caught.value.rejections)
