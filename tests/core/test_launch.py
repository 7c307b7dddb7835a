"""`xinshi run` as a person meets it: a process, its output, its exit code, and what is left afterwards."""

import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from core.postgres import Cluster
from core.settings import CHECKOUT, CannotStart
from launch.frontend import SERVED, copy, install

PG_15 = Path("/usr/lib/postgresql/15/bin")
GREETING = "按 Ctrl-C 停止"
PATIENCE = 120.0


@dataclass
class Xinshi:
    """One `xinshi run` in a data folder of its own."""

    process: subprocess.Popen[str]
    data: Path
    address: str
    said: Path

    def children(self) -> list[int]:
        """Process numbers of everything it has started."""
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        pairs = [tuple(map(int, line.split())) for line in listed.splitlines()]
        return [pid for pid, parent in pairs if parent == self.process.pid]

    def wait_until_ready(self) -> "Xinshi":
        until = time.monotonic() + PATIENCE
        while GREETING not in self.said.read_text("utf-8"):
            assert self.process.poll() is None, self.said.read_text("utf-8")
            assert time.monotonic() < until, self.said.read_text("utf-8")
            time.sleep(0.05)
        return self

    def end(self, sign: signal.Signals) -> int:
        self.process.send_signal(sign)
        return self.process.wait(PATIENCE)


Start = Callable[..., Xinshi]


def environment(data: Path, port: int, **more: str) -> dict[str, str]:
    kept = {
        name: text for name, text in os.environ.items() if not name.startswith("XINSHI_") or name == "XINSHI_PG_BIN"
    }
    ours = {"XINSHI_DATA": str(data), "XINSHI_PORT": str(port), "XINSHI_DEMO": "none", "LC_ALL": "C.UTF-8"}
    return kept | ours | more


def status(server: Xinshi, path: str) -> int:
    """What the server answers; a busy machine may take its time over the first page."""
    return httpx.get(server.address + path, follow_redirects=True, timeout=PATIENCE).status_code


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def xinshi(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    line = [sys.executable, "-m", "launch", *arguments]
    return subprocess.run(line, env=env, cwd=CHECKOUT, capture_output=True, text=True, timeout=PATIENCE, check=False)


@contextmanager
def starter() -> Iterator[tuple[Path, Start]]:
    """A folder every account may pass through, and a way to start Xinshi in it."""
    folder = Path(tempfile.mkdtemp(prefix="xinshi-"))
    folder.chmod(0o711)
    started: list[Xinshi] = []

    def start(**more: str) -> Xinshi:
        port, said = free_port(), folder / f"said-{len(started)}"
        env = environment(folder / "data", port, **more)
        with said.open("w") as out:
            line = [sys.executable, "-m", "launch", "run"]
            process = subprocess.Popen(
                line, env=env, cwd=CHECKOUT, stdout=out, stderr=out, text=True, start_new_session=True
            )
        started.append(Xinshi(process, folder / "data", f"http://127.0.0.1:{port}", said))
        return started[-1]

    yield folder / "data", start
    for one in started:
        one.process.terminate()
        one.process.wait(PATIENCE)
    subprocess.run(["rm", "-rf", folder], check=True)


@pytest.fixture
def place() -> Iterator[tuple[Path, Start]]:
    """A data folder and a way to start Xinshi on it, for one test."""
    with starter() as made:
        yield made


@pytest.fixture(scope="module")
def running() -> Iterator[Xinshi]:
    """One running server for the tests that leave it as it is."""
    with starter() as (_, start):
        yield start().wait_until_ready()


def grown(server: Xinshi, count: int) -> list[int]:
    """Its children once there are `count` of them: the worker starts when the server already answers."""
    until = time.monotonic() + PATIENCE
    while len(server.children()) < count:
        assert time.monotonic() < until
        time.sleep(0.05)
    return server.children()


def all_gone(pids: list[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while any(alive(pid) for pid in pids):
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def one_sentence(said: str) -> bool:
    return said.startswith("信市 Xinshi：") and said.count("\n") == 1 and "Traceback" not in said


def test_it_serves_and_tells_other_commands_where(running: Xinshi) -> None:
    assert status(running, "/sign-in") == 200
    known = running.data / "server.json"
    assert stat.S_IMODE(known.stat().st_mode) == 0o600
    assert json.loads(known.read_text())["address"] == running.address
    assert len(grown(running, 2)) == 2  # PostgreSQL and the worker


def test_it_works_as_the_application_and_not_as_the_owner(running: Xinshi) -> None:
    assert status(running, "/sign-in") == 200
    grown(running, 2)
    with psycopg.connect(json.loads((running.data / "server.json").read_text())["owner_url"]) as link:
        query = "select distinct usename from pg_stat_activity where datname = 'xinshi' and pid <> pg_backend_pid()"
        assert link.execute(query).fetchall() == [("xinshi_app",)]


def test_commands_use_the_running_server(running: Xinshi) -> None:
    env = environment(running.data, 1)
    said = xinshi("database", env=env)
    with psycopg.connect(said.stdout.strip()) as link:
        assert link.execute("select current_user::text").fetchone() == ("xinshi_owner",)
    assert xinshi("migrate", env=env).returncode == 0
    assert running.process.poll() is None


def test_a_second_instance_is_told_where_the_first_is(running: Xinshi) -> None:
    said = xinshi("run", env=environment(running.data, free_port()))
    assert said.returncode == 1
    assert one_sentence(said.stderr)
    assert running.address in said.stderr
    assert status(running, "/nowhere") == 404


def test_a_taken_port_is_said_before_any_work(running: Xinshi, tmp_path: Path) -> None:
    port = int(running.address.rpartition(":")[2])
    said = xinshi("run", env=environment(tmp_path / "data", port))
    assert said.returncode == 1
    assert one_sentence(said.stderr)
    assert "XINSHI_PORT" in said.stderr
    assert not (tmp_path / "data" / "postgres").exists()


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGHUP])
def test_being_told_to_stop_stops_everything(place: tuple[Path, Start], sign: signal.Signals) -> None:
    data, start = place
    server = start().wait_until_ready()
    children = grown(server, 2)
    os.killpg(server.process.pid, sign)  # as a terminal does: to everybody in front of it
    assert server.process.wait(PATIENCE) == 0
    assert all_gone(children, 0.5)
    assert not (data / "server.json").exists()
    assert server.said.read_text("utf-8").endswith("按 Ctrl-C 停止。\n信市已停止。\n")


def test_a_killed_server_takes_everything_along_and_starts_again(place: tuple[Path, Start]) -> None:
    data, start = place
    first = start().wait_until_ready()
    children = grown(first, 2)
    assert first.end(signal.SIGKILL) == -signal.SIGKILL
    second = start().wait_until_ready()  # at once: nothing waits for leftovers to go
    assert all_gone(children, 5)
    assert status(second, "/nowhere") == 404
    assert json.loads((data / "server.json").read_text())["pid"] == second.process.pid


def test_a_killed_worker_is_replaced(place: tuple[Path, Start]) -> None:
    _, start = place
    server = start().wait_until_ready()
    before = set(grown(server, 2))
    worker = next(pid for pid in before if "worker" in Path(f"/proc/{pid}/cmdline").read_text())
    os.kill(worker, signal.SIGKILL)
    until = time.monotonic() + PATIENCE
    while worker in server.children() or len(server.children()) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert set(server.children()) - before


def test_commands_work_without_a_server_too(place: tuple[Path, Start]) -> None:
    data, _ = place
    env = environment(data, 1)
    for _ in range(2):
        said = xinshi("migrate", env=env)
        assert said.returncode == 0, said.stderr
    nobody_home = xinshi("database", env=env)
    assert nobody_home.returncode == 1
    assert one_sentence(nobody_home.stderr)


def test_an_unwritable_folder_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said = xinshi("run", env=environment(tmp_path / "file" / "data", free_port()))
    assert said.returncode == 1
    assert one_sentence(said.stderr)
    assert str(tmp_path / "file" / "data") in said.stderr


def test_a_broken_database_is_one_sentence(place: tuple[Path, Start]) -> None:
    data, _ = place
    assert xinshi("migrate", env=environment(data, 1)).returncode == 0
    (data / "postgres" / "data" / "global" / "pg_control").write_bytes(b"\0" * 8192)
    said = xinshi("run", env=environment(data, free_port()))
    assert said.returncode == 1
    assert one_sentence(said.stderr)
    assert "已损坏" in said.stderr


def test_a_full_disk_is_one_sentence(place: tuple[Path, Start]) -> None:
    data, _ = place
    data.mkdir(mode=0o711)
    mount = ["mount", "-t", "tmpfs", "-o", "size=30m", "xinshi", str(data)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("needs root and the right to mount a small file system")
    try:
        said = xinshi("run", env=environment(data, free_port()))
        left = [entry.name for entry in data.iterdir()]
    finally:
        subprocess.run(["umount", "--lazy", data], check=True)
    assert said.returncode == 1
    assert one_sentence(said.stderr)
    assert "磁盘空间不足" in said.stderr
    assert left == ["lock"]


def test_production_without_keys_is_one_sentence(tmp_path: Path) -> None:
    env = environment(
        tmp_path,
        free_port(),
        XINSHI_ENVIRONMENT="production",
        XINSHI_PUBLIC_URL="https://xinshi.example",
        XINSHI_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none",
        XINSHI_SMTP_URL="smtp://mail.example",
    )
    said = xinshi("run", env=env)
    assert said.returncode == 1
    assert one_sentence(said.stderr)
    assert "XINSHI_KEY_SESSION" in said.stderr


def test_an_unreachable_database_is_one_sentence(tmp_path: Path) -> None:
    env = environment(tmp_path, free_port(), XINSHI_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    said = xinshi("run", env=env)
    assert said.returncode == 1
    assert one_sentence(said.stderr)
    assert "XINSHI_DATABASE_URL" in said.stderr


def test_an_external_database_is_used_and_no_other_started(place: tuple[Path, Start]) -> None:
    """Version 15 where it is installed: the other tests here run on the newest."""
    data, start = place
    external = Cluster(data.with_name("external"), pg_bin=PG_15 if PG_15.exists() else None, throwaway=True).start()
    try:
        server = start(
            XINSHI_DATABASE_URL=external.url, XINSHI_DATABASE_OWNER_URL=external.owner_url
        ).wait_until_ready()
        assert status(server, "/sign-in") == 200
        assert not (data / "postgres").exists()
        assert len(grown(server, 1)) == 1
        assert server.end(signal.SIGTERM) == 0
        with psycopg.connect(external.url) as link:
            assert link.execute("select name_zh from core_organization where id = 1").fetchone() == ("系统",)
    finally:
        external.stop()


def test_half_a_demo_is_begun_again(place: tuple[Path, Start]) -> None:
    data, start = place
    assert xinshi("migrate", env=environment(data, 1)).returncode == 0
    (data / "demo.unfinished").touch()
    (data / "trail").mkdir()
    (data / "trail" / "checkpoint").write_text("of half a demo")
    (data / "keys" / "trail").parent.mkdir(exist_ok=True)
    start().wait_until_ready()
    assert not (data / "demo.unfinished").exists()
    left = data / "trail" / "checkpoint"
    assert not left.exists() or "half a demo" not in left.read_text()


def test_what_is_typed_wrongly_is_said_and_counts_as_an_error(tmp_path: Path) -> None:
    env = environment(tmp_path, 1)
    unknown, version = xinshi("nonsense", env=env), xinshi("version", env=env)
    assert unknown.returncode == 2
    assert "nonsense" in unknown.stderr
    assert version.returncode == 0
    assert re.fullmatch(r"xinshi \d+\.\d+\.\d+\n", version.stdout)


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    probe = (
        "import sys, launch.commands as c\n"
        "try: c.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'litestar', 'piccolo', 'asyncpg', 'psycopg', 'numpy', 'pandas'} & set(sys.modules)))"
    )
    said = subprocess.run(
        [sys.executable, "-c", probe], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout
    assert said.splitlines()[-1] == "[]"
    listed = set(re.findall(r"^  ([a-z]+)  ", said, flags=re.MULTILINE))
    assert listed >= {"run", "setup", "migrate", "worker", "demo", "trail", "grade", "version", "key", "database"}


def test_front_end_files_are_copied_and_stale_ones_removed(tmp_path: Path) -> None:
    modules, vendor = tmp_path / "node_modules", tmp_path / "vendor"
    for source in SERVED.values():
        (modules / source).parent.mkdir(parents=True, exist_ok=True)
        (modules / source).write_text(source)
    vendor.mkdir()
    (vendor / "old.js").write_text("stale")
    copy(modules, vendor)
    assert {path.name: path.read_text() for path in vendor.iterdir()} == dict(SERVED)


def test_a_lock_file_that_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "x", "dependencies": {"a": "1.0.0"}}')
    (tmp_path / "package-lock.json").write_text('{"name": "x", "lockfileVersion": 3, "packages": {"": {"name": "x"}}}')
    with pytest.raises(CannotStart, match="make setup"):
        install(tmp_path)


NOTICE = """
import asyncio, json, sys
from app import wire
from core.instance import connected
from tests.factories.market import make_notice
wire()
print(asyncio.run(connected(sys.argv[1], make_notice)).notice_id)
"""


def test_open_streams_do_not_keep_it_from_stopping(place: tuple[Path, Start]) -> None:
    _, start = place
    server = start().wait_until_ready()
    url = json.loads((server.data / "server.json").read_text())["url"]
    made = subprocess.run(
        [sys.executable, "-c", NOTICE, url],
        env=environment(server.data, 1),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    path = f"/notices/{made.stdout.split()[-1]}/live/events"
    with httpx.Client(timeout=PATIENCE) as client, client.stream("GET", server.address + path) as stream:
        pieces = stream.iter_text()
        assert "retry:" in next(pieces)
        assert server.end(signal.SIGINT) == 0
        with suppress(StopIteration):  # the stream was told to end; one that is cut off raises RemoteProtocolError
            while True:
                next(pieces)
