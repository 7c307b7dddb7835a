"""The demo market: eighteen months of an invented Xintai, played through the real services.

`build` plays it, `sign_ins` says who you may be in it, `xinshi demo` does it from the command line.

How it is made: `roster` (who) and `world` (how they behave, from one seed) are a model; `plays` are what
people do, chapter by chapter, as processes on a `stage` with a simulated clock. What follows from it,
down to the grades, is the product's own doing.
"""

from portal.demo.build import DemoReport, build
from portal.demo.people import SignIn, sign_ins

__all__ = ["DemoReport", "SignIn", "build", "sign_ins"]
