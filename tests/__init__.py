"""The suite: one folder per package, and house/, stories/, golden/, factories/, browser/."""
