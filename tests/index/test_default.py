from __future__ import annotations

import subprocess
import sys

import pytest
from distlib.index import DEFAULT_INDEX

from envkit.index import default


def test_the_address_is_distlibs():
    assert default.default_index_url().startswith(DEFAULT_INDEX.rpartition("/")[0])
    assert default.default_index_url().endswith("/simple/")


@pytest.mark.parametrize("missing", ["spec", "constant"])
def test_without_a_source_to_read_distlib_is_imported(missing, monkeypatch):
    if missing == "spec":
        monkeypatch.setattr(default.PathFinder, "find_spec", lambda name: None)
    else:
        monkeypatch.setattr(default, "_CONSTANT", default.re.compile(b"nothing like it"))
    assert default._stated() is None
    assert default._imported() == DEFAULT_INDEX


def test_the_constant_is_read_without_importing_distlib():
    code = (
        "import sys; from envkit.index.default import default_index_url; default_index_url();"
        "print('distlib.index' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
