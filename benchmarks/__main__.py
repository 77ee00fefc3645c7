"""``python -m benchmarks``: time resolution on the recorded workloads, or on ``unrecorded`` ones of the live index.

Other commands are ``record``, ``serve``, ``growth`` and ``install``.
"""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks import machine
from benchmarks.clerk import file_result, start
from benchmarks.live import default_database
from benchmarks.peer_programs import install_missing
from benchmarks.recording import DEFAULT
from benchmarks.resolving import Options, time_workload
from benchmarks.unrecorded import UNRECORDED
from benchmarks.workloads import ALL, USUAL

RESULTS = Path(__file__).parent / "results"


def main(arguments: list[str]) -> int:
    """Run the command that the first argument names."""
    # Installed packages come with bytecode; a process that may not keep any would compile envkit anew each time.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    command = arguments[0] if arguments else ""
    if command == "record":
        from benchmarks.record import main as record

        record(arguments[1:])
    elif command == "serve":
        from benchmarks.server import main as serve

        serve(arguments[1:])
    elif command == "growth":
        from benchmarks.growth import main as growth

        growth(arguments[1:])
    elif command == "install":
        from benchmarks.install_stack import main as install

        install(arguments[1:])
    elif command == "unrecorded":
        return resolve(arguments[1:], live=True)
    else:
        return resolve(arguments[1:] if command == "resolve" else arguments)
    return 0


def resolve(arguments: list[str], *, live: bool = False) -> int:
    """Time resolution, print the report, and give 1 if a peer gave pins that are no resolution."""
    known = UNRECORDED if live else ALL
    usual = list(UNRECORDED) if live else [workload.name for workload in USUAL]
    name = "unrecorded" if live else "resolve"
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks {name}", description=resolve.__doc__)
    parser.add_argument(
        "workloads", nargs="*", help=f"of {', '.join(known)}; 'all'; if none is named {', '.join(usual)}"
    )
    parser.add_argument("--peers", default="uv,envkit" if live else "uv,pip,envkit", help="with commas")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--slow-rounds", type=int, default=7, help="rounds of peers other than uv and envkit")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one resolution")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for all rounds of one peer")
    parser.add_argument("--no-cold", action="store_true", default=live)
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--name", default=name, help="of the files that are written")
    parser.add_argument("--recording", type=Path, help="another recording than the one of the repository")
    options = parser.parse_args(arguments)
    names = list(known) if options.workloads == ["all"] else options.workloads or usual
    fill = default_database() if live else None
    chosen = Options(
        rounds=options.rounds,
        slow_rounds=options.slow_rounds,
        timeout=options.timeout,
        budget=options.budget,
        peers=tuple(options.peers.split(",")),
        cold=not options.no_cold,
        recording=options.recording,
        fill=fill,
    )
    install_missing(chosen.peers)
    wrong, text = False, ""
    setup = (machine.facts(), fill or options.recording or DEFAULT, live)
    with ProcessPoolExecutor(1, get_context("spawn"), start, setup) as clerk:
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            result, outcomes = time_workload(known[name], chosen)
            # Written as it goes: a long run that is cut short has still told something.
            text, wrong = clerk.submit(file_result, result, outcomes, options.output, options.name).result()
    print(text)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
