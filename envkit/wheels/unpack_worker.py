"""Checks and unpacks one wheel after the other into a pool, beside the process that fetches them.

Run with -I and -S: where envkit and what it needs are to be found is the first argument, a JSON list; the second one is
the pool, the third one the parent. Lines on stdin are JSON objects, arguments of `WheelPool.add`; each is answered by a
line: the sha256 of what is in the pool now, or null. Then the parent tries itself, and says what the matter is.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from select import POLLIN, poll

_LOOK_MS = 100


def main(paths: list[str], root: str, parent: int) -> None:
    """Serve until stdin ends, or the parent is gone."""
    sys.path += paths  # behind the standard library, which nothing that is installed may hide
    from envkit.wheels.pool import WheelPool

    for module in ("pool_contents", "pool_unpack"):  # while the first wheel is fetched
        import_module(f"envkit.wheels.{module}")
    pool = WheelPool(root)
    asked = poll()
    asked.register(0, POLLIN)
    with open(0, "rb", buffering=0, closefd=False) as lines:
        while os.getppid() == parent:
            # Not for ever: a child that the parent forked meanwhile has the other end, too, so it may never be closed.
            if not asked.poll(_LOOK_MS):
                continue
            line = lines.readline()
            if not line:
                return
            sha256 = None
            try:
                sha256 = pool.add(**json.loads(line)).sha256
            except Exception:  # noqa: BLE001, S110  of whatever kind: the parent meets it again
                pass
            os.write(1, json.dumps(sha256).encode() + b"\n")


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
