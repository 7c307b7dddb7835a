"""The parent of one PostgreSQL: a thread that starts it, waits for it, and starts it again when it dies.

A thread of its own, because the kernel's "die with your parent" means the *thread* that started the child.
"""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

from core.postgres import faults
from core.settings import CannotStart

_POLL = 0.02
_FIRST_START_PATIENCE = 15.0
_LONGEST_PAUSE = 2.0
_STOP_STEPS = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_PASSING = ("shared memory block", "lock file", "is in use")
_DAMAGE = ("PANIC", "control file", "database files", "database cluster", "checkpoint", "could not open", "invalid")


class Supervisor:
    """Keeps `command` (a postmaster on `data`) alive from `start` to `stop`."""

    def __init__(self, command: list[str], data: Path, log: Path) -> None:
        self._command, self._data, self._log = command, data, log
        self._thread = threading.Thread(target=self._keep, name="postgres-supervisor", daemon=True)
        self._guard = threading.Lock()
        self._stopping = threading.Event()
        self._settled = threading.Event()
        self._fault: CannotStart | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._was_up = False

    @property
    def pid(self) -> int | None:
        """The postmaster's process number while it runs."""
        process = self._process
        return process.pid if process and process.poll() is None else None

    def start(self) -> None:
        """Return when PostgreSQL accepts connections; raises `CannotStart` with the reason it gave."""
        stop_stale(self._data)
        self._thread.start()
        self._settled.wait()
        if self._fault:
            raise self._fault

    def stop(self, *, writing_nothing: bool = False) -> None:
        """Fast shutdown, harder after a while; returns when the process is gone.

        `writing_nothing` skips the shutdown checkpoint: for a damaged cluster that must stay as it was.
        """
        self._stopping.set()
        for sign, patience in _STOP_STEPS[1:] if writing_nothing else _STOP_STEPS:
            with self._guard:
                if self._process and self._process.poll() is None:
                    self._process.send_signal(sign)
            self._thread.join(patience)
            if not self._thread.is_alive():
                return

    def _keep(self) -> None:
        try:
            self._keep_alive()
        except OSError as error:
            self._fault = faults.not_started(str(error), self._log)
        finally:
            self._settled.set()

    def _keep_alive(self) -> None:
        since, pause = time.monotonic(), 0.1
        while process := self._launch():
            offset = self._log.stat().st_size
            if self._await_ready(process):
                self._was_up, pause = True, 0.1
                self._settled.set()
            process.wait()
            if not self._was_up and not self._stopping.is_set():
                reason = self._reason(offset)
                if not _passing(reason) or time.monotonic() - since > _FIRST_START_PATIENCE:
                    self._fault = self._judge(reason)
                    break
            self._stopping.wait(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _launch(self) -> subprocess.Popen[bytes] | None:
        with self._guard:
            if self._stopping.is_set():
                return None
            with self._log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._data,
                    start_new_session=True,
                )
            return self._process

    def _await_ready(self, process: subprocess.Popen[bytes]) -> bool:
        while process.poll() is None:
            if _status(self._data) == (process.pid, "ready"):
                return True
            time.sleep(_POLL)
        return False

    def _reason(self, offset: int) -> str:
        """The last thing PostgreSQL complained about since `offset` in its log."""
        with self._log.open("rb") as log:
            log.seek(offset)
            lines = log.read().decode("utf-8", "replace").splitlines()
        complaints = [line for line in lines if any(mark in line for mark in ("FATAL:", "PANIC:", "could not"))]
        last = (complaints or lines or ["?"])[-1]
        return last.partition("] ")[2] or last

    def _judge(self, reason: str) -> CannotStart:
        if "No space left" in reason:
            return faults.disk_full(self._data, faults.ROOM_TO_RUN)
        if any(mark in reason for mark in _DAMAGE):
            return faults.broken(self._data, reason)
        return faults.not_started(reason, self._log)


def _passing(reason: str) -> bool:
    return any(mark in reason for mark in _PASSING)


def _status(data: Path) -> tuple[int, str]:
    """Process number and state that the postmaster wrote into `postmaster.pid`; (0, "") when there is none."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8").splitlines()
        return int(lines[0]), lines[7].strip() if len(lines) > 7 else ""
    except (OSError, ValueError, IndexError):
        return 0, ""


def stop_stale(data: Path) -> None:
    """Stop a postmaster that outlived its parent; forget one whose number now belongs to somebody else.

    Call it only while holding the folder's lock: then no living Xinshi can be its parent.
    """
    pid, _ = _status(data)
    if not pid or not _alive(pid):
        return
    if not _serves(pid, data):
        (data / "postmaster.pid").unlink(missing_ok=True)
        return
    for sign, patience in _STOP_STEPS:
        if _end(pid, sign, patience):
            return


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _end(pid: int, sign: signal.Signals, patience: float) -> bool:
    """Send the signal and wait; True when the process is gone."""
    until = time.monotonic() + patience
    try:
        os.kill(pid, sign)
    except ProcessLookupError:
        return True
    while time.monotonic() < until:
        if not _alive(pid):
            return True
        time.sleep(_POLL)
    return False


def _serves(pid: int, data: Path) -> bool:
    """Whether that process is a PostgreSQL on this folder, by its command line."""
    record = Path(f"/proc/{pid}/cmdline")
    if record.exists():
        line = record.read_bytes().decode("utf-8", "replace").replace("\0", " ")
    else:
        asked = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
        line = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return "postgres" in line and str(data) in line
