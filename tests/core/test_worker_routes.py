"""What the worker needs besides jobs: the product's routes, so that it can say where Stripe leads people back to."""

import subprocess
import sys

from core.settings import CHECKOUT

SCRIPT = """
import core.instance, core.jobs
from contextlib import contextmanager
from core.postgres import Urls
from core.web import url_for

@contextmanager
def nowhere():
    yield Urls("", "")

async def work(url):
    print(url_for("payments:stripe-attempt", payable_id=1, attempt_id=2))

core.instance.database, core.jobs.run_worker = nowhere, work
from launch.worker import work as begin
begin(None)
"""


def test_the_worker_knows_where_pages_are() -> None:
    found = subprocess.run([sys.executable, "-c", SCRIPT], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert found.stdout.strip().endswith("2")
    assert found.stdout.startswith("/payments")
