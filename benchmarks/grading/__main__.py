"""`python -m benchmarks.grading`: every figure with its bar; exit code 1 where one is missed."""

import sys

from benchmarks.grading.figures import ALL

if __name__ == "__main__":
    missed = 0
    for measure in ALL:
        found = measure()
        for one in found if isinstance(found, list) else [found]:
            mean = "" if one.mean is None else f"  mean {one.mean:7.3f}"
            bar = " ".join(
                [f">= {one.least}" if one.least is not None else "", f"<= {one.most}" if one.most is not None else ""]
            ).strip()
            print(f"{one.name:52} {one.ours:7.3f}{mean}  {bar}  {'' if one.met else 'MISSED'}", flush=True)
            missed += not one.met
    sys.exit(bool(missed))
