"""The grading rules as pure functions, by topic. `replay.grade` is the whole: evidence in, grade out."""
