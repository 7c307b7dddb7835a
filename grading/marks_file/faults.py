"""What is wrong with a file, and where: the sentences name the line and the reason."""

import errno
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from core.errors import Message, Rejected
from core.i18n import N_
from core.settings import speak

REASONS = {
    errno.ENOENT: N_("所在的目录不存在"),
    errno.ENOTDIR: N_("所在的目录不存在"),
    errno.EACCES: N_("没有写入的权限"),
    errno.EPERM: N_("没有写入的权限"),
    errno.EROFS: N_("没有写入的权限"),
    errno.ENOSPC: N_("磁盘已满"),
}


class MarksInvalid(Rejected):
    """The file cannot be used; `faults` names the rows."""

    code: ClassVar[str] = "marks-invalid"
    text: ClassVar[str] = N_("评分文件不能使用，没有写出任何结果：%(faults)s")


class OutputRefused(Rejected):
    """The results cannot be written where they were asked for."""

    code: ClassVar[str] = "output-refused"
    text: ClassVar[str] = N_("结果不能写到 %(path)s：%(reason)s。没有写出任何结果。")


def unwritable(problem: OSError, path: Path) -> OutputRefused:
    """What the operating system said, in the reader's words where they are known."""
    text = REASONS.get(problem.errno or 0)
    return OutputRefused(path=path, reason=Message(text) if text else problem.strerror or str(problem))


def say(text: str, **values: Any) -> Message:
    """A sentence with its values."""
    return Message(text, values)


def listed(names: Iterable[str]) -> str:
    """Names in a row, as the language of the terminal separates them."""
    return speak("、", ", ").join(names)


def not_utf8(path: Path) -> str:
    """The first line that is not UTF-8; empty when all are."""
    with path.open("rb") as opened:
        for number, line in enumerate(opened, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return say(N_("第 %(line)s 行：不是 UTF-8 编码，请另存为 UTF-8"), line=number).render()
    return ""
