"""What can go wrong, said so that the reader knows what to do next.

A domain error names a fact (`DeadlinePassed`), carries a stable `code` for programs and a Chinese
sentence (`text`, a gettext msgid) for people. Four families decide the HTTP status; `core.web` maps
them once. Rules and services raise these and never know of HTTP.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from core.i18n import N_, spoken, translate


@dataclass(frozen=True)
class Message:
    """A sentence with its values, translated only when somebody reads it."""

    text: str
    params: Mapping[str, Any] = field(default_factory=dict)

    def render(self) -> str:
        """The sentence in the reader's language."""
        sentence = translate(self.text)
        if not self.params:
            return sentence
        params = spoken(self.params).items()
        values = {name: value.render() if isinstance(value, Message) else value for name, value in params}
        return sentence % values


class DomainError(Exception):
    """Root of everything the product refuses on purpose."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = "refused"
    text: ClassVar[str] = N_("这个操作不能完成。请返回上一页核对后再试。")

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.code)

    def message(self) -> str:
        """The sentence in the reader's language."""
        return Message(self.text, self.params).render()

    def __str__(self) -> str:
        return f"{self.code}: {self.text % self.params if self.params else self.text}"


class NotFound(DomainError):
    """Absent, or somebody else's: the two must look alike (trust.md G9)."""

    status = 404
    code = "not-found"
    text = N_("没有找到这项内容。它可能已移走，或者不归您所在的单位办理。")


class Forbidden(DomainError):
    """Known person, missing permission."""

    status = 403
    code = "forbidden"
    text = N_("您现在的身份不能办理这件事。请换用有权限的身份登录，或联系本单位管理员。")


class Conflict(DomainError):
    """The request is fine, the state of things is not."""

    status = 409
    code = "conflict"


class Rejected(DomainError):
    """The request itself breaks a rule."""

    status = 422
    code = "rejected"


class NotAllowedNow(Conflict):
    """An act that the life-cycle does not allow in the present state."""

    code = "not-allowed-now"
    text = N_("当前状态下不能办理这一步。页面可能已经过时，请刷新后再看。")


class StaleForm(Conflict):
    """Somebody changed the matter after the form was opened."""

    code = "stale-form"
    text = N_("您打开页面之后，这项内容已被他人修改。您填写的内容保留在下面，请核对最新情况后再提交。")


class SignInRequired(DomainError):
    """Nobody is signed in, or the session has ended."""

    status = 401
    code = "sign-in-required"
    text = N_("请先登录。登录后会回到您要办的事。")


class Unavailable(DomainError):
    """The database cannot be reached or cannot write; nothing was half-done."""

    status = 503
    code = "unavailable"
    text = N_("系统暂时无法保存。您填写的内容还在下面，没有重复提交；请稍候一分钟再按一次提交。")


class OnceMismatch(Conflict):
    """The same idempotency key arrived with other content."""

    code = "once-mismatch"
    text = N_("这份表单已经提交过，但内容不同。请刷新页面，按最新内容重新提交。")


class FormInvalid(Rejected):
    """One sentence per field that cannot be accepted."""

    code = "form-invalid"
    text = N_("有 %(count)s 处需要修改，已在对应位置标出。")

    def __init__(self, errors: Mapping[str, Message]) -> None:
        super().__init__(count=len(errors))
        self.errors = dict(errors)
