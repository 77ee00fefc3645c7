"""envkit in a process of its own, told what to resolve over standard input, one JSON object a line.

With ``--once`` it resolves one request and ends: this is envkit as a fresh process. Without, it loads everything that
resolving needs, says so with an empty line, and answers request after request: the first answer to a request is envkit's
first call in a process, later ones are hot. A request's ``salt`` adds a constraint on a project that nothing needs: new
inputs, same problem, so that remembering the last answer is not taken for solving.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from typing import Any


def main() -> None:
    """Answer requests until standard input ends."""
    url, cache = sys.argv[1:3]
    once = "--once" in sys.argv
    if not once:
        _load(cache)
        print(flush=True)
    for line in sys.stdin:
        print(json.dumps(resolve(url, cache, json.loads(line))), flush=True)
        if once:
            return


def resolve(url: str, cache: str, request: dict[str, Any]) -> dict[str, Any]:
    """Resolve one request; ``seconds`` spans making the kit, resolving and reading the pins."""
    import envkit

    start = time.perf_counter()
    policy: dict[str, Any] = {"only_binary": (":all:",)}
    if request["exclude_newer"]:
        policy["exclude_newer"] = request["exclude_newer"]
    constraints = (f"envkit-benchmark-{request['salt']}>=0",) if request["salt"] else ()
    facts: dict[str, Any] = {"pins": None, "error": None}
    try:
        kit = envkit.Kit(indexes=(url,), cache_dir=cache, policy=envkit.ResolutionPolicy(**policy))
        resolution = kit.resolve(request["requirements"], target=envkit.Interpreter.current(), constraints=constraints)
        facts["pins"] = {name: str(pin.version) for name, pin in resolution.pins.items()}
        facts["seconds"] = time.perf_counter() - start
    except envkit.EnvkitError as error:
        facts["seconds"] = time.perf_counter() - start
        facts["error"] = f"{type(error).__name__}: {error}"[:300]
    facts["peak"] = _peak()
    return facts


def _load(cache: str) -> None:
    """Import all that resolving imports, and learn about the interpreter."""
    import envkit

    envkit.Interpreter.current()
    with contextlib.suppress(envkit.EnvkitError):
        kit = envkit.Kit(indexes=(), cache_dir=cache)
        kit.resolve(["envkit-benchmark-nothing"], target=envkit.Interpreter.current())


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
