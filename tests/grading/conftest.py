"""A busy machine is no failure: property tests of grading have no time limit of their own."""

from hypothesis import settings

settings.register_profile("grading", deadline=None)
settings.load_profile("grading")
