"""What can keep a database from starting, one sentence each."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.settings import CannotStart

_MEGABYTE = 1024 * 1024
ROOM_TO_RUN = 64 * _MEGABYTE
ROOM_TO_CREATE = 256 * _MEGABYTE
"""Below these we do not even begin: PostgreSQL stops hard when it cannot write its log."""


def second_instance(folder: Path, holder: str) -> CannotStart:
    """Somebody else uses this data folder."""
    return CannotStart(
        f"数据目录 {folder} 已被另一个信市进程（进程号 {holder}）使用：请先停止它，或用 XINSHI_DATA 指定别的目录。",
        f"Data folder {folder} is in use by another Xinshi (process {holder}): "
        "stop that one, or name another folder with XINSHI_DATA.",
    )


def unwritable(folder: Path, reason: str) -> CannotStart:
    """We may not write there."""
    return CannotStart(
        f"目录 {folder} 无法写入（{reason}）：请修改其权限，或用 XINSHI_DATA 指定可写的目录。",
        f"Folder {folder} cannot be written ({reason}): change its permissions, or name another with XINSHI_DATA.",
    )


def disk_full(folder: Path, needed: int) -> CannotStart:
    """Not enough room."""
    size = needed // _MEGABYTE
    return CannotStart(
        f"磁盘空间不足：{folder} 所在磁盘至少需要 {size} MB 可用空间，请清理后重新启动；已有数据没有改动。",
        f"The disk is full: {folder} needs at least {size} MB free; make room and start again. Nothing was changed.",
    )


def broken(folder: Path, detail: str) -> CannotStart:
    """The database folder is damaged; we never repair or replace it by ourselves."""
    return CannotStart(
        f"数据库目录 {folder} 已损坏，无法启动（{detail}）：请从备份恢复，或用 XINSHI_DATA 指定新的目录；"
        "原有文件没有改动。",
        f"Database folder {folder} is damaged ({detail}): restore it from a backup, or name a new folder with "
        "XINSHI_DATA. Its files were left as they are.",
    )


def other_version(folder: Path, has: str, ours: int) -> CannotStart:
    """Made by another major version."""
    return CannotStart(
        f"数据库目录 {folder} 属于 PostgreSQL {has}，当前程序是 PostgreSQL {ours}："
        f"请用 XINSHI_PG_BIN 指定 {has} 版程序，或按 docs/guides/operations.md 升级。",
        f"Database folder {folder} belongs to PostgreSQL {has}, the programs are PostgreSQL {ours}: name those of "
        f"version {has} with XINSHI_PG_BIN, or upgrade as docs/guides/operations.md says.",
    )


def unreachable(home: Path) -> CannotStart:
    """The unprivileged account PostgreSQL runs under cannot get to its folder any more."""
    return CannotStart(
        f"数据库账号无法进入 {home}：请恢复其上级目录的访问权限，或改用普通用户运行；数据没有改动。",
        f"The database's account cannot reach {home}: give its parent folders their permissions back, "
        "or run as an ordinary user. Nothing was changed.",
    )


def no_programs(looked: str) -> CannotStart:
    """No usable PostgreSQL on this machine."""
    return CannotStart(
        f"找不到 PostgreSQL 15 至 18 的程序（{looked}）：请运行 make setup，或用 XINSHI_PG_BIN 指定程序目录。",
        f"No PostgreSQL 15 to 18 found ({looked}): run make setup, or name its folder with XINSHI_PG_BIN.",
    )


def not_started(detail: str, log: Path) -> CannotStart:
    """PostgreSQL ended before it was ready."""
    return CannotStart(
        f"数据库没有启动（{detail}）：详情见 {log}。",
        f"The database did not start ({detail}): see {log}.",
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into sentences about `folder`."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise disk_full(folder, _MEGABYTE) from error
        raise unwritable(folder, error.strerror or str(error)) from error


def check_space(folder: Path, needed: int) -> None:
    """Refuse before writing when fewer than `needed` bytes are free."""
    if shutil.disk_usage(folder).free < needed:
        raise disk_full(folder, needed)
