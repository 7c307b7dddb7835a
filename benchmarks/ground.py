"""The ground on which everything is measured: a cluster of its own, thrown away afterwards, and servers on 127.0.0.1."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from core import migrations
from core.db import ENGINE
from core.postgres import Cluster, Urls

HOST = "127.0.0.1"
PATIENCE = 60.0


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A PostgreSQL that does not wait for the disk: the harder case for us, since commits hide what we add."""
    running = Cluster(folder / "cluster", throwaway=True)
    running.start()
    try:
        yield running
    finally:
        running.stop()


@asynccontextmanager
async def fresh_database(running: Cluster, name: str) -> AsyncIterator[Urls]:
    """A migrated database with default content, and the engine's pool open on it."""
    import app

    await asyncio.to_thread(running.create_database, name)
    urls = running.urls(name)
    await migrations.migrate(urls.owner_url, app.fill_content)
    ENGINE.configure(urls.url)
    await ENGINE.start_connection_pool()
    try:
        yield urls
    finally:
        await ENGINE.close_connection_pool()


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as door:
        door.bind((HOST, 0))
        port: int = door.getsockname()[1]
        return port


@contextmanager
def server(command: list[str], environment: dict[str, str], port: int) -> Iterator[tuple[int, float]]:
    """A child that serves on `port`: its process and the seconds until the port answered."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command], env=os.environ | environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - began > PATIENCE:
                raise RuntimeError(f"{command} does not answer on port {port}")
            time.sleep(0.005)
        yield process.pid, time.perf_counter() - began
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def _answers(port: int) -> bool:
    with socket.socket() as knock:
        knock.settimeout(PATIENCE)
        if knock.connect_ex((HOST, port)):
            return False
        knock.sendall(b"GET /trail/checkpoint HTTP/1.1\r\nhost: " + HOST.encode() + b"\r\nconnection: close\r\n\r\n")
        return bool(knock.recv(1))


async def fetch(port: int, path: str) -> bytes:
    """One body."""
    reader, writer = await asyncio.open_connection(HOST, port)
    body = await _one(reader, writer, _request(port, path))
    writer.close()
    return body


async def hammer(port: int, path: str, *, seconds: float, connections: int = 4) -> float:
    """Ask for one path again and again over kept connections; seconds per request."""
    until = time.perf_counter() + seconds
    began = time.perf_counter()
    counts = await asyncio.gather(*(_worker(port, path, until) for _ in range(connections)))
    return (time.perf_counter() - began) / sum(counts)


async def _worker(port: int, path: str, until: float) -> int:
    reader, writer = await asyncio.open_connection(HOST, port)
    request, count = _request(port, path), 0
    while time.perf_counter() < until:
        await _one(reader, writer, request)
        count += 1
    writer.close()
    return count


def _request(port: int, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: {HOST}:{port}\r\n\r\n".encode()


async def _one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200"):
        raise RuntimeError(head.decode())
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return await reader.readexactly(length)


def cpu_seconds(pid: int) -> float | None:
    """Processor time a process has used so far; None where the system does not tell (macOS)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
