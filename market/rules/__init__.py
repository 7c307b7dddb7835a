"""Rules of the market, by topic. Pure: they see dataclasses and are given the moment."""
