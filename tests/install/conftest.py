"""Waiting for the disk is not what these tests are about: a killed process loses nothing that it has written."""

from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch, request):
    if "synced" not in request.keywords:
        monkeypatch.setattr(os, "fsync", lambda descriptor: None)
