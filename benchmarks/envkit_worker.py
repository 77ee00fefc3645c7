"""envkit in a process of its own, told what to do over standard input, one JSON object a line.

With ``--once`` it answers one request and ends: this is envkit as a fresh process. Without, it loads everything that
resolving needs, says so with an empty line, and answers request after request with one `Kit`: the first answer is
envkit's first call in a process, later ones are hot. A request's ``salt`` adds a constraint on a project that nothing
needs: new inputs, same problem, so that remembering the last answer is not taken for solving. A request with
``environment`` (a path) installs there instead, one with ``lock`` (options) makes a universal lock, from the last one if it
says ``again``.
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
    kits: dict[str | None, Any] = {}
    for line in sys.stdin:
        print(json.dumps(answer(url, cache, json.loads(line), kits)), flush=True)
        if once:
            return


def answer(url: str, cache: str, request: dict[str, Any], kits: dict[str | None, Any]) -> dict[str, Any]:
    """Answer one request; ``seconds`` spans making the kit if there is none yet, the work, and reading the result."""
    import envkit

    start = time.perf_counter()
    policy: dict[str, Any] = {"only_binary": (":all:",)}
    newest = request["exclude_newer"]
    if newest:
        policy["exclude_newer"] = newest
    constraints = (f"envkit-benchmark-{request['salt']}>=0",) if request["salt"] else ()
    facts: dict[str, Any] = {"pins": None, "error": None}
    try:
        if newest not in kits:
            kits[newest] = envkit.Kit(indexes=(url,), cache_dir=cache, policy=envkit.ResolutionPolicy(**policy))
        kit, wanted = kits[newest], request["requirements"]
        if request.get("environment"):
            env = envkit.Environment.open(request["environment"])
            kit.install(env, wanted, compile_bytecode=request["compile"])
        elif request.get("lock"):
            previous = kits.get("lock") if request.get("again") else None
            lock = kits["lock"] = kit.lock(wanted, constraints=constraints, previous=previous, **request["lock"])
            facts["pins"] = {f"{one.name} {one.marker or ''}".strip(): str(one.version) for one in lock.packages}
        else:
            resolution = kit.resolve(wanted, target=envkit.Interpreter.current(), constraints=constraints)
            facts["pins"] = {name: str(pin.version) for name, pin in resolution.pins.items()}
        facts["seconds"] = time.perf_counter() - start
    except envkit.EnvkitError as error:
        facts["seconds"] = time.perf_counter() - start
        facts["error"] = f"{type(error).__name__}: {error}"[:300]
    facts["peak"] = _peak()
    return facts


def _load(cache: str) -> None:
    """Import all that resolving and locking import, and learn about the interpreter."""
    import envkit

    envkit.Interpreter.current()
    with contextlib.suppress(envkit.EnvkitError):
        kit = envkit.Kit(indexes=(), cache_dir=cache)
        kit.lock([])
        kit.resolve(["envkit-benchmark-nothing"], target=envkit.Interpreter.current())


def _peak() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
