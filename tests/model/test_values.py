from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, make_dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.version import Version

from envkit.model.candidate import Artifact, CoreMetadata, ProjectPage, Rejection
from envkit.model.policy import ResolutionPolicy
from envkit.model.resolution import Edge, Pin, Request, Resolution
from envkit.model.source import Index, Origin
from envkit.model.target import Target
from envkit.model.values import Value

texts = st.text(max_size=20)
artifacts = st.builds(
    Artifact,
    filename=texts,
    url=texts,
    hashes=st.dictionaries(texts, texts, max_size=2),
    size=st.none() | st.integers(0, 10**12),
    requires_python=st.none() | texts,
    yanked=st.none() | texts,
    upload_time=st.none() | texts,
    metadata=st.none() | st.dictionaries(texts, texts, max_size=2),
    index=st.none() | texts,
)
origins = st.builds(
    Origin,
    url=texts,
    kind=st.sampled_from(["archive", "directory", "vcs"]),
    hashes=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
    editable=st.booleans(),
    vcs=st.none() | texts,
)
versions = st.sampled_from(["1", "1.0", "2.0a1", "1!3.post2+local.1"]).map(Version)
pins = st.builds(
    Pin,
    name=texts,
    version=versions,
    extras=st.lists(texts, max_size=2).map(tuple),
    artifacts=st.lists(artifacts, max_size=2).map(tuple),
    dependencies=st.lists(texts, max_size=2).map(tuple),
    requested_by=st.lists(st.builds(Request, by=texts, requirement=texts), max_size=2).map(tuple),
    origin=st.none() | origins,
)
targets = st.builds(
    Target, python=texts, markers=st.dictionaries(texts, texts, max_size=3), tags=st.lists(texts).map(tuple)
)
resolutions = st.builds(
    Resolution,
    target=targets,
    roots=st.lists(texts, max_size=2).map(tuple),
    pins=st.dictionaries(texts, pins, max_size=2),
    edges=st.lists(st.builds(Edge, parent=texts, child=texts, requirement=texts), max_size=2).map(tuple),
)
pages = st.builds(
    ProjectPage,
    name=texts,
    artifacts=st.lists(artifacts, max_size=2).map(tuple),
    identity=texts,
    rejected=st.lists(
        st.builds(Rejection, subject=texts, reason=st.sampled_from(["yanked", "too-new"])), max_size=2
    ).map(tuple),
)


@given(st.one_of(artifacts, origins, pins, resolutions, pages))
def test_every_value_survives_json(value):
    assert type(value).from_dict(json.loads(json.dumps(value.to_dict()))) == value


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Value):
    count: int = 0
    ratio: float = 0.0
    when: datetime | None = None
    where: Path | None = None
    pair: tuple[int, str] = (0, "")
    names: frozenset[str] = frozenset()
    kind: Literal["a", "b"] = "a"
    table: Mapping[str, tuple[int, ...]] | None = None


def test_every_shape_survives():
    value = Sample(
        count=3,
        ratio=2.5,
        when=datetime(2026, 1, 2, tzinfo=UTC),
        where=Path("/x/y"),
        pair=(1, "z"),
        names=frozenset("ba"),
        kind="b",
        table={"k": (1, 2)},
    )
    assert Sample.from_dict(json.loads(json.dumps(value.to_dict()))) == value


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"count": "3"}, "Sample.count"),
        ({"count": True}, "Sample.count"),
        ({"pair": [1]}, "Sample.pair"),
        ({"pair": [1, 2]}, r"Sample.pair\[1\]"),
        ({"kind": "c"}, "Sample.kind"),
        ({"table": {"k": ["x"]}}, r"Sample.table\['k'\]\[0\]"),
        ({"table": 4}, "Sample.table"),
        ({"names": "ab"}, "Sample.names"),
        ({"schema": 99}, "schema 99"),
    ],
)
def test_what_does_not_fit_names_its_place(change, place):
    with pytest.raises(ValueError, match=place):
        Sample.from_dict({**Sample().to_dict(), **change})


def test_a_missing_field_is_named():
    with pytest.raises(ValueError, match="filename is missing"):
        Artifact.from_dict({"schema": 1, "url": "x"})


def test_no_mapping_is_an_error():
    with pytest.raises(ValueError, match="expected a mapping"):
        CoreMetadata.from_dict([1])  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [Pin, Resolution, Artifact, ProjectPage, Origin, Target, ResolutionPolicy])
def test_types_can_be_asked_for_at_run_time(kind):
    assert get_type_hints(kind).keys() >= {field.name for field in fields(kind)}


def _twin(kind):
    """A dataclass with the same fields, whose methods `dataclasses` made."""
    names = [(field.name, object, _copied(field)) for field in fields(kind)]
    return make_dataclass(kind.__name__, names, frozen=True, kw_only=True)


def _copied(original):
    from dataclasses import field

    return field(repr=original.repr, compare=original.compare)


def _as_twin(value, twin):
    return twin(**{field.name: getattr(value, field.name) for field in fields(value)})


_by_fields = st.one_of(
    artifacts, pins, resolutions, targets, st.builds(Edge, parent=texts, child=texts, requirement=texts)
)


@given(_by_fields, _by_fields)
def test_values_compare_and_show_themselves_as_dataclasses_do(one, other):
    twin = _twin(type(one))
    assert repr(one) == repr(_as_twin(one, twin))
    assert (one == one) is (one == replace(one)) is True
    if type(other) is type(one):
        assert (one == other) is (_as_twin(one, twin) == _as_twin(other, twin))
    assert one != _as_twin(one, twin)
    assert one.__eq__(3) is NotImplemented


def test_equal_values_have_one_hash():
    edge = Edge(parent="", child="a", requirement="a>=1")
    assert {edge, replace(edge), replace(edge, child="b")} == {edge, Edge(parent="", child="b", requirement="a>=1")}
    assert hash(Index("https://index.example/simple/")) == hash(Index("https://index.example/simple/"))
    assert Index("https://index.example/simple/") != Index("https://index.example/simple/", priority=1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(ResolutionPolicy())  # it holds mappings
