"""The unified social credit code (统一社会信用代码) that names any organisation in China.

GB 32100: 18 characters = registering authority and kind (2), region (6), organisation code of
GB 11714 (9, its last one a check character), check character (1). `python-stdnum` computes the
outer check character only; the inner one, the first two characters and the leading N of rural
collectives are checked here.
"""

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType

from stdnum.cn import uscc

from core.i18n import N_

LENGTH = 18
ALPHABET = frozenset("0123456789ABCDEFGHJKLMNPQRTUWXY")
FORBIDDEN_LETTERS = frozenset("IOSVZ")
PREFIXES = {"1": "1239", "5": "1239", "9": "123", "Y": "1", "N": "1239"}
INNER_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
INNER_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
INNER_MODULUS = 11
INNER_TEN = 10
_SEPARATORS = re.compile(r"[\s\u200b-\u200d\ufeff\-\u2010-\u2015]")


class CodeFault(ValueError):
    """Why a text is no credit code: `reason` for programs, `text` (a msgid) for people."""

    reason = "invalid"
    text = N_("统一社会信用代码不正确。请对照营业执照核对后重新填写。")
    params: Mapping[str, str] = MappingProxyType({})


class WrongLength(CodeFault):
    """Not 18 characters, for example an old 15-digit registration number."""

    reason = "length"
    text = N_("统一社会信用代码应为 18 位。请对照营业执照核对，不要填旧的 15 位注册号。")


class IllegalLetter(CodeFault):
    """One of I, O, S, V, Z, which the standard leaves out because they look like digits."""

    reason = "illegal_letter"
    text = N_("统一社会信用代码不使用字母 I、O、S、V、Z。请核对是否把数字 1、0、5、2 看成了字母。")


class IllegalCharacter(CodeFault):
    """Neither a digit nor a capital letter."""

    reason = "illegal_character"
    text = N_("统一社会信用代码只含数字和大写字母。请去掉其他符号。")


class UnknownPrefix(CodeFault):
    """No registering authority uses these first two characters."""

    reason = "prefix"
    text = N_("统一社会信用代码的前两位（登记管理部门与机构类别）不存在。请对照营业执照核对。")


class RegionNotNumeric(CodeFault):
    """Characters three to eight are a region code of digits."""

    reason = "region_not_numeric"
    text = N_("统一社会信用代码的第 3 至 8 位是行政区划码，应全为数字。请核对。")


class WrongCheckDigit(CodeFault):
    """The last character does not fit the seventeen before it."""

    reason = "check_digit"
    text = N_("统一社会信用代码的校验位不符，通常是抄错一位或两位互换。请逐位核对。")


class WrongInnerCode(CodeFault):
    """Characters nine to seventeen are no organisation code."""

    reason = "inner_org_code"
    text = N_("统一社会信用代码的第 9 至 17 位（主体标识码）校验不符。请逐位核对。")


class NotPlain(CodeFault):
    """Stored data must already be plain: no blanks, full-width or small letters."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def plain(text: str) -> str:
    """What a person meant: NFKC, separators removed, capital letters. Checks nothing."""
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).upper()


def normalise(text: str) -> str:
    """The code that a person typed, leniently read and then strictly checked; `CodeFault`."""
    return check_strict(plain(text))


def check_strict(code: str) -> str:
    """`code` itself when it may be stored as it stands; `CodeFault` with its reason otherwise."""
    _require_plain(code)
    if illegal := set(code) - ALPHABET:
        raise IllegalLetter if illegal <= FORBIDDEN_LETTERS else IllegalCharacter
    if code[1] not in PREFIXES.get(code[0], ""):
        raise UnknownPrefix
    if not code[2:8].isdigit():
        raise RegionNotNumeric
    if uscc.calc_check_digit(code[:17]) != code[17]:
        raise WrongCheckDigit
    if not inner_fits(code[8:17]):
        raise WrongInnerCode
    return code


def _require_plain(code: str) -> None:
    if _SEPARATORS.search(code):
        raise NotPlain("whitespace_or_separator")
    if unicodedata.normalize("NFKC", code) != code:
        raise NotPlain("full_width")
    if len(code) != LENGTH:
        raise WrongLength
    if code != code.upper():
        raise NotPlain("lower_case")


def inner_fits(organisation: str) -> bool:
    """Whether the ninth character is the check character of GB 11714 (modulus 11, ten is X)."""
    body, last = organisation[:8], organisation[8]
    total = sum(INNER_ALPHABET.index(c) * w for c, w in zip(body, INNER_WEIGHTS, strict=True))
    check = (INNER_MODULUS - total % INNER_MODULUS) % INNER_MODULUS
    return last == ("X" if check == INNER_TEN else str(check))
