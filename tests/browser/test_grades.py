"""A grade in a browser: its certificate checked as a file, a finding answered and repaired, an objection decided."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.browser.conftest import OpenPage, Site
from tests.browser.grade_cast import Office
from tests.browser.person import Person

FACTS = "第三件成果的审查分把别的项目的缺陷算到了我们头上，图号对不上，见附图。"
REASONS = "经核对，缺陷清单中的图号属于另一项目，原审查分有误，予以改正。"
MINOR = "CP-0203"


@dataclass
class Desk:
    """One browser at which everybody sits down in turn."""

    site: Site
    office: Office
    somebody: Person

    def person(self, name: str | None = None) -> Person:
        """Somebody with a session, or a passer-by."""
        return self.somebody.becomes(self.site.cookie(self.office.sessions[name]) if name else None)


@pytest.fixture(scope="module")
def office(site: Site) -> Office:
    """Everybody, once for the module; the clock stands a day after the grade fell."""
    made = Office(**json.loads(site.run("tests.browser.grade_cast")))
    site.move_to(datetime.fromisoformat(made.now))
    return made


@pytest.fixture
def desk(site: Site, office: Office, visit: OpenPage) -> Desk:
    """The browser."""
    return Desk(site, office, Person(visit))


def test_a_certificate_is_checked_as_a_file_and_an_altered_one_refused(desk: Desk, tmp_path: Path) -> None:
    reader = desk.person()
    reader.go(f"/agencies/{desk.office.agency_id}/grade/{desk.office.profession}")
    reader.page.get_by_role("link", name=desk.office.certificate).click()
    reader.look()
    reader.sees("有效")
    with reader.page.expect_download() as download:
        reader.page.get_by_role("link", name="下载 PDF").click()
    true, false = tmp_path / "certificate.pdf", tmp_path / "altered.pdf"
    download.value.save_as(true)
    body = bytearray(true.read_bytes())
    body[len(body) // 3] ^= 0xFF
    false.write_bytes(body)
    for file, verdict in ((true, "文件真实，证书有效"), (false, "请勿采信")):
        reader.go("/verify")
        reader.send("/verify/file", sealed_file=file)
        reader.sees(verdict)


def test_a_rule_is_tried_submitted_and_approved_by_a_second_officer(desk: Desk) -> None:
    author = desk.person("officer").go("/grading/lab")
    author.go("/grading/lab/new")
    form = author.page.locator('main form[method="post"][action$="/grading/lab"]')
    for name, value in (("changes-band-c", "75"), ("purpose", "C 级线对小机构偏高。")):
        form.locator(f'[name="{name}"]').fill(value)
    form.get_by_role("button", name="保存草稿").click()
    author.look()
    author.sees("各级起点须依次降低，现为 A 级 90、B 级 70、C 级 75")
    assert author.page.locator('[name="changes-band-c"]').input_value() == "75", "what was typed is kept"

    address = author.send("/grading/lab", changes__band__b="52", changes__band__c="30", changes__a__results="6")
    proposal = int(address.partition("?")[0].rpartition("/")[2])
    author.sees("A 级所需成果数")
    author.send("/replay")
    author.sees("已排队，马上开始试算")
    assert author.page.locator("main progress").count() == 1
    desk.site.move_to(datetime.fromisoformat(desk.office.now) + timedelta(minutes=1))
    author.page.get_by_role("button", name="提交审批").wait_for()  # the page looks again by itself
    author.look()
    for said in ("从哪一级到哪一级", "等级会变动", "每年抽查", "同一审查员名下的排序正确率", "每月变动的等级"):
        author.sees(said)
    assert author.page.locator("#movers tbody tr").count() == 1
    with author.page.expect_download() as download:
        author.page.locator("#movers").get_by_role("link", name="CSV").click()
    lines = Path(download.value.path()).read_text("utf-8-sig").splitlines()
    assert lines[0].startswith("机构,专业,现行等级,新规则下的等级")
    assert ",C,B," in lines[1]

    author.send("/submit")
    author.sees("等另一位评级员决定")
    assert author.page.get_by_role("button", name="批准并公示").count() == 0
    second = desk.person("signer").go("/desk")
    second.sees("规则修改方案")
    second.go(f"/grading/lab/{proposal}").send("/approve", press="批准并公示", reasons="影响清楚，同意。")
    second.sees("XT-2026.2")
    second.sees("施行")
    second.sees("2027")
    reader = desk.person().go("/grading/changes")
    reader.page.get_by_role("link", name="XT-2026.2").click()
    reader.look()
    reader.sees("规则修改公示 XT-2026.2")
    reader.sees("公示至")


def test_pages_about_grades_and_money_are_readable_by_everybody(desk: Desk) -> None:
    own = f"/agencies/{desk.office.agency_id}/grade/{desk.office.profession}"
    for name, paths in {
        None: ("/grades", "/grading/method", "/grading/severity", own, f"{own}/seen", "/verify"),
        "officer": ("/grading/watch", "/grading/signals", "/grading/lab", "/runs", "/conduct", "/payments/review-cost"),
        "agency": ("/my-grade", own, "/payments", "/payments/incoming", "/payments/statement", "/payments/bonds"),
        "client": ("/payments", "/payments/statement", "/payments/bonds", "/agencies?profession=surveying"),
        "supervisor": ("/payments/desk", "/payments/stripe", "/grading/watch"),
    }.items():
        reader = desk.person(name)
        for path in paths:
            if reader.page.goto(path).status == 200:  # type: ignore[union-attr]
                reader.look()
            else:
                raise AssertionError(f"{name} may not read {path}")


def test_an_agency_with_grade_c_files_its_improvement_plan(desk: Desk) -> None:
    agency = desk.person("agency").go("/my-grade")
    agency.sees("10 个工作日内提交改进计划")
    agency.send("/improvement", measures="图件质检改为两级，月底前完成。", training="全体技术人员参加规范培训。")
    agency.sees("图件质检改为两级")
    desk.person("officer").go("/improvements").sees("全体技术人员参加规范培训")
    desk.person().go(f"/agencies/{desk.office.agency_id}/grade/{desk.office.profession}").sees("已提交")


def test_a_finding_is_answered_upheld_and_repaired(desk: Desk, tmp_path: Path) -> None:
    proof = tmp_path / "整改证明.pdf"
    proof.write_bytes(b"%PDF-1.7\n%%EOF")
    registrar = desk.person("registrar").go("/conduct/new")
    address = registrar.send(
        "/conduct/new",
        agency_id=desk.office.agency_id,
        code=MINOR,
        found_on=desk.office.now[:10],
        facts="委托方投诉后第八个工作日才答复。",
        source="来信投诉",
        complaint=True,
    )
    finding = int(address.partition("?")[0].rpartition("/")[2])

    desk.person("agency").go(f"/conduct/{finding}").send("/reply", text="因联系人出差，已改为两人值守。")
    desk.person("officer").go(f"/conduct/{finding}").send("/decide", verdict="uphold", reasons="证据充分，予以认定。")
    reader = desk.person().go(f"/conduct/{finding}")
    reader.sees("证据充分")
    reader.sees("来自投诉")

    agency = desk.person("agency").go("/grading/repairs/new")
    address = agency.send(
        "/grading/repairs/new",
        record=f"finding:{finding}",
        corrected="已改为两人值守并建立台账。",
        obligations="无",
        evidence=proof,
        promised=True,
    )
    repair = int(address.partition("?")[0].rpartition("/")[2])
    desk.person("officer").go(f"/grading/repairs/{repair}").send("/acceptance")
    decider = desk.person("officer").go(f"/grading/repairs/{repair}")
    decider.send("/decision", verdict="grant", reasons="整改证明核对属实，已满最短公示期，准予修复。")
    decider.sees("准予修复")


def test_an_objection_is_lodged_and_upheld_with_the_cases_before_ones_eyes(desk: Desk) -> None:
    report = desk.office.report_id
    agency = desk.person("agency").go(f"/grading/reports/{report}/objection")
    address = agency.send(f"/grading/reports/{report}/objection", facts=FACTS, wish="改正该件审查分。")
    objection = int(address.partition("?")[0].rpartition("/")[2])
    reader = desk.person().go(f"/agencies/{desk.office.agency_id}/grade/{desk.office.profession}")
    reader.sees("异议")

    desk.site.move_to(datetime.fromisoformat(desk.office.now) + timedelta(hours=2))
    decider = desk.person("officer").go(f"/grading/objections/{objection}")
    decider.send(
        "/decision",
        verdict="uphold",
        reasons=REASONS,
        change__0__target=f"case:{desk.office.bad[0]}",
        change__0__kind="technical",
        change__0__amount="82.00",
    )
    decider.sees("异议成立，已改正")
    decider.sees("改正技术审查分")
    assert "case:" not in decider.page.locator("main").inner_text()
    decider.go("/runs").sees("异议成立后重算")
    desk.person("agency").go(f"/grading/objections/{objection}").sees("重算与重新公布")
