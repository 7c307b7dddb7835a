"""What time does to grades: tables and runs are prepared by the clock; a grade is signed by a person."""

from core import jobs
from grading import services


@jobs.periodic("20 * * * *", "grading.monthly_run")
async def monthly_run() -> None:
    """On or after the first working day of quarter and month, once; everything else is decided by the services."""
    await services.calibrate_if_due()
    await services.run_if_due()


@jobs.task("grading.replay_scheme")
async def replay_scheme(replay_id: int) -> None:
    """A replay of the past under other rules; one that was cut off is taken up again."""
    await services.run_replay(replay_id=replay_id)


@jobs.periodic("40 * * * *", "grading.schemes")
async def schemes() -> None:
    """New rules whose day has come, shadows of closed runs, and replays whose hint was lost."""
    await services.enter_force_if_due()
    await services.shadow_latest()
    await services.run_queued_replays()


@jobs.periodic("50 18 * * *", "grading.grader_signals")
async def grader_signals() -> None:
    """Every night at 02:50 in Shanghai: signals about reviewers, evaluations and ties."""
    await services.compute_grader_signals()


@jobs.periodic("35 * * * *", "grading.life_sweep")
async def life_sweep() -> None:
    """Lapse what nobody contested, end displays that are over, mark what is overdue."""
    await services.end_displays()
    await services.sweep_objections()
    await services.sweep_repairs()
    await services.sweep_asked()


@jobs.periodic("40 18 * * *", "grading.suggest_successors")
async def suggest_successors() -> None:
    """At night: who may carry on an agency with a record. A suggestion only; people decide."""
    await services.suggest_successors()


@jobs.periodic("25 * * * *", "grading.sweep_record")
async def sweep_record() -> None:
    """Contracts not signed, late and missing filings, overruns and repeated returns are put to the agency; a person decides."""
    await services.sweep_record()
