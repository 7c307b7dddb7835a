"""Run as a script: become the given account, tie our life to the parent's, then become the given program.

`python -I -S lifeline.py UID GID PARENT PROGRAM ARGUMENT…`   (UID `-` keeps the account)

A program of its own because the kernel forgets the tie when the account changes, and because code between
fork and exec is unsafe in a process with threads. Standard library only, all imported before root is given up:
the interpreter itself may be out of the account's reach.
"""

import ctypes
import os
import signal
import sys
from typing import NoReturn

_PR_SET_PDEATHSIG = 1


def die_with(parent: int, sign: int = signal.SIGINT) -> None:
    """Have the kernel send us `sign` when the parent's starting thread ends (Linux; elsewhere nothing)."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, sign)
    if os.getppid() != parent:  # it died before the tie was made
        sys.exit(1)


def become(uid: int, gid: int) -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main(arguments: list[str]) -> NoReturn:
    """See the module's text."""
    uid, gid, parent, *command = arguments
    if uid != "-":
        become(int(uid), int(gid))
    die_with(int(parent))
    os.execv(command[0], command)  # noqa: S606 - becoming another program is what this one is for


if __name__ == "__main__":
    main(sys.argv[1:])
