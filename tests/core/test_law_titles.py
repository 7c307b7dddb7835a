"""Laws keep their Chinese titles on English pages, marked as Chinese."""

import re

from core.i18n import set_language
from core.web.templates import basis_words


def test_laws_are_marked_as_chinese_on_english_pages() -> None:
    basis = "platform rule；《招标投标法实施条例》第58条<b>"
    set_language("en")
    shown = basis_words(basis)
    assert basis_words("平台规则（人员与单位一致性）").startswith("Platform rule")
    set_language("zh_Hans")
    assert "《招标投标法实施条例》第58条</span>" in shown
    assert re.sub(r"<span lang=\"zh-Hans\">.*?</span>", "", shown).isascii()
    assert "<b>" not in shown.replace("</b>", "")
    assert basis_words("platform rule") == "平台规则"
