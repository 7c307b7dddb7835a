"""Watching the graders (grading.md §7): pure functions from frames to frames; pandas lives here.

Nothing here knows a database. Import it late and run it in a thread: importing pandas takes longer
than answering a page. What the frames hold is written in `frames`, what the limits mean in
`grading.rules.watching`.
"""
