"""One owner per folder: a lock the kernel lets go of when its holder dies, however it dies."""

import fcntl
import os
from pathlib import Path
from typing import Self

from core.postgres import faults


class FolderLock:
    """Hold `<folder>/lock` alone; the file says which process does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._descriptor: int | None = None

    def acquire(self) -> Self:
        """Take the lock; raises `CannotStart` at once when somebody else holds it or the folder is unwritable."""
        with faults.writing(self.folder):
            private_folder(self.folder)
            descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise faults.second_instance(self.folder, holder or "?") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor
        return self

    def is_held(self) -> bool:
        """Whether some living process holds the lock."""
        try:
            descriptor = os.open(self.folder / "lock", os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False

    def release(self) -> None:
        """Let go; the file stays, because removing it would let two holders in."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def private_folder(folder: Path) -> None:
    """Create a data folder that other people of this machine cannot look into (root's may be passed through)."""
    folder.mkdir(mode=0o700 if os.geteuid() else 0o711, parents=True, exist_ok=True)
