"""The people of the demo market: one who acts for each organisation, the experts, the officers."""

from dataclasses import dataclass, field
from datetime import date

from contracts import services as contracts
from contracts.rules.reviews import InterestKind
from core import accounts, clock, trail
from core.db import transaction
from core.i18n import translate
from core.identity import ROLE_NAMES, SYSTEM, Identity, Role
from market import services as market
from portal.demo.custodians import demo_key
from portal.demo.roster import DemoAgency, DemoClient
from portal.demo.world import REVIEWERS, DemoReviewer

PASSWORD = "xinshi-demo-2026"  # noqa: S105  shown to everybody on purpose, and refused in production


@dataclass(frozen=True)
class SignIn:
    """How to sign in as one kind of user of the demo market."""

    role: Role
    login: str
    password: str
    name: str
    organization: str
    opening_key: str = ""

    @property
    def title(self) -> str:
        """What this kind of user is called, in the reader's language."""
        name = translate(ROLE_NAMES[self.role])
        public_money = self.role is Role.CLIENT and self.opening_key
        return translate("%(role)s（财政资金）") % {"role": name} if public_money else name


def sign_ins() -> list[SignIn]:
    """One sign-in per kind of user (clients: own money and public money); they exist in every demo market."""
    return [
        SignIn(Role.CLIENT, "cl-01", PASSWORD, "业主演一", "新泰金斗岭精细化工有限公司"),
        SignIn(
            Role.CLIENT, "cl-10", PASSWORD, "业主演十", "新泰市青云湖畔实验学校（演示）", demo_key(PUBLIC_CLIENT).text
        ),
        SignIn(Role.AGENCY, "ag-ev-01", PASSWORD, "机构演一", "新泰白鹭洲环境技术有限公司"),
        SignIn(Role.REGISTRAR, "registrar", PASSWORD, "登记员演", OFFICE.name_zh),
        SignIn(Role.REVIEWER, NEWCOMER.login, PASSWORD, NEWCOMER.name, EXPERTS[NEWCOMER.region].name_zh),
        SignIn(Role.GRADING_OFFICER, "officer", PASSWORD, "评级员演", OFFICE.name_zh),
        SignIn(Role.MARKET_SUPERVISOR, "supervisor", PASSWORD, "监督员演", OFFICE.name_zh, demo_key(OFFICE.uscc).text),
        SignIn(Role.ADMINISTRATOR, "admin", PASSWORD, "管理员演", OFFICE.name_zh),
    ]


PUBLIC_CLIENT = "12370982MAXTD1103M"
CITY = 4
"""So many digits of a region code name the city."""
NEWCOMER = next(one for one in REVIEWERS if one.joins is not None)


@dataclass(frozen=True)
class Office:
    """An organisation that is neither client nor agency."""

    uscc: str
    name_zh: str
    name_en: str
    region_code: str


OFFICE = Office(
    "12370982MAXTE1010F", "新泰市中介服务监管中心（演示）", "Xintai Intermediary Service Office (demo)", "370982"
)
EXPERTS = {
    "370982": Office("12370982MAXTF1016R", "新泰市技术审查专家库（演示）", "Xintai Review Experts (demo)", "370982"),
    "370900": Office("12370900MAXTF1024U", "泰安市技术审查专家库（演示）", "Tai'an Review Experts (demo)", "370900"),
    "370100": Office("12370100MAXTF1032D", "济南市技术审查专家库（演示）", "Jinan Review Experts (demo)", "370100"),
    "370200": Office("12370200MAXTF1040D", "青岛市技术审查专家库（演示）", "Qingdao Review Experts (demo)", "370200"),
    "370300": Office("12370300MAXTF1059F", "淄博市技术审查专家库（演示）", "Zibo Review Experts (demo)", "370300"),
}


@dataclass
class Player:
    """An agency on stage: who acts for it, and once recorded its number."""

    agency: DemoAgency
    identity: Identity
    agency_id: int = 0
    recorded_on: date = date.max
    open_jobs: int = 0


@dataclass(frozen=True)
class Buyer:
    """A client on stage, with how readily it answers and how kindly it judges."""

    client: DemoClient
    identity: Identity
    answers: float
    mood: float


@dataclass
class People:
    """Everybody who acts."""

    password_hash: str
    registrar: Identity = SYSTEM
    officer: Identity = SYSTEM
    second_officer: Identity = SYSTEM
    supervisor: Identity = SYSTEM
    second_supervisor: Identity = SYSTEM
    more_officers: list[Identity] = field(default_factory=list)
    reviewers: dict[str, tuple[DemoReviewer, Identity]] = field(default_factory=dict)
    players: dict[str, Player] = field(default_factory=dict)
    buyers: dict[str, Buyer] = field(default_factory=dict)
    guests: set[int] = field(default_factory=set)
    halls: dict[str, int] = field(default_factory=dict)

    def recorded(self, profession: str) -> list[Player]:
        """The agencies of a profession on record today, in the order of the roster."""
        today = clock.today()
        found = [one for one in self.players.values() if one.agency.profession == profession]
        return [one for one in sorted(found, key=lambda one: one.agency.key) if one.recorded_on <= today]

    def player_of(self, agency_id: int) -> Player:
        """The agency with that number."""
        return next(one for one in self.players.values() if one.agency_id == agency_id)

    def whoever(self, account_id: int) -> Identity:
        """Whoever of the office or the experts has that account, as they act in their first role."""
        office = (self.officer, self.second_officer, self.supervisor, self.second_supervisor, *self.more_officers)
        known = [*office, *(identity for _, identity in self.reviewers.values())]
        return next(one for one in known if one.account_id == account_id)

    async def another_officer(self) -> Identity:
        """A third grading officer, for what neither of the two may decide; the account is opened when first needed."""
        if not self.more_officers:
            office = self.officer.organization_id
            self.more_officers.append(await self._open("officer-3", "评级员演三", office, Role.GRADING_OFFICER))
        return self.more_officers[0]

    async def staff(self, casts: int) -> None:
        """Open the accounts of the office and of the experts, and put the experts on the list."""
        office = await _office(OFFICE)
        await self._open("admin", "管理员演", office, Role.ADMINISTRATOR)
        self.registrar = await self._open("registrar", "登记员演", office, Role.REGISTRAR)
        self.officer = await self._open("officer", "评级员演", office, Role.GRADING_OFFICER)
        self.second_officer = await self._open("officer-2", "评级员演二", office, Role.GRADING_OFFICER)
        self.supervisor = await self._open("supervisor", "监督员演", office, Role.MARKET_SUPERVISOR)
        self.second_supervisor = await self._open("supervisor-2", "监督员演二", office, Role.MARKET_SUPERVISOR)
        key = demo_key(OFFICE.uscc)
        await market.register_custodian_key(self.supervisor, public_key=key.public)
        for region, hall in EXPERTS.items():
            self.halls[region] = await _office(hall)
        for number in range(casts):
            for expert in REVIEWERS:
                if expert.joins is None:
                    await self.seat(expert, number)

    async def seat(self, expert: DemoReviewer, number: int = 0) -> None:
        """An expert opens an account and goes on the list; `number` tells the casts apart."""
        login = expert.login if number == 0 else f"{expert.login}-{number + 1}"
        identity = await self._open(login, expert.name, self.halls[expert.region], Role.REVIEWER)
        receipt = await contracts.register_reviewer(
            actor=self.officer,
            account_id=identity.account_id,
            professions=expert.professions,
            region=expert.region,
        )
        self.reviewers[receipt.code] = (expert, identity)

    def _welcome(self, login: str, identity: Identity) -> None:
        if login in {one.login for one in sign_ins()}:
            self.guests.add(identity.account_id)

    async def _open(self, login: str, name: str, organization_id: int, role: Role) -> Identity:
        async with transaction():
            account_id = await accounts.create_account(login=login, name=name, password_hash=self.password_hash)
            await accounts.add_membership(account_id=account_id, organization_id=organization_id, role=role)
            identity = await accounts.identity_of(login=login, role=role)
            await trail.record(
                SYSTEM,
                "account.opened",
                f"organization:{organization_id}",
                after={"role": role.value},
                personal={"login": login, "name": name},
            )
        self._welcome(login, identity)
        return identity

    async def open_agency(self, agency: DemoAgency) -> Player:
        """An agency opens its account."""
        identity = await accounts.open_account(
            login=agency.key.lower(),
            name="机构演" + _numeral(agency.key),
            password_hash=self.password_hash,
            uscc=agency.uscc,
            organization_name=agency.name_zh,
            organization_name_en=agency.name_en,
            role=Role.AGENCY,
            region_code=agency.region_code,
        )
        self._welcome(agency.key.lower(), identity)
        player = self.players[agency.key] = Player(agency, identity)
        return player

    async def open_client(self, client: DemoClient, answers: float, mood: float) -> None:
        """A client opens its account."""
        identity = await accounts.open_account(
            login=client.key.lower(),
            name="业主演" + _numeral(client.key),
            password_hash=self.password_hash,
            uscc=client.uscc,
            organization_name=client.name_zh,
            organization_name_en=client.name_en,
            role=Role.CLIENT,
            region_code=client.region_code,
            kind="public_body" if client.public_body else "enterprise",
        )
        self._welcome(client.key.lower(), identity)
        if client.fund_source.public_money:
            await market.register_custodian_key(identity, public_key=demo_key(client.uscc).public)
        self.buyers[client.key] = Buyer(client, identity, answers, mood)

    async def declare_interest(self, player: Player) -> None:
        """Whoever comes from the city of the agency knows it too well: has worked there once, or with those who do."""
        agency, asked = player.agency, sum(map(ord, player.agency.key))
        for expert, identity in self.reviewers.values():
            if agency.profession in expert.professions and expert.region[:CITY] == agency.region_code[:CITY]:
                asked += 1
                await contracts.declare_interest(
                    actor=identity,
                    organization_id=player.identity.organization_id,
                    kind=InterestKind.OTHER if asked % 3 else InterestKind.FORMER_EMPLOYER,
                )


async def _office(office: Office) -> int:
    return await accounts.create_organization(
        uscc=office.uscc,
        name_zh=office.name_zh,
        name_en=office.name_en,
        region_code=office.region_code,
        kind="public_body",
    )


def _numeral(key: str) -> str:
    from portal.demo.words import NUMERALS

    place = int(key.rsplit("-", maxsplit=1)[-1])
    ten, one = divmod(place, 10)
    return ("十" if ten else "") + (NUMERALS[one - 1] if one else "")
