"""Contracts, results, reviews for tests, made through the real services from a real award."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from agencies.rules import Profession
from contracts import services
from contracts.rules.filing import MilestoneTerms, Terms
from contracts.rules.sheets import Mark, ReviewSheet, VetoFinding, sheet_version
from core import clock, db
from core.forms import Upload
from core.identity import Identity, Role
from core.workdays import calendar
from market import content
from market.rules.notices import FundSource, earliest_deadline
from tests.factories import core as make
from tests.factories.agencies import MadeAgency
from tests.factories.market import make_award

_count = itertools.count(1)


@dataclass(frozen=True)
class MadeContract:
    """A contract with somebody on each side; `signed_on` and later moments are set by the clock."""

    contract_id: int
    client: Identity
    agency: MadeAgency

    @property
    def seller(self) -> Identity:
        """Somebody who acts for the agency."""
        return self.agency.member


def pdf(text: str = "") -> bytes:
    """A real little PDF with a line of text, different each time."""
    line = f"{text} {next(_count)}".strip()
    stream = f"BT /F1 18 Tf 60 720 Td ({line}) Tj ET".encode("latin-1")
    parts = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body, places = b"%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, part)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    return body + (
        b"xref\n0 6\n0000000000 65535 f \n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
        % (table, len(body))
    )


def terms(amount: str = "24600.00", days: int = 8, *shares: str) -> Terms:
    """Sound terms; one milestone unless shares are given."""
    shares = shares or ("100",)
    steps = tuple(
        MilestoneTerms(f"节点{place}", Decimal(share), max(1, days * place // len(shares)))
        for place, share in enumerate(shares, 1)
    )
    return Terms(Decimal(amount), days, "1:500 地形图，约 5 公顷", steps)


async def _posting_day(fund: FundSource) -> datetime:
    """The latest moment, whole days ago, at which a notice must have been posted to be awarded by now."""
    now, days = clock.now(), await calendar()
    for back in itertools.count(1):
        posted = now - timedelta(days=back)
        law = content.edition_in_force(posted.astimezone(clock.SHANGHAI).date())
        awarded = days.due_at(earliest_deadline(posted, fund, law, days), law.display_wd) + timedelta(seconds=1)
        if awarded < now:
            return posted
    raise AssertionError


async def make_draft(price: str = "24600.00", **changes: object) -> MadeContract:
    """The draft that an award gives; the award fell as late as it could before now, so what follows is later.

    Counted in the working days of the calendar: a fixed number of days ago would leave a long time to
    confirm in one week and none in another.
    """
    if Decimal(price) > 30000:
        changes.setdefault("ceiling", Decimal(price) + 200)
    fund = changes.get("fund_source", FundSource.OWN)
    assert isinstance(fund, FundSource)
    with clock.at(await _posting_day(fund)):
        award_id, made, found = await make_award((price, str(Decimal(price) + 100)), **changes)  # type: ignore[arg-type]
    contract_id = await services.draft_from_award(award_id)
    chosen = await db.value("select agency from contracts_contract where id = $1", contract_id)
    agency = next(one for one in found if one.agency_id == chosen)
    return MadeContract(contract_id, made.client, agency)


async def version_of(contract_id: int) -> int:
    """The version a reader would have before their eyes."""
    version: int = await db.value("select version from contracts_contract where id = $1", contract_id)
    return version


async def sign(made: MadeContract) -> None:
    """Both sides confirm the present version."""
    version = await version_of(made.contract_id)
    for actor in (made.client, made.seller):
        await services.confirm_contract(actor=actor, contract_id=made.contract_id, version=version)


async def make_filed(
    price: str = "24600.00", *shares: str, signed_at: datetime | None = None, **changes: object
) -> MadeContract:
    """A filed contract with as many milestones as shares."""
    made = await make_draft(price, **changes)
    if shares:
        await services.edit_contract(
            actor=made.client,
            contract_id=made.contract_id,
            version=1,
            terms=terms(price, 8, *shares),
        )
    with clock.at(signed_at or clock.now()):
        await sign(made)
        await services.file_contract(actor=made.seller, contract_id=made.contract_id)
    return made


async def milestones(made: MadeContract) -> list[int]:
    """The contract's milestones in order."""
    found = await db.rows("select id from contracts_milestone where contract = $1 order by place", made.contract_id)
    return [row["id"] for row in found]


async def signers(made: MadeContract) -> tuple[int, ...]:
    """The agency's practitioners."""
    found = await db.rows("select id from agencies_practitioner where agency = $1 order by id", made.agency.agency_id)
    return tuple(row["id"] for row in found)


async def result(made: MadeContract, *uploads: Upload) -> services.ResultDraft:
    """A sound result."""
    given = uploads or (Upload(f"{made.agency.name_zh}成果报告.pdf", pdf("Report")),)
    return services.ResultDraft("地形图成果报告", "", (await signers(made))[:1], given)


async def deliver(made: MadeContract, place: int = 1, *uploads: Upload) -> services.ResultReceipt:
    """File the result of a milestone, or its next version."""
    milestone_id = (await milestones(made))[place - 1]
    version = await db.value(
        "select coalesce(max(version), 0) from contracts_deliverable where milestone = $1", milestone_id
    )
    return await services.file_deliverable(
        actor=made.seller,
        contract_id=made.contract_id,
        milestone_id=milestone_id,
        version=version,
        result=await result(made, *uploads),
    )


async def make_reviewer(
    region: str = "370982",
    professions: tuple[Profession, ...] = (Profession.SURVEYING,),
    organization_id: int | None = None,
) -> tuple[int, Identity]:
    """A registered reviewer: id and identity."""
    officer = await make.member(Role.GRADING_OFFICER)
    reviewer = await make.member(Role.REVIEWER, organization_id)
    receipt = await services.register_reviewer(
        actor=officer, account_id=reviewer.account_id, professions=professions, region=region
    )
    return receipt.reviewer_id, reviewer


async def make_reviewers(count: int, region: str = "370982") -> dict[int, Identity]:
    """Several registered reviewers by id."""
    return dict([await make_reviewer(region) for _ in range(count)])


async def accept(made: MadeContract, place: int = 1) -> services.AcceptanceReceipt:
    """Deliver and accept a milestone."""
    filed = await deliver(made, place)
    return await services.accept_deliverable(
        actor=made.client, deliverable_id=filed.deliverable_id, version=filed.version
    )


@dataclass(frozen=True)
class MadeReview:
    """An open review with those who can be drawn."""

    review_id: int
    deliverable_id: int
    contract: MadeContract
    reviewers: dict[int, Identity]

    async def seats(self) -> list[tuple[int, Identity]]:
        """Open assignments: id and reviewer."""
        found = await db.rows(
            "select id, reviewer from contracts_assignment where review = $1 and state = 'assigned' order by seat",
            self.review_id,
        )
        return [(row["id"], self.reviewers[row["reviewer"]]) for row in found]


async def make_review(price: str = "24600.00", reviewers: int = 3) -> MadeReview:
    """A review just opened by acceptance."""
    found = await make_reviewers(reviewers)
    made = await make_filed(price)
    receipt = await accept(made)
    return MadeReview(receipt.review_id, receipt.deliverable_id, made, found)


async def sheet_of(assignment_id: int) -> ReviewSheet:
    """The sheet under which an assignment is marked."""
    row = await db.row(
        "select v.sheet_id, v.sheet_version from contracts_assignment a"
        " join contracts_review v on v.id = a.review where a.id = $1",
        assignment_id,
    )
    return sheet_version(row["sheet_id"], row["sheet_version"])


async def filled(assignment_id: int, level: int = 4, vetoes: Sequence[str] = ()) -> services.SheetFilled:
    """A complete sheet at one level."""
    sheet = await sheet_of(assignment_id)
    marks = {one.code: Mark(level, "第 3 页，与规范一致") for one in sheet.indicators}
    return services.SheetFilled(
        marks,
        [VetoFinding(code, "第 7 页，数据与原始记录不符") for code in vetoes],
        "总体良好；已抽查外业观测手簿、检查点记录和计算书，三者一致无误",
    )


async def mark(made: MadeReview, *levels: int) -> services.ReviewReceipt:
    """Hand in a sheet for every open seat, at the given levels."""
    seats = await made.seats()
    receipt = None
    for (assignment_id, reviewer), level in zip(seats, levels or (4,) * len(seats), strict=True):
        version = await db.value("select version from contracts_assignment where id = $1", assignment_id)
        receipt = await services.submit_review(
            actor=reviewer,
            assignment_id=assignment_id,
            version=version,
            sheet=await filled(assignment_id, level),
        )
    assert receipt is not None
    return receipt


def later(days: int) -> datetime:
    """So many calendar days from now."""
    return clock.now() + timedelta(days=days)
