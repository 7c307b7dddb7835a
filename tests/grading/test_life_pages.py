"""The pages of objections, requests, repairs and the day as seen: visible words, who may enter, both languages."""

import html
import re

import pytest

from core import clock, db
from core.identity import Role
from grading import services
from grading.rules.asked import AskedKind
from tests.factories import core as make
from tests.grading.life import FACTS, REASONS, Fallen, make_fallen, officer

pytestmark = pytest.mark.anyio
LANGUAGES = ("zh_Hans", "en")
CHINESE = re.compile(r"[\u4e00-\u9fff]+")


@pytest.fixture
async def fallen(db: None):
    found = await make_fallen()
    with clock.at(found.now):
        yield found


def words(page: str) -> str:
    """Visible text, without tags and doubled spaces."""
    return " ".join(html.unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", page, flags=re.S)).split())


async def test_an_objection_from_the_form_to_the_replayed_grade(fallen: Fallen, browse):
    agency = await browse(fallen.made.member)
    report_id = await fallen.report_id()
    page = (await agency.get(f"/grading/reports/{report_id}")).text
    assert f"/grading/reports/{report_id}/objection" in page
    short = await agency.submit(f"/grading/reports/{report_id}/objection", {"facts": "不服", "wish": "改正"})
    assert short.status_code == 422
    assert "不服" in short.text
    sent = await agency.submit(
        f"/grading/reports/{report_id}/objection",
        {"facts": FACTS.facts, "wish": FACTS.wish},
        files={"evidence": ("图号对照.pdf", b"%PDF-1.7\n%%EOF", "application/pdf")},
    )
    assert sent.status_code == 303, words(sent.text)
    case = sent.headers["location"]
    assert "图号对照.pdf" in (await agency.get(case)).text
    public = await (await browse()).get(f"/agencies/{fallen.made.agency_id}/grade/surveying")
    assert "异议中" in words(public.text)
    assert "办结前，原等级 B 继续有效" in words(public.text)
    signer = await browse(fallen.signer)
    refused = await signer.submit(f"{case}/decision", {"verdict": "reject", "reasons": REASONS})
    assert refused.status_code == 409
    other = await browse(await officer())
    form = {"verdict": "uphold", "reasons": REASONS}
    for n, one in enumerate(fallen.bad):
        form |= {f"change-{n}-target": f"case:{one}", f"change-{n}-kind": "technical", f"change-{n}-amount": "82"}
    decided = await other.submit(f"{case}/decision", form)
    assert decided.status_code == 303, words(decided.text)
    shown = words((await agency.get(case)).text)
    assert "重算与重新公布" in shown
    assert "改正技术审查分 82.00" in shown
    old = words((await agency.get(f"/grading/reports/{report_id}")).text)
    assert "因异议成立，这份报告已重算并重新公布" in old


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_every_page_of_a_life_in_both_languages(fallen: Fallen, browse, lang):
    made, report_id = fallen.made, await fallen.report_id()
    lodged = await services.lodge_objection(actor=made.member, report_id=report_id, draft=FACTS)
    request = await services.ask(actor=made.member, report_id=report_id, kind=AskedKind.HUMAN, question="请人看看")
    agency, other, public = (
        await browse(made.member, lang=lang),
        await browse(await officer(), lang=lang),
        await browse(lang=lang),
    )
    for reader, addresses in (
        (
            agency,
            (
                f"/grading/reports/{report_id}",
                f"/grading/reports/{report_id}/objection",
                f"/grading/reports/{report_id}/ask",
                f"/grading/objections/{lodged.objection_id}",
                f"/grading/requests/{request.request_id}",
                "/grading/objections",
                "/grading/requests",
                "/grading/repairs",
                "/grading/repairs/new",
                "/desk",
            ),
        ),
        (
            other,
            (
                f"/grading/objections/{lodged.objection_id}",
                f"/grading/requests/{request.request_id}",
                "/grading/objections",
                "/grading/requests",
                "/grading/repairs",
                "/desk",
            ),
        ),
        (
            public,
            (
                f"/agencies/{made.agency_id}/grade/surveying/seen?on=2026-09-20",
                f"/agencies/{made.agency_id}/grade/surveying/seen?on=0001-01-01",
                f"/agencies/{made.agency_id}/grade/surveying",
                "/grades",
            ),
        ),
    ):
        for address in addresses:
            page = await reader.get(address)
            assert page.status_code == 200, (address, words(page.text)[:300])
            if lang == "en":
                left = set(CHINESE.findall(re.sub(r'lang="zh[^"]*">[^<]*', "", words_en(page.text))))
                assert not {one for one in left if one in SENTENCES}, address


SENTENCES = {"等级异议", "异议中", "信用修复", "当日所见等级", "解释与人工复核", "待处理", "首次处理"}


def words_en(page: str) -> str:
    """The text of the main part only."""
    return words(page[page.index("<main") :])


async def test_strangers_find_nothing(fallen: Fallen, browse):
    report_id = await fallen.report_id()
    lodged = await services.lodge_objection(actor=fallen.made.member, report_id=report_id, draft=FACTS)
    for somebody in (Role.AGENCY, Role.CLIENT, Role.REVIEWER, Role.MARKET_SUPERVISOR):
        stranger = await browse(await make.member(somebody))
        assert (await stranger.get(f"/grading/objections/{lodged.objection_id}")).status_code == 404
    count = await db.value("select count(*) from grading_panel_seat")
    seated = await browse(await make.member(Role.REVIEWER))
    voted = await seated.submit(f"/grading/objections/{lodged.objection_id}/vote", {"number": "1", "vote": "agree"})
    assert voted.status_code == 404
    assert await db.value("select count(*) from grading_panel_seat") == count
