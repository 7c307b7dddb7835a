"""`xinshi run`: everything on one machine, in this process and its children; one sentence when it cannot be."""

import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any

import click

from core import instance, settings
from core.postgres import FolderLock, Urls, faults
from core.settings import CannotStart, Demo, Settings, speak
from launch import preparation
from launch.worker import WorkerChild


def run_everything() -> None:
    """Hold the folder, take the port, start the database, prepare it, serve until told to stop."""
    signal.signal(signal.SIGTERM, _leave)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup means it
        signal.signal(signal.SIGHUP, _hang_up)
    _offer_the_double()
    configuration = settings.load()
    try:
        with ExitStack() as stack:
            stack.enter_context(_folder(configuration))
            door = stack.enter_context(take_port(configuration))
            threading.Thread(target=_read_ahead, daemon=True).start()
            urls = stack.enter_context(preparation.ready_database(configuration))
            stack.enter_context(_known(configuration, urls))
            serve(configuration, door, stack.enter_context(_worker()))
    except KeyboardInterrupt:
        pass
    click.echo(speak("信市已停止。", "Xinshi has stopped."), err=True)


def _offer_the_double() -> None:
    """A demonstration without a Stripe key shows online payment with our stand-in, here and in the worker."""
    if not os.environ.get("XINSHI_STRIPE_KEY") and os.environ.get("XINSHI_ENVIRONMENT", "demo") == "demo":
        os.environ.setdefault("XINSHI_STRIPE_DOUBLE", "on")


def _read_ahead() -> None:
    """Read the product's modules while the database starts, which is mostly waiting; an error shows when they are used."""
    with suppress(Exception):
        importlib.import_module("app")


def _leave(_sign: int, _frame: FrameType | None) -> None:
    """Being told to end is not an error: unwind, stop the children, exit 0."""
    raise KeyboardInterrupt


def _hang_up(_sign: int, _frame: FrameType | None) -> None:
    """A closed terminal is the same request, which the server knows by its usual name only."""
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _folder(configuration: Settings) -> Iterator[None]:
    """The data folder is ours alone while we run."""
    server = instance.running(configuration.data)
    if server:
        raise CannotStart(
            f"信市已在运行（进程号 {server.pid}）：请打开 {server.address}；要再开一个，请用 XINSHI_DATA 指定别的目录。",
            f"Xinshi is already running (process {server.pid}): open {server.address}; "
            "for a second one name another folder with XINSHI_DATA.",
        )
    lock = FolderLock(configuration.data).acquire()
    try:
        faults.check_space(configuration.data, faults.ROOM_TO_RUN)
        yield
    finally:
        lock.release()


@contextmanager
def take_port(configuration: Settings) -> Iterator[socket.socket]:
    """The bound socket we shall serve on, taken before anything slow; raises `CannotStart` when it is taken."""
    family, kind, protocol, _, address = _resolve(configuration)
    with socket.socket(family, kind, protocol) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(address)
            door.listen()
        except OSError as error:
            raise _port_refused(configuration, error) from error
        yield door


def _resolve(configuration: Settings) -> tuple[int, int, int, str, tuple[Any, ...]]:
    try:
        return socket.getaddrinfo(configuration.host, configuration.port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise CannotStart(
            f"XINSHI_HOST={configuration.host} 不是本机地址（{error.strerror}）。",
            f"XINSHI_HOST={configuration.host} is not an address of this machine ({error.strerror}).",
        ) from error


def _port_refused(configuration: Settings, error: OSError) -> CannotStart:
    where = f"{configuration.host}:{configuration.port}"
    return CannotStart(
        f"无法监听 {where}（{error.strerror}）：请停止占用该端口的程序，或用 XINSHI_PORT 指定别的端口。",
        f"Cannot listen on {where} ({error.strerror}): stop the program that uses the port, "
        "or name another with XINSHI_PORT.",
    )


@contextmanager
def _known(configuration: Settings, urls: Urls) -> Iterator[None]:
    """Other commands find us while we serve."""
    instance.announce(
        configuration.data,
        instance.Running(os.getpid(), configuration.address, urls.url, urls.owner_url),
    )
    try:
        yield
    finally:
        instance.withdraw(configuration.data)


@contextmanager
def _worker() -> Iterator[WorkerChild]:
    child = WorkerChild()
    try:
        yield child
    finally:
        child.stop()


def serve(configuration: Settings, door: socket.socket, worker: WorkerChild) -> None:
    """Serve the app on the socket until a signal; raises `CannotStart` when the app does not come up."""
    import uvicorn

    from app import create_app, hang_up

    more_files()

    class Server(uvicorn.Server):
        """uvicorn that says where it is once it is there."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            if self.started:
                _greet(configuration)
                worker.start()  # now, so that it does not compete with the start

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await hang_up()  # open streams would keep it waiting
            await super().shutdown(sockets)

    options = uvicorn.Config(
        create_app(),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    server = Server(options)
    server.run(sockets=[door])
    if not server.started:
        raise CannotStart("服务没有启动，原因见上。", "The server did not start; the reason is above.")


def more_files() -> None:
    """Let this process hold as many connections as the system allows: the usual limit is 1,024."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _greet(configuration: Settings) -> None:
    """Where to go and how to sign in."""
    click.echo(f"\n信市 Xinshi  →  {configuration.address}\n")
    if not configuration.production and configuration.demo is not Demo.NONE:
        _print_sign_ins()
    click.echo(speak("按 Ctrl-C 停止。", "Press Ctrl-C to stop."))
    sys.stdout.flush()


def _print_sign_ins() -> None:
    from core.i18n import speaking
    from portal.demo import sign_ins

    with speaking(speak("zh_Hans", "en")):
        for known in sign_ins():
            click.echo(f"  {known.login:<12}{known.password:<20}{known.title}：{known.name}（{known.organization}）")
    click.echo()
