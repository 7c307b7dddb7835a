import asyncio, json, os, subprocess, sys
import pytest, uvicorn
from core import clock
from core.identity import Role
from core.web import cookies
from contracts import services
from contracts.rules.evaluations import Stars
from tests.factories import contracts as given, core as make
pytestmark = pytest.mark.anyio
@pytest.mark.filterwarnings("ignore")
async def test_look(committed_db, web_app):
    made = await given.make_review()
    aid, reviewer = (await made.seats())[0]
    from contracts.rules.sheets import Mark
    await services.save_marks(actor=reviewer, assignment_id=aid, version=1, sheet=services.SheetFilled({"ENG-01": Mark(4,"第 12 页，控制点与委托书一致"),"ENG-02":Mark(4,"第 31 页"),"ENG-03":Mark(5,"第 52 页")},(), "总体良好"))
    m2 = await given.make_review("210000.00", reviewers=4)
    all_rev = made.reviewers | m2.reviewers
    m2 = given.MadeReview(m2.review_id, m2.deliverable_id, m2.contract, all_rev)
    await given.mark(m2, 5, 4)
    draft = await given.make_draft()
    filed = await given.make_filed("24600.00", "30", "70")
    r = await given.deliver(filed)
    ret = await given.make_filed()
    rr = await given.deliver(ret)
    await services.return_deliverable(actor=ret.client, deliverable_id=rr.deliverable_id, version=1, reason="缺少控制点成果表；附图 3 无比例尺。")
    officer = await make.member(Role.GRADING_OFFICER)
    ms = await given.milestones(ret)
    server = uvicorn.Server(uvicorn.Config(web_app, port=8765, lifespan="off", log_level="warning"))
    task = asyncio.create_task(server.serve())
    pages = []
    async def add(name, who, url, lang="zh_Hans"):
        tok = await make.session_token(who) if who else ""
        pages.append(dict(name=name, url=url, cookies={cookies.name(cookies.SESSION): tok, cookies.name(cookies.PREFERENCES): cookies.Preferences(language=lang).encode()}))
    await add("sheet", reviewer, f"/reviews/assignments/{aid}")
    await add("sheet-en", reviewer, f"/reviews/assignments/{aid}", "en")
    await add("queue", reviewer, "/reviews")
    await add("interests", reviewer, "/reviews/interests")
    await add("review", m2.contract.seller, f"/reviews/{m2.review_id}")
    await add("review-officer", officer, f"/reviews/{m2.review_id}")
    await add("reviews", officer, "/reviews")
    await add("reviewers", officer, "/reviews/reviewers")
    await add("draft", draft.client, f"/contracts/{draft.contract_id}")
    await add("edit", draft.client, f"/contracts/{draft.contract_id}/edit")
    await add("filed", filed.client, f"/contracts/{filed.contract_id}")
    await add("filed-en", filed.seller, f"/contracts/{filed.contract_id}", "en")
    await add("deliverable", filed.client, f"/deliverables/{r.deliverable_id}")
    await add("resultform", ret.seller, f"/contracts/{ret.contract_id}/milestones/{ms[0]}/result")
    await add("list", filed.client, "/contracts")
    await add("evaluate", made.contract.client, f"/contracts/{made.contract.contract_id}/evaluation")
    await add("statement", made.contract.seller, f"/contracts/{made.contract.contract_id}/statement")
    await add("records", None, "/contracts/records")
    from core import db
    num = await db.value("select number from contracts_contract where id=$1", made.contract.contract_id)
    dn = await db.value("select number from contracts_deliverable where id=$1", made.deliverable_id)
    await add("record", None, f"/contracts/records/{num}")
    await add("drecord", None, f"/deliverables/records/{dn}")
    await add("sheets", None, "/review-sheets")
    await add("sheetpub", None, "/review-sheets/RS-SV-ENG")
    open("/tmp/look.json","w").write(json.dumps(pages))
    p = await asyncio.create_subprocess_exec(sys.executable, "/tmp/shoot.py")
    await p.wait()
    server.should_exit = True
    await task
