"""`python -m benchmarks.grading`: every figure with its bar; exit code 1 where one is missed. the other ways to
score stand beside ours, also on files of other shapes. `--speed` adds the times, with the decayed mean of DuckDB and of Polars in the same run."""

import sys
from resource import RUSAGE_SELF, getrusage

from benchmarks.grading.figures import ALL, Figure, beside
from benchmarks.grading.shapes import shapes
from benchmarks.grading.speed import measure


def _bar(one: Figure) -> str:
    bounds = [f">= {one.least}" if one.least is not None else "", f"<= {one.most}" if one.most is not None else ""]
    return " ".join(bounds).strip()


if __name__ == "__main__":
    missed = 0
    for figures in ALL:
        found = figures()
        for one in found if isinstance(found, list) else [found]:
            mean = "" if one.mean is None else f"{one.mean:.3f}"
            print(
                f"| {one.name} | {mean} | {one.ours:.3f} | {_bar(one)}{'' if one.met else ' **missed**'} |", flush=True
            )
            missed += not one.met
    for name, values in beside():
        print(f"| {name} | {' | '.join(f'{value:.3f}' for value in values)} |", flush=True)
    for shape, *taus in shapes():
        print(f"| {shape} | {' | '.join(f'{value:.3f}' for value in taus)} |", flush=True)
    if "--speed" in sys.argv:
        for timed in measure():
            bound = "" if timed.limit is None else f"<= {timed.limit} s"
            print(f"| {timed.name} | {timed.clock:.5f} s | {timed.processor:.5f} s | {bound} |", flush=True)
        print(f"| peak memory | {getrusage(RUSAGE_SELF).ru_maxrss / 1024:.0f} MB |", flush=True)
    sys.exit(bool(missed))
