"""The service catalogue: what an item says, and how people find it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum

from core.errors import NotFound
from core.i18n import N_


class ItemGone(NotFound):
    """No service item of that code."""

    code = "item-not-found"
    text = N_("目录里没有这个服务事项。请从服务事项目录重新选择。")


class Payer(StrEnum):
    """Who bears the fee."""

    OWNER = "owner"
    DEPARTMENT = "department"
    SHARED = "shared"
    CONFIGURABLE = "configurable"


PAYERS = {
    Payer.OWNER: N_("委托方付费"),
    Payer.DEPARTMENT: N_("主管部门付费，不向企业收取"),
    Payer.SHARED: N_("规划部分由主管部门付费，其余由委托方付费"),
    Payer.CONFIGURABLE: N_("依当地规定"),
}

STAGES = {
    "1-siting": N_("选址与用地"),
    "2-approval": N_("立项与审批"),
    "3-design": N_("设计"),
    "4-commencement": N_("开工"),
    "5-completion": N_("竣工验收"),
}

LINKAGES = {
    "approval_precondition": N_("审批条件"),
    "supporting_document": N_("申报图件"),
    "department_commissioned": N_("由部门委托"),
    "acceptance": N_("验收环节"),
    "owner_duty": N_("建设单位法定义务"),
    "market": N_("市场服务"),
}

VERIFIED = {
    "yes": N_("已核对原文"),
    "partial": N_("部分核对"),
    "no": N_("待核"),
    "n/a": N_("平台规则"),
}

LEVELS = {
    "county": N_("县级"),
    "city": N_("市级"),
    "province": N_("省级"),
    "state": N_("国家级"),
}

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]+")
_WORD = re.compile(r"[a-z0-9]+")


def shingles(*texts: str) -> list[str]:
    """What a text can be found by: pairs of neighbouring Han characters and lower-case words.

    Two-character pairs because most Chinese query words have two (traps.md B1). Single Han
    characters are kept too, for queries of one.
    """
    found: set[str] = set()
    for text in texts:
        lowered = text.lower()
        found.update(_WORD.findall(lowered))
        for run in _HAN.findall(lowered):
            found.update(run)
            found.update(run[i : i + 2] for i in range(len(run) - 1))
    return sorted(found)


def query_shingles(text: str) -> list[str]:
    """What must all be present for a match: no single characters beside a longer run."""
    lowered = text.lower()
    found = set(_WORD.findall(lowered))
    for run in _HAN.findall(lowered):
        found.update([run] if len(run) == 1 else (run[i : i + 2] for i in range(len(run) - 1)))
    return sorted(found)


def listed(cell: str) -> list[str]:
    """A list inside a cell of the catalogue."""
    return [part.strip() for part in cell.split(";") if part.strip()]


def critical_path(days: Mapping[str, int], predecessors: Mapping[str, Sequence[str]]) -> tuple[int, list[str]]:
    """Working days of the longest chain, and the chain. ValueError when the graph has a cycle."""
    finish: dict[str, int] = {}
    before: dict[str, str | None] = {}
    for code in _in_order(predecessors):
        latest = max(predecessors[code], key=lambda one: finish[one], default=None)
        before[code] = latest
        finish[code] = days[code] + (finish[latest] if latest else 0)
    last: str | None = max(finish, key=lambda one: finish[one])
    length, path = finish[last] if last else 0, []
    while last:
        path.append(last)
        last = before[last]
    return length, path[::-1]


def _in_order(predecessors: Mapping[str, Sequence[str]]) -> Iterable[str]:
    from graphlib import CycleError, TopologicalSorter

    try:
        return tuple(TopologicalSorter(predecessors).static_order())
    except CycleError as error:
        raise ValueError("the catalogue's dependencies form a circle") from error
