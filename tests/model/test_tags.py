"""The order of tags, against `packaging`."""

from __future__ import annotations

import pytest
from packaging.tags import compatible_tags, cpython_tags

from envkit.model import tags as tagging

PLATFORMS = {
    "windows": ["win_amd64"],
    "linux": tagging.linux_platforms(["x86_64"], glibc=(2, 39)),
    "two": ["Linux_X86_64", "linux_x86_64", "manylinux_2_17_x86_64"],
}


@pytest.mark.parametrize("platforms", PLATFORMS.values(), ids=PLATFORMS)
@pytest.mark.parametrize("minor", [2, 7, 8, 9, 10, 11, 14, 15, 20])
@pytest.mark.parametrize("abi", ["cp3{}", "cp3{}t", "cp3{}d", "none"])
def test_tags_are_those_of_packaging(minor, abi, platforms):
    abi = abi.format(minor)
    theirs = [*cpython_tags((3, minor), [abi], platforms), *compatible_tags((3, minor), f"cp3{minor}", platforms)]
    ours = tagging.tags("cp", (3, minor, 1), f"3{minor}", [abi], platforms)
    assert ours == tuple(dict.fromkeys(map(str, theirs)))
