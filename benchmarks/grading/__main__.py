"""`python -m benchmarks.grading`: every figure with its bar; exit code 1 where one is missed. `--speed` adds the times."""

import sys

from benchmarks.grading.figures import ALL, Figure
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
    if "--speed" in sys.argv:
        for timed in measure():
            print(f"| {timed.name} | {timed.clock:.5f} s | {timed.processor:.5f} s | <= {timed.limit} s |", flush=True)
    sys.exit(bool(missed))
