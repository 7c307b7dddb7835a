"""What codes are called on a page, in the reader's language."""

from datetime import date
from decimal import Decimal
from typing import Any

from agencies.rules import GRADE_TITLES, PROFESSION_TITLES
from core.i18n import N_, _, loc
from grading.rules.bands import Check
from grading.rules.lifecycle import CertificateState, ConductPhase, ReportState, RunKind
from grading.rules.scheme import Scheme

REPORT_STATES = {
    ReportState.DRAFT: N_("草案"),
    ReportState.COMMENTED: N_("草案，机构已反馈"),
    ReportState.PUBLISHED: N_("已公布"),
    ReportState.SUPERSEDED: N_("已被取代"),
    ReportState.WITHDRAWN: N_("已作废重做"),
}
RUN_KINDS = {
    RunKind.MONTHLY: N_("月度评级"),
    RunKind.DIRECT_D: N_("直接 D 级（认定或解除）"),
    RunKind.REPLAY: N_("异议成立后重算"),
    RunKind.REPAIR: N_("信用修复后重评"),
}
PHASES = {
    ConductPhase.PROPOSED: N_("待认定"),
    ConductPhase.LIVE: N_("有效"),
    ConductPhase.LAPSED: N_("已失效"),
    ConductPhase.REPAIRED: N_("已修复"),
    ConductPhase.NOT_UPHELD: N_("不予认定"),
}
PHASE_TAGS = {
    ConductPhase.PROPOSED: "act",
    ConductPhase.LIVE: "warn",
    ConductPhase.LAPSED: "",
    ConductPhase.REPAIRED: "ok",
    ConductPhase.NOT_UPHELD: "",
}
CERTIFICATE_STATES = {
    CertificateState.VALID: N_("有效"),
    CertificateState.EXPIRED: N_("已到期"),
    CertificateState.SUSPENDED: N_("异议中，暂不生效"),
    CertificateState.SUPERSEDED: N_("已被取代"),
    CertificateState.REVOKED: N_("已撤销"),
}
REASONS = {
    "GATE-A": N_("评分达到 A 级，其他条件未全部满足，定为 B 级"),
    "D-NEEDS-RESULTS": N_("成果不足 %(d)s 件，不定 D 级"),
    "CC-01": N_("%(z)s 个月内有零分成果，最高 C 级"),
    "CC-02": N_("有效记分满 %(n)s 分，最高 C 级"),
    "CC-03": N_("处于限期整改期，最高 C 级"),
    "CC-04": N_("12 个月内核实投诉 2 件以上，最高 C 级"),
    "AFTER-D": N_("D 级期满后 %(a)s 个月内最高 C 级"),
    "NO-A": N_("D 级期满后的下一年度不评 A 级"),
}
_CHECKS = {
    "probability": N_("有 %(chance)s 的把握不低于 %(need)s 分"),
    "holds": N_("不低于 %(need)s 分的把握高于 %(chance)s"),
    "registered": N_("登记满 %(need)s 个月"),
    "reviewed": N_("已评成果不少于 %(need)s 件"),
    "unrelated": N_("互不关联的业主不少于 %(need)s 家"),
    "no-low-grade": N_("%(low)s 个月内没有 C 级或 D 级"),
    "points": N_("记分少于 %(need)s 分"),
    "no-zero": N_("%(zero)s 个月内无零分成果"),
    "certificate": N_("资质在有效期内"),
    "conduct": N_("行为等级不低于 %(need)s 级"),
    "results": N_("已评成果不少于 %(need)s 件"),
    "reviewers": N_("审查员不少于 %(need)s 人"),
    "clients": N_("业主不少于 %(need)s 家"),
    "reliability": N_("证据可靠度不低于 %(need)s"),
}
_UNITS = {
    "registered": N_("%(n)s 个月"),
    "reviewed": N_("%(n)s 件"),
    "results": N_("%(n)s 件"),
    "no-zero": N_("%(n)s 件"),
    "unrelated": N_("%(n)s 家"),
    "clients": N_("%(n)s 家"),
    "reviewers": N_("%(n)s 人"),
    "no-low-grade": N_("%(n)s 次"),
    "points": N_("%(n)s 分"),
    "conduct": N_("%(n)s 级"),
}
FOREVER = date.max.isoformat()


def percent(chance: Decimal | str) -> str:
    """`85%`, without decimals; never a rounded-up certainty."""
    value = Decimal(chance) * 100
    if Decimal("99.5") <= value < 100:
        return "99%"
    return f"{value:.0f}%"


def likely(chance: Decimal) -> str:
    """A chance as people say it: never a rounded certainty."""
    value = Decimal(chance) * 100
    if value < 1:
        return _("不到 1%%") % {}
    return _("99%% 以上") % {} if value > 99 else f"{value:.0f}%"


def check_line(check: Check, scheme: Scheme) -> tuple[bool, str, str]:
    """A condition as `ui.checks` shows it: met or not, what is asked, what there is."""
    if check.code == "probability":
        needed, edge = check.need.split(":")
        code = "probability" if Decimal(needed) >= Decimal("0.5") else "holds"
        text = _(_CHECKS[code]) % {"need": f"{Decimal(edge):.0f}", "chance": percent(needed)}
        return check.met, text, percent(check.have)
    gates = scheme.gates
    text = _(_CHECKS[check.code]) % {"need": check.need, "low": gates.no_low_grade_months, "zero": gates.no_zero_months}
    return check.met, text, _have(check)


def _have(check: Check) -> str:
    if check.code == "certificate":
        if not check.have:
            return _("无")
        return _("长期") if check.have == FOREVER else _("至 %(day)s") % {"day": check.have[:7]}
    if check.code == "reliability":
        return f"{Decimal(check.have):.2f}"
    return _(_UNITS[check.code]) % {"n": check.have}


def reason(code: str, scheme: Scheme) -> str:
    """Why a grade is capped, in words; direct grounds by their name in the scheme."""
    if code in REASONS:
        gates, terms = scheme.gates, scheme.terms
        return _(REASONS[code]) % {
            "n": scheme.conduct.warning_at,
            "z": gates.no_zero_months,
            "d": gates.d_needs_results,
            "a": terms.after_d_months,
        }
    trigger = scheme.trigger(code)
    return f"{loc(trigger, 'name')}（{code}）" if trigger else code


def words() -> dict[str, Any]:
    """What every page of grading may need to name things."""
    return {
        "grade_titles": GRADE_TITLES,
        "profession_titles": PROFESSION_TITLES,
        "report_states": REPORT_STATES,
        "run_kinds": RUN_KINDS,
        "phases": PHASES,
        "phase_tags": PHASE_TAGS,
        "certificate_states": CERTIFICATE_STATES,
        "check_line": check_line,
        "percent": percent,
        "likely": likely,
        "reason": reason,
    }
