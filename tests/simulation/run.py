"""Run seeds from the command line and tell the story of the first that goes wrong.

python tests/simulation/run.py --seeds 1000 --from 0
python tests/simulation/run.py --seeds 1 --from 4711 --story
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from plan import quiet, setup
from simulation import attempt, run, run_quiet, shrink
from story import told


def main() -> int:
    """Exit code 1 if a seed goes wrong."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=1_000, help="how many")
    parser.add_argument("--from", type=int, default=0, dest="first", help="the first one")
    parser.add_argument("--orders", type=int, default=0, help="orders of each seed (0: as it says)")
    parser.add_argument("--stored", action="store_true", help="states pass the stores' codecs")
    parser.add_argument("--all", action="store_true", help="go on after a failure, then count")
    parser.add_argument("--story", action="store_true", help="tell the story of the first seed")
    parser.add_argument(
        "--no-shrink", action="store_true", help="tell the whole story of a failure"
    )
    parser.add_argument(
        "--rate", action="store_true", help="measure orders that go well, per second"
    )
    options = parser.parse_args()
    if options.rate:
        return _rate(options.seeds)
    if options.story:
        print(*told(run(setup(options.first, options.orders))), sep="\n")
        return 0
    return _seeds(options)


def _seeds(options: argparse.Namespace) -> int:
    began, count, wrong = time.process_time(), 0, Counter[str]()
    for seed in range(options.first, options.first + options.seeds):
        chosen = setup(seed, options.orders, stored=options.stored)
        count += sum(step.kind == "order" for step in chosen.plan)
        failure = attempt(chosen)
        if failure is not None and options.all:
            wrong[failure.kind[:150]] += 1
            print(f"seed {seed}: {failure.wrong[:200]}", flush=True)
        elif failure is not None:
            print(failure if options.no_shrink else shrink(chosen, failure))
            return 1
    seconds = time.process_time() - began
    print(f"{options.seeds} seeds, {count} orders, {seconds:.1f} CPU seconds:", end=" ")
    print(f"{count / seconds:.0f} sagas/s")
    print(*(f"{times:5} {text}" for text, times in wrong.most_common(20)), sep="\n")
    return 1 if wrong else 0


def _rate(orders: int) -> int:
    began = time.process_time()
    world = run_quiet(quiet(0, orders))
    seconds = time.process_time() - began
    inputs = sum(world.decided.values())
    print(f"{orders} orders, {inputs} inputs, {seconds:.1f} CPU seconds:", end=" ")
    print(f"{orders / seconds:.0f} sagas/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
