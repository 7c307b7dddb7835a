"""The PostgreSQL we start ourselves: made, found again, killed in every way, refused with a sentence.

Each test has a cluster of its own in a folder of its own; nothing here touches the suite's database.
"""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import psycopg
import pytest

from core.postgres import Cluster, faults, programs, roles
from core.postgres.supervisor import stop_stale
from core.settings import CHECKOUT, CannotStart

ROOT = os.geteuid() == 0
PG_BIN = Path(os.environ["XINSHI_PG_BIN"]) if os.environ.get("XINSHI_PG_BIN") else None

HOST = """
import pathlib, sys, time
from core.postgres import Cluster
pg_bin = pathlib.Path(sys.argv[2]) if sys.argv[2] else None
cluster = Cluster(pathlib.Path(sys.argv[1]), pg_bin=pg_bin).start()
print(cluster.pid, cluster.url, flush=True)
time.sleep(60)
"""


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder every account may pass through (pytest's own are closed), with a short path."""
    folder = Path(tempfile.mkdtemp(prefix="xinshi-"))
    folder.chmod(0o711)
    yield folder
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture
def place() -> Iterator[Path]:
    """An open folder for one test."""
    with open_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    """One running cluster for the tests that leave it as it is."""
    with open_folder() as folder:
        made = Cluster(folder, pg_bin=PG_BIN, throwaway=True).start()
        yield made
        made.stop()


@pytest.fixture(scope="module")
def pristine() -> Iterator[Path]:
    """A durable cluster, made once and stopped; tests start from copies of it."""
    with open_folder() as folder:
        made = Cluster(folder, pg_bin=PG_BIN).start()
        made.stop()
        yield made.home


@pytest.fixture
def cluster(place: Path) -> Iterator[Cluster]:
    """A running cluster that is thrown away."""
    made = Cluster(place, pg_bin=PG_BIN, throwaway=True).start()
    yield made
    made.stop()


@pytest.fixture
def kept(place: Path, pristine: Path) -> Iterator[Callable[[], Cluster]]:
    """Open one durable cluster again and again, in `place`."""
    subprocess.run(["cp", "-a", pristine, place / "postgres"], check=True)
    made: list[Cluster] = []

    def make() -> Cluster:
        made.append(Cluster(place, pg_bin=PG_BIN))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def host(place: Path, kept: Callable[[], Cluster]) -> Iterator[Callable[[], tuple[subprocess.Popen[str], int, str]]]:
    """Start a process of its own that owns a cluster; gives the process, the postmaster's pid and the address."""
    started: list[subprocess.Popen[str]] = []

    def start() -> tuple[subprocess.Popen[str], int, str]:
        line = [sys.executable, "-c", HOST, str(place), str(PG_BIN or "")]
        process = subprocess.Popen(line, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout
        pid, url = process.stdout.readline().split()
        return process, int(pid), url

    yield start
    for process in started:
        process.kill()
        process.communicate()


def value(url: str, query: str) -> object:
    with psycopg.connect(url) as link:
        row = link.execute(query).fetchone()
    return row[0] if row else None


def gone_within(pid: int, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if not Path(f"/proc/{pid}").exists() and not alive(pid):
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def answers_within(url: str, seconds: float) -> float:
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            value(url, "select 1")
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return time.monotonic() - began
    raise AssertionError(f"no answer within {seconds} s")


@pytest.mark.anyio
async def test_both_drivers_reach_it_as_the_application(shared: Cluster) -> None:
    link = await asyncpg.connect(shared.url)
    try:
        assert await link.fetchval("select current_user::text") == "xinshi_app"
        assert await link.fetchval("select '信' || '市'") == "信市"
    finally:
        await link.close()
    assert value(shared.owner_url, "select current_user::text") == "xinshi_owner"


def test_the_cluster_is_what_we_asked_for(shared: Cluster) -> None:
    assert value(shared.url, "show server_encoding") == "UTF8"
    assert value(shared.url, "show data_checksums") == "on"
    assert value(shared.url, "show timezone") == "UTC"
    assert value(shared.url, "show listen_addresses") == ""
    assert value(shared.url, "select '测绘' ~ '^\\w+$'") is True
    assert value(shared.url, "select upper('é')") == "É"


def test_a_wrong_password_is_refused(shared: Cluster) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(shared.url, password="guess")


def test_nobody_else_may_look_in(shared: Cluster) -> None:
    assert stat.S_IMODE(shared.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((shared.home / "passwords").stat().st_mode) == 0o600


def test_the_application_uses_tables_it_does_not_own(shared: Cluster) -> None:
    with psycopg.connect(shared.owner_url) as owner:
        owner.execute("create table note (id bigint generated always as identity, text text)")
    with psycopg.connect(shared.url) as app:
        app.execute("insert into note (text) values ('x')")
        app.execute("update note set text = 'y'")
        app.execute("delete from note")
    for forbidden in ("drop table note", "truncate note", "alter table note disable trigger all", "create table t ()"):
        with psycopg.connect(shared.url) as app, pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute(forbidden)


def test_databases_are_copied_with_their_privileges(shared: Cluster) -> None:
    template = shared.create_database("template_of_ours")
    with psycopg.connect(template.owner_url) as owner:
        owner.execute("create table note (text text)")
    copy = shared.create_database("信市-副本", "template_of_ours")
    with psycopg.connect(copy.url) as app:
        app.execute("insert into note values ('x')")
    shared.drop_database("信市-副本")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(copy.url)


def test_a_database_is_emptied_without_losing_its_privileges(shared: Cluster) -> None:
    with psycopg.connect(shared.owner_url) as owner:
        owner.execute("create table old (text text)")
    roles.recreate_database(shared.owner_url)
    with psycopg.connect(shared.owner_url) as owner:
        owner.execute("create table fresh (text text)")
    assert value(shared.url, "select count(*) from fresh") == 0
    assert value(shared.url, "select to_regclass('old')") is None


def test_a_throwaway_leaves_nothing(place: Path) -> None:
    cluster = Cluster(place, pg_bin=PG_BIN, throwaway=True).start()
    home, pid = cluster.home, cluster.pid
    cluster.stop()
    assert pid is not None
    assert not alive(pid)
    assert not home.exists()
    assert list(place.iterdir()) == []


def test_data_and_addresses_survive_a_restart(kept: Callable[[], Cluster]) -> None:
    first = kept().start()
    with psycopg.connect(first.owner_url) as owner:
        owner.execute("create table note as select 7 as seven")
    url = first.url
    first.stop()
    second = kept().start()
    assert second.url == url
    assert value(second.url, "select seven from note") == 7


def test_a_second_owner_is_refused_in_both_languages(shared: Cluster) -> None:
    with pytest.raises(CannotStart, match="is in use by another Xinshi") as refusal:
        Cluster(shared.folder, pg_bin=PG_BIN).start()
    assert str(os.getpid()) in refusal.value.zh
    assert value(shared.url, "select 1") == 1


def test_a_killed_postmaster_is_started_again(kept: Callable[[], Cluster]) -> None:
    cluster = kept().start()
    with psycopg.connect(cluster.owner_url) as owner:
        owner.execute("create table note as select 7 as seven")
    for _ in range(2):
        before = cluster.pid
        assert before is not None
        os.kill(before, signal.SIGKILL)
        assert gone_within(before, 5)
        answers_within(cluster.url, 10)
        assert cluster.pid != before
    assert value(cluster.url, "select seven from note") == 7


def test_a_killed_owner_takes_the_database_along(
    host: Callable[[], tuple[subprocess.Popen[str], int, str]], kept: Callable[[], Cluster]
) -> None:
    process, pid, _ = host()
    process.kill()
    process.wait()
    if sys.platform.startswith("linux"):
        assert gone_within(pid, 5)
    again = kept().start()
    assert value(again.url, "select 1") == 1


def test_a_start_right_after_the_kill_does_not_wait_for_luck(
    host: Callable[[], tuple[subprocess.Popen[str], int, str]], kept: Callable[[], Cluster]
) -> None:
    process, pid, url = host()
    with psycopg.connect(url):  # an open session makes the shutdown slower
        process.kill()
        process.wait()
        again = kept().start()
    assert not alive(pid)
    assert value(again.url, "select 1") == 1


def test_a_postmaster_that_outlived_its_owner_is_stopped(cluster: Cluster) -> None:
    """What happens where the kernel does not tie lives together: the next start finds it by its pid file."""
    pid = cluster.pid
    assert pid is not None
    assert cluster._supervisor is not None
    cluster._supervisor._stopping.set()
    stop_stale(cluster.home / "data")
    assert gone_within(pid, 1)


def test_a_reused_process_number_is_not_taken_for_postgres(kept: Callable[[], Cluster]) -> None:
    first = kept().start()
    first.stop()
    innocent = subprocess.Popen(["sleep", "60"])
    try:
        (first.home / "data" / "postmaster.pid").write_text(
            f"{innocent.pid}\n{first.home}/data\n0\n5432\n\n\n1\nready\n"
        )
        assert value(kept().start().url, "select 1") == 1
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_an_interrupted_initdb_is_begun_again(place: Path) -> None:
    cluster = Cluster(place, pg_bin=PG_BIN, throwaway=True)
    cluster._settle()
    (cluster.home / "data.part").mkdir()
    (cluster.home / "data.part" / "PG_VERSION").write_text("18\n")
    (cluster.home / "passwords").write_text("half")
    try:
        assert value(cluster.start().url, "select 1") == 1
    finally:
        cluster.stop()


def test_a_long_path_gets_a_short_socket(place: Path) -> None:
    folder = place / ("很长的目录名" * 8)
    cluster = Cluster(folder, pg_bin=PG_BIN, throwaway=True).start()
    run = cluster.home / "run"
    assert run.is_symlink()
    assert value(cluster.url, "select 1") == 1
    cluster.stop()
    assert not run.resolve().exists()


def damage(cluster: Cluster, relative: str, content: bytes | None) -> dict[str, bytes]:
    """Overwrite or delete one file of a stopped cluster; what its tables hold afterwards."""
    cluster._settle()
    target = cluster.home / "data" / relative
    if content is None:
        target.unlink()
    else:
        target.write_bytes(content)
    return contents(cluster)


def contents(cluster: Cluster) -> dict[str, bytes]:
    tables = (path for path in (cluster.home / "data" / "base").rglob("*") if path.name.isdigit() and path.is_file())
    return {str(path): path.read_bytes() for path in tables}


@pytest.mark.parametrize(
    ("relative", "content", "expected"),
    [
        ("PG_VERSION", None, "PG_VERSION is missing"),
        ("PG_VERSION", b"9\n", "belongs to PostgreSQL 9"),
        ("global/pg_control", None, "is damaged"),
        ("global/pg_control", b"\0" * 8192, "is damaged"),
        ("global/pg_filenode.map", b"\0" * 524, "is damaged"),
    ],
)
def test_a_broken_folder_is_named_and_left_alone(
    kept: Callable[[], Cluster], relative: str, content: bytes | None, expected: str
) -> None:
    cluster = kept()
    before = damage(cluster, relative, content)
    with pytest.raises(CannotStart, match=expected) as refusal:
        kept().start()
    assert str(cluster.home) in refusal.value.zh
    assert before
    assert contents(cluster) == before


def test_lost_passwords_are_named(kept: Callable[[], Cluster]) -> None:
    cluster = kept().start()
    cluster.stop()
    (cluster.home / "passwords").unlink()
    with pytest.raises(CannotStart, match="passwords is missing"):
        kept().start()


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotStart, match="cannot be written") as refusal:
        Cluster(tmp_path / "file" / "data", pg_bin=PG_BIN).start()
    assert str(tmp_path / "file" / "data") in refusal.value.zh


@pytest.mark.skipif(ROOT, reason="root may write everywhere")
def test_a_forbidden_folder_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(CannotStart, match="cannot be written"):
            Cluster(tmp_path / "data", pg_bin=PG_BIN).start()
    finally:
        tmp_path.chmod(0o700)


def test_a_full_disk_is_noticed_before_anything_is_written(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path, pg_bin=PG_BIN, room=shutil.disk_usage(tmp_path).total * 2)
    with pytest.raises(CannotStart, match="The disk is full"):
        cluster.start()
    assert not (cluster.home / "data").exists()
    assert not (cluster.home / "data.part").exists()
    shutil.rmtree(cluster.home)


@pytest.fixture
def small_disk(place: Path) -> Iterator[Path]:
    """A file system of 30 MB, where the machine lets us mount one."""
    if not ROOT or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=30m", "xinshi", place], check=False).returncode:
        pytest.skip("needs root and the right to mount a small file system")
    place.chmod(0o755)
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_disk_that_fills_up_while_initdb_runs(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faults, "ROOM_TO_CREATE", 0)
    cluster = Cluster(small_disk, pg_bin=PG_BIN, room=0)
    with pytest.raises(CannotStart, match="The disk is full"):
        cluster.start()
    assert not (cluster.home / "data").exists()


def test_no_programs_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="No PostgreSQL 15 to 18 found"):
        Cluster(tmp_path, pg_bin=tmp_path).start()


@pytest.mark.skipif(not ROOT, reason="only root changes its account")
class TestAsRoot:
    """PostgreSQL refuses root: it runs as somebody else, and no mode of an existing folder is changed."""

    def test_it_runs_as_nobody(self, shared: Cluster) -> None:
        assert Path(f"/proc/{shared.pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid

    @pytest.mark.parametrize(("owner", "expected"), [("daemon", "daemon"), (54321, "nobody")])
    def test_it_runs_as_the_owner_of_the_folder(self, place: Path, owner: str | int, expected: str) -> None:
        shutil.chown(place, owner)
        cluster = Cluster(place, pg_bin=PG_BIN, throwaway=True).start()
        try:
            assert Path(f"/proc/{cluster.pid}").owner() == expected
        finally:
            cluster.stop()

    def test_a_closed_folder_is_served_from_a_reachable_place(self, tmp_path: Path) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o700)
        cluster = Cluster(closed / "data", pg_bin=PG_BIN).start()
        try:
            assert value(cluster.url, "select 1") == 1
            assert cluster.home.parent == programs.SHARED
            assert (closed / "data" / "postgres").resolve() == cluster.home
            assert (cluster.home / "serves").read_text("utf-8") == f"{closed / 'data'}\n"
            assert stat.S_IMODE(closed.stat().st_mode) == 0o700
            cluster.stop()
            assert Cluster(closed / "data", pg_bin=PG_BIN).start().home == cluster.home
        finally:
            shutil.rmtree(cluster.home)

    def test_closed_programs_are_copied_once(self, tmp_path: Path) -> None:
        installed = programs.find(None).folder.parent
        closed = tmp_path / "closed" / installed.parent.name
        closed.mkdir(parents=True, mode=0o700)
        closed.parent.chmod(0o700)
        shutil.copytree(installed, closed / installed.name, symlinks=True)
        libraries = installed.parent.with_name(f"{installed.parent.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, closed.with_name(libraries.name))
        copies: set[Path] = set()
        for _ in range(2):
            used = Cluster(tmp_path / "data", pg_bin=closed / installed.name / "bin", throwaway=True).start()
            try:
                executable = Path(f"/proc/{used.pid}/exe").readlink()
            finally:
                used.stop()
            assert executable.is_relative_to(programs.SHARED)
            copies.add(programs.SHARED / executable.relative_to(programs.SHARED).parts[0])
        assert len(copies) == 1
        shutil.rmtree(copies.pop())
