"""What can be wrong with a trail, and the verdict over one check of it."""

from dataclasses import dataclass, field

from core.errors import Message
from core.i18n import N_

MISSING = N_("记录已被删除")
CHANGED = N_("内容与日志中的指纹不一致")
UNREADABLE = N_("内容不是规定的格式")
COLUMN = N_("登记的“%(column)s”与已留痕的内容不一致")
PERSON_CHANGED = N_("个人信息与已留痕的指纹不一致")
PERSON_ADDED = N_("个人信息不在已留痕的内容之内")
REVEAL_FALSE = N_("公开的身份与密封时的承诺不一致")
GAP = N_("日志的序号在此处断开")
TILE = N_("指纹与已发布的树文件 %(path)s 不一致")
BUNDLE = N_("与已发布的记录文件 %(path)s 不一致")
FILE_MISSING = N_("已发布的文件 %(path)s 不见了，可用 xinshi trail publish --rebuild 重新生成")
BEFORE = N_("写入时间早于前一个检查点：事后补写")
AFTER = N_("写入时间晚于覆盖它的检查点")
PLAYED = N_("所称时间与实际写入时间相差超过 5 分钟")
HEAD_ROOT = N_("第 %(first)s 至 %(last)s 条之间有改动：树根与大小为 %(size)s 的检查点不一致")
HEAD_SIGNATURE = N_("大小为 %(size)s 的检查点签名无效（%(reason)s）")
HEAD_COLUMNS = N_("大小为 %(size)s 的检查点与登记的大小或树根不一致")
CUT = N_("日志尾部被截断：检查点覆盖 %(size)s 条，现只有 %(found)s 条")
FORK = N_("日志分叉：与您留存的、大小为 %(size)s 的检查点不是同一份记录")
OUTSIDE = N_("记录没有进入日志，而且已不可能按顺序进入")
_MOST = 100


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it was published. Without a leaf index it concerns the log as a whole."""

    what: Message
    leaf_index: int | None = None
    entry_id: int | None = None
    act: str = ""
    subject: str = ""

    @property
    def place(self) -> tuple[bool, int]:
        """Where the fault sorts: by leaf, what concerns the whole log last."""
        return self.leaf_index is None, self.leaf_index or 0


@dataclass
class Verdict:
    """What was checked and what was found."""

    entries: int = 0
    heads: int = 0
    waiting: int = 0
    persons: int = 0
    deleted_persons: int = 0
    played: int = 0
    withheld: int = 0
    files: bool = False
    faults: list[Fault] = field(default_factory=list)
    _faulty: set[int] = field(default_factory=set)

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    @property
    def first(self) -> Fault:
        """The first broken entry, or what is wrong with the log as a whole."""
        return min(self.faults, key=lambda fault: fault.place)

    def add(self, fault: Fault) -> None:
        """Note a fault: one for each leaf, and no more than anybody will read."""
        if len(self.faults) >= _MOST or fault.leaf_index in self._faulty:
            return
        self.faults.append(fault)
        if fault.leaf_index is not None:
            self._faulty.add(fault.leaf_index)
