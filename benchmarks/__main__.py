"""``python -m benchmarks``: time resolution on the recorded workloads; ``record``, ``serve``, ``growth``, ``install``."""

from __future__ import annotations

import argparse
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks import machine
from benchmarks.clerk import file_result, start
from benchmarks.peer_programs import install_missing
from benchmarks.recording import DEFAULT
from benchmarks.resolving import Options, time_workload
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
    else:
        return resolve(arguments[1:] if command == "resolve" else arguments)
    return 0


def resolve(arguments: list[str]) -> int:
    """Time resolution, print the report, and give 1 if a peer gave pins that are no resolution."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks resolve", description=resolve.__doc__)
    parser.add_argument("workloads", nargs="*", help=f"of {', '.join(ALL)}; 'all'; the usual five if none is named")
    parser.add_argument("--peers", default="uv,pip,envkit", help="with commas")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--slow-rounds", type=int, default=7, help="rounds of peers other than uv and envkit")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds for one resolution")
    parser.add_argument("--budget", type=float, default=60.0, help="seconds for all rounds of one peer")
    parser.add_argument("--no-cold", action="store_true")
    parser.add_argument("--output", type=Path, default=RESULTS)
    parser.add_argument("--name", default="resolve", help="of the files that are written")
    parser.add_argument("--recording", type=Path, help="another recording than the one of the repository")
    options = parser.parse_args(arguments)
    names = list(ALL) if options.workloads == ["all"] else options.workloads or [workload.name for workload in USUAL]
    chosen = Options(
        rounds=options.rounds,
        slow_rounds=options.slow_rounds,
        timeout=options.timeout,
        budget=options.budget,
        peers=tuple(options.peers.split(",")),
        cold=not options.no_cold,
        recording=options.recording,
    )
    install_missing(chosen.peers)
    wrong, text = False, ""
    setup = (machine.facts(), options.recording or DEFAULT)
    with ProcessPoolExecutor(1, get_context("spawn"), start, setup) as clerk:
        for name in names:
            print(f"{name} ...", file=sys.stderr, flush=True)
            result, outcomes = time_workload(ALL[name], chosen)
            # Written as it goes: a long run that is cut short has still told something.
            text, wrong = clerk.submit(file_result, result, outcomes, options.output, options.name).result()
    print(text)
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
