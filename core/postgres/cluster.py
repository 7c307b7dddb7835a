"""One PostgreSQL cluster in a folder of ours: made on first start, owned alone, reached through a private socket.

Two roles: `xinshi_owner` owns the tables and runs migrations, `xinshi_app` is what the application is. Both have
generated passwords (scram), and the socket's folder admits nobody else.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

from core.postgres import faults, programs, roles
from core.postgres.lock import FolderLock, private_folder
from core.postgres.programs import Account, Programs
from core.postgres.supervisor import Supervisor
from core.settings import CannotStart

DATABASE = "xinshi"
_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 100
_LARGEST_LOG = 20 * 1024 * 1024
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
    "max_connections": "100",
}
_CARELESS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
"""For clusters that are thrown away: a test gains speed and has nothing to lose."""


@dataclass(frozen=True, slots=True)
class Urls:
    """The addresses of one database: as the application, and as the owner of its tables."""

    url: str
    owner_url: str


class Cluster:
    """A PostgreSQL in `folder/postgres`, ours from `start` to `stop`.

    As root it runs under an unprivileged account; when that account cannot reach `folder`, the cluster lives in
    `/var/lib/xinshi` and `folder/postgres` is a link to it. `throwaway` (tests) trades durability for speed and
    removes everything at `stop`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        pg_bin: Path | None = None,
        throwaway: bool = False,
        room: int = faults.ROOM_TO_RUN,
    ) -> None:
        self.folder = folder.absolute()
        self.home = self.folder / "postgres"
        self._pg_bin, self._throwaway, self._room = pg_bin, throwaway, room
        self._account: Account | None = None
        self._lock: FolderLock | None = None
        self._supervisor: Supervisor | None = None
        self._passwords: tuple[str, str] = ("", "")

    @property
    def url(self) -> str:
        """The application's address of its database."""
        return self.urls(DATABASE).url

    @property
    def owner_url(self) -> str:
        """The owner's address of the same database."""
        return self.urls(DATABASE).owner_url

    @property
    def pid(self) -> int | None:
        """The postmaster's process number while it runs."""
        return self._supervisor.pid if self._supervisor else None

    @property
    def log(self) -> Path:
        """What PostgreSQL has to say."""
        return self.home / "log"

    def start(self) -> Self:
        """Make the cluster if need be, start it, and return when it accepts connections; raises `CannotStart`."""
        found = programs.find(self._pg_bin)
        self._settle()
        self._lock = FolderLock(self.home).acquire()
        try:
            with faults.writing(self.home):
                self._open(programs.within_reach(found, self._account))
        except BaseException:
            if self._supervisor:
                self._supervisor.stop(writing_nothing=True)
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop PostgreSQL and let go of the folder; harmless when it does not run."""
        if self._supervisor:
            self._supervisor.stop()
            self._supervisor = None
        if self._lock:
            self._lock.release()
            self._lock = None
            if self._throwaway:
                self._discard()

    def urls(self, database: str) -> Urls:
        """The addresses of a database of this cluster."""
        owner, app = self._passwords
        where = f"{quote(database)}?host={quote(str(self._socket_folder()))}&port=5432"
        return Urls(
            url=f"postgresql://{roles.APP}:{app}@/{where}",
            owner_url=f"postgresql://{roles.OWNER}:{owner}@/{where}",
        )

    def create_database(self, name: str, template: str | None = None) -> Urls:
        """Create a database owned by `xinshi_owner`, as a copy of `template` if given."""
        roles.create_database(self.urls("postgres").owner_url, name, template)
        return self.urls(name)

    def drop_database(self, name: str) -> None:
        """Remove a database and whoever is connected to it."""
        roles.drop_database(self.urls("postgres").owner_url, name)

    def _settle(self) -> None:
        """Find or make the cluster's home, and the account that owns it."""
        link = self.folder / "postgres"
        self._account = programs.account_for(link, self.folder)
        if link.is_symlink() or link.exists():
            self.home = link.resolve()
            self._check_home()
            return
        with faults.writing(self.folder):
            private_folder(self.folder)
            if programs.reachable(link, self._account):
                link.mkdir(mode=0o700)
            else:
                link.symlink_to(self._shelter())
            self.home = link.resolve()
            self._give(self.home)

    def _check_home(self) -> None:
        if not self.home.is_dir():
            raise faults.broken(self.home, "missing")
        if not programs.reachable(self.home, self._account):
            raise faults.unreachable(self.home)

    def _shelter(self) -> Path:
        """A home outside `folder` that the account can reach; its random name lasts as long as `folder`."""
        if self._throwaway:
            return Path(tempfile.mkdtemp(prefix="xinshi-")).resolve()
        home = programs.shared_folder() / secrets.token_hex(6)
        home.mkdir(mode=0o700)
        (home / "serves").write_text(f"{self.folder}\n", "utf-8")
        return home

    def _give(self, path: Path) -> None:
        if self._account:
            os.chown(path, self._account.uid, self._account.gid)

    def _open(self, found: Programs) -> None:
        data = self.home / "data"
        faults.check_space(self.home, self._room if data.exists() else max(self._room, faults.ROOM_TO_CREATE))
        if data.exists():
            self._check_data(data, found)
        else:
            self._create(data, found)
        self._read_passwords()
        self._make_socket_folder()
        self._turn_log()
        self._supervisor = Supervisor(self._command(data, found), data, self.log)
        self._supervisor.start()
        roles.establish(self.urls("postgres").owner_url, DATABASE, self._passwords[1], data)

    def _check_data(self, data: Path, found: Programs) -> None:
        try:
            version = (data / "PG_VERSION").read_text("ascii").strip()
        except OSError:
            raise faults.broken(data, "PG_VERSION is missing") from None
        if version != str(found.major):
            raise faults.other_version(data, version, found.major)

    def _create(self, data: Path, found: Programs) -> None:
        """Run initdb beside the final name, so that an interrupted one is never taken for a database."""
        draft = self.home / "data.part"
        shutil.rmtree(draft, ignore_errors=True)
        passwords = self.home / "passwords"
        passwords.unlink(missing_ok=True)
        descriptor = os.open(passwords, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(24)}\n{secrets.token_urlsafe(24)}\n")
        self._give(passwords)
        self._initdb(draft, passwords, found)
        draft.rename(data)

    def _initdb(self, draft: Path, passwords: Path, found: Programs) -> None:
        provider = ["--locale-provider=builtin"] if found.major >= 17 else []
        careless = ["--no-sync"] if self._throwaway else []
        line = programs.command(
            found.folder / "initdb",
            f"--pgdata={draft}",
            f"--username={roles.OWNER}",
            f"--pwfile={passwords}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
            *provider,
            *careless,
            account=self._account,
        )
        said = subprocess.run(
            line, cwd=self.home, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
        )
        if said.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            raise self._initdb_fault(said.stderr)

    def _initdb_fault(self, said: str) -> CannotStart:
        if "No space left" in said:
            return faults.disk_full(self.home, faults.ROOM_TO_CREATE)
        self.log.write_text(said, "utf-8")
        lines = [line for line in said.splitlines() if "error" in line.lower() or "FATAL" in line]
        return faults.not_started((lines or said.splitlines() or ["initdb"])[0], self.log)

    def _read_passwords(self) -> None:
        try:
            owner, app = (self.home / "passwords").read_text("ascii").split()
        except (OSError, ValueError):
            raise faults.broken(self.home, "passwords is missing or unreadable") from None
        self._passwords = owner, app

    def _socket_folder(self) -> Path:
        return (self.home / "run").resolve()

    def _make_socket_folder(self) -> None:
        """`home/run`; a link into the folder for temporary files when the path is too long for a socket."""
        run = self.home / "run"
        if run.is_symlink() and not run.exists():
            run.unlink()
        if run.exists():
            return
        if len(str(run / _SOCKET).encode()) > _LONGEST_SOCKET_PATH:
            run.symlink_to(tempfile.mkdtemp(prefix="xinshi-", dir="/tmp"))
        else:
            run.mkdir(mode=0o700)
        self._give(run.resolve())

    def _turn_log(self) -> None:
        if self.log.exists() and self.log.stat().st_size > _LARGEST_LOG:
            self.log.rename(self.log.with_suffix(".1"))
        self.log.touch(mode=0o600)

    def _command(self, data: Path, found: Programs) -> list[str]:
        options = _OPTIONS | (_CARELESS if self._throwaway else {})
        options["unix_socket_directories"] = str(self._socket_folder())
        given = [f"--{name}={value}" for name, value in options.items()]
        return programs.command(found.folder / "postgres", "-D", str(data), *given, account=self._account)

    def _discard(self) -> None:
        run, link = self.home / "run", self.folder / "postgres"
        if run.is_symlink():
            shutil.rmtree(run.resolve(), ignore_errors=True)
        shutil.rmtree(self.home, ignore_errors=True)
        if link.is_symlink():
            link.unlink()
