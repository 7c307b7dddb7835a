"""The ground floor: people, organisations, sessions, the trail, workdays, files, jobs, web glue.

Nothing here speaks a word of the trade; what only one floor needs lives on that floor.
"""
