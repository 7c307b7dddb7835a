"""Who acts, in which role, and what that role may do: one page answers it."""

from dataclasses import dataclass
from enum import StrEnum

from core.errors import Forbidden
from core.i18n import N_


class Role(StrEnum):
    """In which capacity somebody acts. An account may hold several, one organisation each."""

    CLIENT = "client"
    AGENCY = "agency"
    REGISTRAR = "registrar"
    REVIEWER = "reviewer"
    GRADING_OFFICER = "grading_officer"
    MARKET_SUPERVISOR = "market_supervisor"
    ADMINISTRATOR = "administrator"
    SYSTEM = "system"


ROLE_NAMES: dict[Role, str] = {
    Role.CLIENT: N_("委托方"),
    Role.AGENCY: N_("中介机构"),
    Role.REGISTRAR: N_("登记员"),
    Role.REVIEWER: N_("审查员"),
    Role.GRADING_OFFICER: N_("评级员"),
    Role.MARKET_SUPERVISOR: N_("市场监督员"),
    Role.ADMINISTRATOR: N_("系统管理员"),
    Role.SYSTEM: N_("系统"),
}


class Permission(StrEnum):
    """Everything that is guarded, as one list of verbs."""

    # client
    MANAGE_PROJECT = "manage-project"
    POST_NOTICE = "post-notice"
    SELECT_AGENCY = "select-agency"
    ACCEPT_DELIVERABLE = "accept-deliverable"
    EVALUATE = "evaluate"
    PAY = "pay"
    # agency
    REGISTER_AGENCY = "register-agency"
    SUBMIT_BID = "submit-bid"
    FILE_DELIVERABLE = "file-deliverable"
    CONFIRM_PAYMENT = "confirm-payment"
    COMMENT_GRADE = "comment-grade"
    # both parties
    MAKE_CONTRACT = "make-contract"
    LODGE_OBJECTION = "lodge-objection"
    # panel of a proposal-preferred notice: the client's people and experts
    ASSESS_PROPOSAL = "assess-proposal"
    # whoever keeps a share of opening keys
    KEEP_OPENING_KEY = "keep-opening-key"
    # market supervisor
    DECIDE_OBJECTION = "decide-objection"
    WATCH_MARKET = "watch-market"
    HOLD_PAYMENT = "hold-payment"
    SUSPEND_AGENCY = "suspend-agency"
    # whoever runs the platform: supervisor and administrator
    WATCH_PAYMENTS = "watch-payments"
    PAY_OUT = "pay-out"
    # registrar
    CHECK_FILING = "check-filing"
    # reviewer
    REVIEW = "review"
    # grading officer
    ASSIGN_REVIEW = "assign-review"
    CLOSE_REVIEW = "close-review"
    RUN_GRADING = "run-grading"
    PUBLISH_GRADE = "publish-grade"
    RECORD_CONDUCT = "record-conduct"
    DECIDE_CONDUCT = "decide-conduct"
    WATCH_GRADING = "watch-grading"
    # grading officer: change the rules; supervisors read along
    READ_LABORATORY = "read-laboratory"
    CHANGE_SCHEME = "change-scheme"
    # administrator
    MANAGE_ACCOUNTS = "manage-accounts"
    MANAGE_CALENDAR = "manage-calendar"
    READ_TRAIL = "read-trail"
    # every member
    MAKE_TOKEN = "make-token"  # noqa: S105  a permission, not a secret


_MEMBER = {Permission.MAKE_TOKEN}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.CLIENT: frozenset(
        _MEMBER
        | {
            Permission.MANAGE_PROJECT,
            Permission.POST_NOTICE,
            Permission.SELECT_AGENCY,
            Permission.MAKE_CONTRACT,
            Permission.ACCEPT_DELIVERABLE,
            Permission.EVALUATE,
            Permission.PAY,
            Permission.CONFIRM_PAYMENT,
            Permission.LODGE_OBJECTION,
            Permission.ASSESS_PROPOSAL,
            Permission.KEEP_OPENING_KEY,
        }
    ),
    Role.AGENCY: frozenset(
        _MEMBER
        | {
            Permission.REGISTER_AGENCY,
            Permission.SUBMIT_BID,
            Permission.MAKE_CONTRACT,
            Permission.FILE_DELIVERABLE,
            Permission.CONFIRM_PAYMENT,
            Permission.COMMENT_GRADE,
            Permission.LODGE_OBJECTION,
            Permission.PAY,
        }
    ),
    Role.REGISTRAR: frozenset(_MEMBER | {Permission.CHECK_FILING, Permission.RECORD_CONDUCT, Permission.READ_TRAIL}),
    Role.REVIEWER: frozenset(_MEMBER | {Permission.REVIEW, Permission.ASSESS_PROPOSAL}),
    Role.GRADING_OFFICER: frozenset(
        _MEMBER
        | {
            Permission.ASSIGN_REVIEW,
            Permission.CLOSE_REVIEW,
            Permission.RUN_GRADING,
            Permission.PUBLISH_GRADE,
            Permission.RECORD_CONDUCT,
            Permission.DECIDE_CONDUCT,
            Permission.PAY,
            Permission.WATCH_GRADING,
            Permission.READ_LABORATORY,
            Permission.CHANGE_SCHEME,
            Permission.READ_TRAIL,
        }
    ),
    Role.MARKET_SUPERVISOR: frozenset(
        _MEMBER
        | {
            Permission.KEEP_OPENING_KEY,
            Permission.DECIDE_OBJECTION,
            Permission.WATCH_MARKET,
            Permission.HOLD_PAYMENT,
            Permission.SUSPEND_AGENCY,
            Permission.WATCH_PAYMENTS,
            Permission.PAY_OUT,
            Permission.WATCH_GRADING,
            Permission.READ_LABORATORY,
            Permission.READ_TRAIL,
        }
    ),
    Role.ADMINISTRATOR: frozenset(
        _MEMBER
        | {
            Permission.MANAGE_ACCOUNTS,
            Permission.MANAGE_CALENDAR,
            Permission.WATCH_PAYMENTS,
            Permission.PAY_OUT,
            Permission.READ_TRAIL,
        }
    ),
    Role.SYSTEM: frozenset(Permission),
}


@dataclass(frozen=True)
class Identity:
    """A frozen snapshot of who acts: one person, for one organisation, in one role."""

    account_id: int
    name: str
    organization_id: int
    organization_name: str
    role: Role
    organization_name_en: str = ""

    def may(self, permission: Permission) -> bool:
        """Whether the role carries `permission`."""
        return permission in PERMISSIONS[self.role]

    def require(self, permission: Permission) -> None:
        """Raise `Forbidden` unless the role carries `permission`."""
        if not self.may(permission):
            raise Forbidden


SYSTEM = Identity(
    account_id=1,
    name="系统",
    organization_id=1,
    organization_name="系统",
    role=Role.SYSTEM,
    organization_name_en="System",
)
