"""The main job in a real browser: register → notice → bid → contract → result → review → pay → grade → certificate.

Every page on the way is checked with axe, for sideways scroll on a phone, console errors and policy reports.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from core.clock import SHANGHAI
from tests.browser.cast import PASSWORD
from tests.browser.conftest import OpenPage, Site
from tests.browser.person import Person

AGENCY = {
    "name": "新泰衡尺山河测绘有限公司",
    "uscc": "91370982MAXTA10197",
}
CLIENT = {
    "name": "新泰驿路灯火加油站有限公司",
    "uscc": "91370982MAXTD104XF",
}
BEGIN = datetime(2026, 6, 1, 10, 0, tzinfo=SHANGHAI)  # a Monday


@pytest.fixture(scope="module")
def staff(site: Site) -> None:
    """Registrar, officer, administrator and three reviewers."""
    site.move_to(BEGIN)
    site.run("tests.browser.cast")


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A little PDF."""
    path = tmp_path / "扫描件.pdf"
    path.write_bytes(
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
    )
    return path


def test_from_registration_to_the_certificate(site: Site, staff: None, visit: OpenPage, paper: Path) -> None:
    def person(login: str | None = None) -> Person:
        return Person(visit, login)

    register(person, "hengchi", "agency", AGENCY)
    agency_files(person, paper)
    registrar = person("registrar").go("/filings")
    filing = registrar.number("/filings/")
    registrar.go(f"/filings/{filing}").send("/accept")
    site.move_to(BEGIN + timedelta(days=9))  # the public notice of five working days is over
    storefront = person().go("/agencies").number("/agencies/")
    person().go(f"/agencies/{storefront}").sees(AGENCY["name"])

    register(person, "yilu", "client", CLIENT)
    notice = post_notice(person)
    bidder = person("hengchi").go(f"/notices/{notice}/bid")
    bidder.send(
        "/bids", amount="28600.00", days="12", proposal="两个测量组，三级检查，按 1:500 规范施测。", honest=True
    )
    bidder.go(f"/notices/{notice}/bids/mine").sees("已密封")
    assert "28,600" not in bidder.page.content(), "even its own bidder reads a sealed price from paper only"
    person().go(f"/notices/{notice}")

    site.move_to(BEGIN + timedelta(days=16))  # past the deadline: opened, selected, announced
    person().go(f"/notices/{notice}/result").sees(AGENCY["name"])
    site.move_to(BEGIN + timedelta(days=24))  # the award's public notice is over
    contract = make_contract(person)
    site.move_to(BEGIN + timedelta(days=30))
    deliver_and_accept(person, contract, paper)
    review(person)
    site.move_to(BEGIN + timedelta(days=40))  # the agency's time to comment is over
    pay_and_evaluate(person, contract, paper)
    grade(site, person, storefront)


def register(person: Callable[..., Person], login: str, role: str, organization: dict[str, str]) -> None:
    visitor = person().go("/register")
    visitor.send(
        "/register",
        role=role,
        uscc=organization["uscc"],
        organization_name=organization["name"],
        name="经办人甲",
        email=f"{login}@example.org",
        login=login,
        password=PASSWORD,
        password_again=PASSWORD,
    )


def agency_files(person: Callable[..., Person], paper: Path) -> None:
    agency = person("hengchi").go("/agency")
    agency.send("/agency/filings")
    filing = agency.number("/agency/filings/")
    base = f"/agency/filings/{filing}"
    agency.go(f"{base}/organization").send(
        "/organization",
        region_zh="山东省泰安市新泰市",
        address="新泰市青云街道平阳路 12 号",
        staff_total=34,
        legal_representative="衡某",
        controller="衡某",
        contact_name="经办人甲",
        contact_phone="0538-1234567",
    )
    agency.go(f"{base}/qualifications/new").send(
        "/qualifications",
        profession="surveying",
        kind_zh="测绘资质证书",
        number="演示测资字-0001",
        grade="乙级",
        scope_zh="工程测量、界线与不动产测绘",
        issuer="山东省自然资源厅",
        expires_on="2028-03-31",
        items=["XT-SV-01", "XT-SV-02"],
        scan=paper,
    )
    for name in ("测某甲", "测某乙"):
        agency.go(f"{base}/practitioners").send(
            "/practitioners",
            name=name,
            certificate_kind="注册测绘师",
            certificate_no=f"演示-{name}",
            insured_months=12,
        )
    agency.go(f"{base}/independence").send("/independence", separations=True, none_declared=True, signed_by="衡某")
    commit = agency.go(f"{base}/commitments")
    fields: dict[str, object] = {}
    for number in range(2):
        fields |= {f"items__{number}__days": 8, f"items__{number}__fee_basis": "按面积和困难类别计"}
    commit.send("/commitments", honest=True, **fields)
    agency.go(f"{base}/check").send("/submit")


def post_notice(person: Callable[..., Person]) -> int:
    client = person("yilu").go("/projects/new")
    client.send(
        "/projects/new",
        title="国道加油站改扩建",
        location="新泰市翟镇国道 205 东侧",
        description="占地 6.5 亩，新增油罐两座。",
        investment="3200000",
        fund_source="own",
    )
    project = client.number("/projects/")
    client.go(f"/projects/{project}/notices/new?item=XT-SV-01").send(
        "/notices/new",
        method="lowest-price",
        fund_source="own",
        ceiling="38000",
        days_limit=15,
        deadline=(BEGIN + timedelta(days=15)).strftime("%Y-%m-%dT%H:%M"),
        scale="测图面积 6.5 亩，1:500。",
        requirements="成果须经两级检查。",
        payment_terms="成果通过验收后十个工作日内支付。",
    )
    notice = client.number("/notices/")
    client.go(f"/notices/{notice}/check").send("/publish")
    return notice


def make_contract(person: Callable[..., Person]) -> int:
    client = person("yilu").go("/contracts")
    contract = client.number("/contracts/")
    client.go(f"/contracts/{contract}").send("/confirmation")
    agency = person("hengchi").go(f"/contracts/{contract}")
    agency.send("/confirmation")
    agency.go(f"/contracts/{contract}").send("/filing")
    return contract


def deliver_and_accept(person: Callable[..., Person], contract: int, paper: Path) -> None:
    agency = person("hengchi").go(f"/contracts/{contract}")
    milestone = agency.number(f"/contracts/{contract}/milestones/")
    agency.go(f"/contracts/{contract}/milestones/{milestone}/result").send(
        "/result", title="国道加油站改扩建 1:500 地形图", files=paper, signers=True
    )
    deliverable = agency.number("/deliverables/")
    client = person("yilu").go(f"/deliverables/{deliverable}")
    client.send("/acceptance")


def review(person: Callable[..., Person]) -> None:
    for login in ("reviewer1", "reviewer2", "reviewer3"):
        reviewer = person(login).go("/reviews")
        if "/reviews/assignments/" not in reviewer.page.content():
            continue
        assignment = reviewer.number("/reviews/assignments/")
        reviewer.go(f"/reviews/assignments/{assignment}")
        assert AGENCY["name"] not in reviewer.page.content(), "the reviewer must not see whose work it is"
        codes = reviewer.page.locator('input[type=radio][name^="level-"]').evaluate_all(
            "all => [...new Set(all.map(e => e.name.slice(6)))]"
        )
        fields: dict[str, object] = {f"level__{code}": 4 for code in codes}
        fields |= {f"remark__{code}": "见成果第 3 页，符合要求。" for code in codes}
        reviewer.send(
            "/submission", summary="成果完整，个别说明略简；抽查了外业观测手簿和检查点记录，与成果一致。", **fields
        )
        return
    raise AssertionError("nobody was drawn to review")


def pay_and_evaluate(person: Callable[..., Person], contract: int, paper: Path) -> None:
    client = person("yilu").go("/payments")
    payable = client.number("/payments/")
    client.go(f"/payments/{payable}").send("/voucher", reference="2026071000012345", voucher=paper)
    person("hengchi").go(f"/payments/{payable}").send("/confirm")
    client = person("yilu").go(f"/contracts/{contract}/evaluation")
    client.send(
        "/evaluation",
        quality=4,
        time=5,
        conduct=5,
        charging=4,
        again="yes",
        narrative="按期交付，外业配合好，图面说明可再细一些。",
    )


def grade(site: Site, person: Callable[..., Person], agency: int) -> None:
    run_at = datetime(2026, 8, 3, 10, 0, tzinfo=SHANGHAI)  # first working day of August
    site.move_to(run_at)
    officer = person("officer").go("/runs")
    if "/runs/" not in officer.page.content():
        officer.send("/runs", as_of=run_at.date().isoformat())
    run = officer.number("/runs/")
    officer.go(f"/runs/{run}")
    site.move_to(run_at + timedelta(days=9))
    officer = person("officer").go(f"/runs/{run}")
    officer.send("/publish")
    person().go(f"/agencies/{agency}/grade/surveying").sees("证据不足")
    certificate_of_a_decision(person, agency, run_at.date())


def certificate_of_a_decision(person: Callable[..., Person], agency: int, day: date) -> None:
    """One result gives no letter yet; a numbered decision does, at once, and with a certificate."""
    person("officer").go("/conduct/direct-d").send(
        "/conduct/direct-d",
        agency_id=agency,
        code="DD-01",
        document_no="演示罚决〔2026〕1 号",
        authority="演示主管部门",
        facts="成果中的外业记录与现场不符，已作出行政处罚决定。",
        starts_on=day.isoformat(),
        ends_on=day.replace(year=day.year + 2).isoformat(),
    )
    page = person().go(f"/agencies/{agency}/grade/surveying")
    certificate = page.page.locator('main a[href^="/verify/"]').first.get_attribute("href")
    assert certificate, "the grade leads to its certificate"
    page.go(certificate)
    page.sees(AGENCY["name"])
    page.go("/trail")
