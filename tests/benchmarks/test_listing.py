"""The environment that listing is timed on holds what it says."""

from __future__ import annotations

from benchmarks import listing


def test_the_environment_and_its_peers(tmp_path, monkeypatch):
    monkeypatch.setattr(listing, "COUNT", 8)
    env = listing.make_environment(tmp_path)
    assert len(env.distributions()) == len(listing.importlib_list(env)) == 8
    assert env.distributions()[0].requires_dist[0] == "project-001>=1.0; python_version >= '3.8'"
    assert 0 < listing.first_call(env).seconds < 60
