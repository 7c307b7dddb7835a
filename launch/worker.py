"""The worker: a second process that does what time and queues ask for, and never outlives the server."""

import os
import signal
import subprocess
import sys
import threading
import time

from core.postgres.lifeline import die_with
from core.settings import CHECKOUT

_LONGEST_PAUSE = 30.0
_PATIENCE = 10.0


def work(parent: int | None) -> None:
    """Run jobs until told to stop; with `parent`, end when that process ends, however it ends."""
    if parent is not None:
        die_with(parent, signal.SIGKILL)
        threading.Thread(target=_watch, args=[parent], daemon=True).start()
    import asyncio

    from app import create_app
    from core.instance import database
    from core.jobs import run_worker

    create_app()  # jobs make addresses too: of Stripe's way back, of what a letter links to
    with database() as urls:
        asyncio.run(run_worker(urls.url))


def _watch(parent: int) -> None:
    """Where the kernel does not tie lives together (macOS), look every second."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


class WorkerChild:
    """The worker as our child, started again when it dies."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, name="worker-supervisor", daemon=True)

    def start(self) -> None:
        """Start it; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Let it finish what it is doing, for ten seconds."""
        self._stopping.set()
        if self._thread.is_alive():
            self._signal(signal.SIGTERM)
            self._thread.join(_PATIENCE)
            self._signal(signal.SIGKILL)
            self._thread.join(_PATIENCE)

    def _signal(self, sign: signal.Signals) -> None:
        with self._guard:
            if self._process and self._process.poll() is None:
                self._process.send_signal(sign)

    def _keep(self) -> None:
        pause = 1.0
        while process := self._launch():
            began = time.monotonic()
            process.wait()
            pause = 1.0 if time.monotonic() - began > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
            self._stopping.wait(pause)

    def _launch(self) -> subprocess.Popen[bytes] | None:
        with self._guard:
            if self._stopping.is_set():
                return None
            command = [sys.executable, "-m", "launch", "worker", "--parent", str(os.getpid())]
            # a group of its own: a Ctrl-C is for the parent, which then tells the worker
            self._process = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, process_group=0)
            return self._process
