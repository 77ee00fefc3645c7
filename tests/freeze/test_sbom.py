"""Bills of materials; the validator of the CycloneDX library is the judge of their form where it is installed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from envkit.formats.lock import Lock
from envkit.inspection.graph import DependencyGraph
from envkit.inspection.sbom import materials_of_graph, materials_of_lock, write_sbom
from envkit.installed.database import scan
from tests.formats.test_locks import PYLOCK

pytest.importorskip("cyclonedx", reason="the extra sbom is not installed")


def check_form(text: str) -> None:
    """Validate by the schema of CycloneDX."""
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_of_a_lock():
    text = write_sbom(materials_of_lock(Lock.parse(PYLOCK)), subject="app", timestamp=datetime(2026, 1, 1, tzinfo=UTC))
    check_form(text)
    data = json.loads(text)
    assert (data["bomFormat"], data["specVersion"]) == ("CycloneDX", "1.6")
    assert [one["purl"] for one in data["components"]] == ["pkg:pypi/a@1.0", "pkg:pypi/b@2", "pkg:pypi/c", "pkg:pypi/d"]
    assert "secret" not in text
    assert data["metadata"]["component"]["name"] == "app"


def test_of_an_environment(tmp_path):
    for name, needs in (
        ("a", "Requires-Dist: b\nLicense-Expression: MIT OR Apache-2.0\n"),
        ("b", "Classifier: License :: OSI Approved :: BSD License\n"),
    ):
        (tmp_path / f"{name}-1.dist-info").mkdir()
        (tmp_path / f"{name}-1.dist-info" / "METADATA").write_text(
            f"Metadata-Version: 2.4\nName: {name}\nVersion: 1\n{needs}Summary: thing\n"
        )
    facts = {
        "url": "https://f.example/a-1-py3-none-any.whl",
        "filename": "a-1-py3-none-any.whl",
        "hashes": {"sha256": "0" * 64},
    }
    (tmp_path / "a-1.dist-info" / "envkit.json").write_text(json.dumps(facts))
    text = write_sbom(materials_of_graph(DependencyGraph(scan([tmp_path]), {})))
    check_form(text)
    data = json.loads(text)
    assert [one["licenses"] for one in data["components"]] == [
        [{"expression": "MIT OR Apache-2.0"}],
        [{"license": {"name": "BSD License"}}],
    ]
    assert [one.get("hashes") for one in data["components"]] == [[{"alg": "SHA-256", "content": "0" * 64}], None]
    needs = {one["ref"]: one.get("dependsOn", []) for one in data["dependencies"]}
    assert needs == {"subject:environment": ["a==1"], "a==1": ["b==1"], "b==1": []}
