"""The people of a story, and a clock that the story moves."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from agencies import services as agencies
from agencies.rules import Profession
from agencies.rules.dossier import (
    Commitment,
    CommitmentsStep,
    IndependenceStep,
    OrganizationStep,
    PractitionerDraft,
    QualificationClass,
    QualificationDraft,
)
from agencies.rules.independence import Separation
from contracts import services as contracts
from core import accounts, clock, db
from core.identity import Identity, Role
from core.workdays import calendar
from portal.demo import papers
from tests.factories import core as make

PASSWORD = "three-quiet-rivers"


@dataclass
class Time:
    """What the clock on the wall says."""

    now: datetime

    def goes_to(self, moment: datetime) -> None:
        """It is now that moment, unless it is later already."""
        self.now = max(self.now, moment)

    async def passes(self, *, workdays: int) -> None:
        """So many working days later, at ten in the morning."""
        day = (await calendar()).add(clock.shanghai(self.now).date(), workdays)
        self.goes_to(datetime(day.year, day.month, day.day, 10, tzinfo=clock.SHANGHAI))

    async def at_five(self, *, workdays: int) -> datetime:
        """Five in the afternoon, so many working days ahead."""
        day = (await calendar()).add(clock.shanghai(self.now).date(), workdays)
        return datetime(day.year, day.month, day.day, 17, tzinfo=clock.SHANGHAI)


@contextmanager
def time_begins(moment: datetime) -> Iterator[Time]:
    """The story's own clock, for everybody in it."""
    time = Time(moment)
    with clock.at(lambda: time.now):
        yield time


async def opens_account(name: str, name_en: str, role: Role) -> Identity:
    """Somebody opens an account for an organisation, as on the registration page."""
    code = make.credit_code()
    return await accounts.register(
        login=f"user-{code.lower()}",
        name="演示员",
        password=PASSWORD,
        uscc=code,
        organization_name=name,
        organization_name_en=name_en,
        role=role,
        email="",
        language="zh_Hans",
    )


async def experts(officer: Identity, number: int) -> dict[str, Identity]:
    """Reviewers of surveying on the list of the lot, by the code under which others know them."""
    found = {}
    for _ in range(number):
        identity = await make.member(Role.REVIEWER, name="审查员")
        receipt = await contracts.register_reviewer(
            actor=officer,
            account_id=identity.account_id,
            professions=(Profession.SURVEYING,),
            region="370982",
        )
        found[receipt.code] = identity
    return found


async def fills_in_dossier(agency: Identity, name: str, uscc: str) -> int:
    """An agency's dossier, step by step; gives the filing's number."""
    filing = (await agencies.start_registration(actor=agency)).filing_id
    await agencies.save_organization(actor=agency, filing_id=filing, step=_organization(name, uscc))
    await agencies.add_qualification(
        actor=agency, filing_id=filing, draft=_certificate(uscc), scan=papers.scan("测绘资质证书", [name, uscc])
    )
    person = PractitionerDraft(name="甲演示", certificate_kind="注册测绘师", certificate_no=uscc, insured_months=36)
    await agencies.add_practitioners(actor=agency, filing_id=filing, people=(person,))
    separated = IndependenceStep(frozenset(Separation), none_declared=True, signed_by="甲演示")
    await agencies.save_independence(actor=agency, filing_id=filing, step=separated)
    promise = Commitment("XT-SV-01", 5, "市场调节价", Decimal("20000.00"))
    await agencies.save_commitments(
        actor=agency, filing_id=filing, step=CommitmentsStep((promise,), "首问负责", honest=True)
    )
    return filing


def _organization(name: str, uscc: str) -> OrganizationStep:
    return OrganizationStep(
        name_zh=name,
        uscc=uscc,
        region_code="370982",
        region_zh="山东省泰安市新泰市",
        address="演示路 1 号",
        legal_representative="甲演示",
        contact_name="乙演示",
        contact_phone="0538-0000001",
        controller=f"控制人 {uscc}",
        staff_total=20,
    )


def _certificate(uscc: str) -> QualificationDraft:
    return QualificationDraft(
        profession=Profession.SURVEYING,
        kind_zh="测绘资质证书",
        number=f"演示测资字-{uscc}",
        grade=QualificationClass.FIRST,
        scope_zh="工程测量",
        issuer="演示发证机关",
        expires_on=date(2035, 12, 31),
        items=("XT-SV-01",),
    )


async def uscc_of(somebody: Identity) -> str:
    """The credit code of somebody's organisation."""
    code: str = await db.value("select uscc from core_organization where id = $1", somebody.organization_id)
    return code
