"""Signing in and out, opening an account, one's own sessions and tokens, reading preferences."""

from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.params import FromPath, FromQuery

from core import accounts, i18n, tokens
from core.forms import Form
from core.i18n import N_, _
from core.identity import Permission, Role
from core.web import cookies, pages
from core.web.acts import FormState, act
from core.web.guards import PUBLIC, identity_of, requires, signed_in, who

AnyRequest = Request[Any, Any, Any]
DIFFERENT = N_("两次输入的密码不一样。")
NOT_A_ROLE = N_("请选择以委托方还是中介机构的身份注册。")


def _own_path(address: str | None) -> str:
    """Only a path of ours: a redirect must never lead elsewhere."""
    safe = address and address.startswith("/") and not address.startswith(("//", "/\\"))
    return str(address) if safe and "\n" not in str(address) else "/desk"


@get("/sign-in", name="core:sign-in", opt=PUBLIC)
async def sign_in_page(request: AnyRequest, next: FromQuery[str | None] = None) -> Response[Any]:
    """The door."""
    return await pages.page(request, "core/sign_in.html", next=_own_path(next))


@post("/sign-in", name="core:sign-in-post", opt=PUBLIC)
async def sign_in(request: AnyRequest) -> Response[Any]:
    """Check the password; the session token is new at every sign-in."""
    address = request.client.host if request.client else ""

    async def do(form: Form) -> tuple[accounts.SignedIn, str]:
        login = form.text("login", max_length=120)
        password = (form.raw.get("password") or [""])[0]
        if not password:
            form.error("password", N_("请填写密码。"))
        form.finish()
        signed = await accounts.sign_in(
            login=login,
            password=password[: accounts.LONGEST_PASSWORD],
            address=address,
            user_agent=request.headers.get("user-agent", ""),
        )
        return signed, _own_path(form.text("next", required=False, max_length=500))

    def done(result: tuple[accounts.SignedIn, str]) -> Response[None]:
        signed, address = result
        response = pages.redirect_to(address)
        response.set_cookie(cookies.make(cookies.SESSION, signed.token))
        reading = cookies.Preferences(signed.language, signed.theme, signed.large_type)
        response.set_cookie(cookies.make(cookies.PREFERENCES, reading.encode(), max_age=cookies.YEAR))
        return response

    async def again(form: FormState) -> Response[Any]:
        address = str(form.values.get("next", "/desk"))
        return await pages.page(request, "core/sign_in.html", form=form, next=_own_path(address))

    return await act(request, do, done, again, once=False)


@post("/sign-out", name="core:sign-out", guards=[signed_in])
async def sign_out(request: AnyRequest) -> Response[Any]:
    """End this session, here and in the database."""

    async def do(_form: Form) -> None:
        await accounts.sign_out(cookies.read(request, cookies.SESSION) or "")

    def done(_result: None) -> Response[None]:
        response = pages.redirect_to("/", say=_("您已退出登录。"))
        response.set_cookie(cookies.gone(cookies.SESSION))
        return response

    return await act(request, do, done, lambda form: _account_page(request, form), once=False)


@get("/register", name="core:register", opt=PUBLIC)
async def register_page(request: AnyRequest) -> Response[Any]:
    """Open an account for an organisation that is not here yet."""
    return await pages.page(request, "core/register.html")


@post("/register", name="core:register-post", opt=PUBLIC)
async def register(request: AnyRequest) -> Response[Any]:
    """Open the account; signing in is the next step."""

    async def do(form: Form) -> None:
        role = form.choice("role", Role)
        login = form.text("login", max_length=120)
        password = (form.raw.get("password") or [""])[0]
        if password != (form.raw.get("password_again") or [""])[0]:
            form.error("password_again", DIFFERENT)
        if role not in {None, Role.CLIENT, Role.AGENCY}:
            form.error("role", NOT_A_ROLE)
        if not password:
            form.error("password", accounts.WeakPassword.text)
        fields = {
            "name": form.text("name", max_length=80),
            "uscc": form.uscc("uscc"),
            "organization_name": form.text("organization_name", max_length=200),
            "organization_name_en": form.text("organization_name_en", required=False, max_length=300),
            "email": form.text("email", required=False, max_length=200),
        }
        form.finish()
        assert role is not None
        await accounts.register(login=login, password=password, role=role, language=i18n.language(), **fields)

    def done(_result: None) -> Response[None]:
        return pages.redirect("core:sign-in", say=_("账号已开通，请登录。"))

    async def again(form: FormState) -> Response[Any]:
        return await pages.page(request, "core/register.html", form=form)

    return await act(request, do, done, again)


@get("/account", name="core:account", guards=[signed_in])
async def account_page(request: AnyRequest) -> Response[Any]:
    """My roles, sessions and tokens."""
    return await _account_page(request)


async def _account_page(
    request: AnyRequest, form: FormState | None = None, token: tokens.NewToken | None = None
) -> Response[Any]:
    identity = await identity_of(request)
    return await pages.page(
        request,
        "core/account.html",
        form=form,
        new_token=token,
        memberships=await accounts.memberships(identity.account_id),
        sessions=await accounts.open_sessions(identity, cookies.read(request, cookies.SESSION) or ""),
        tokens=await tokens.tokens(identity),
    )


@post("/account/role", name="core:switch", guards=[signed_in])
async def switch(request: AnyRequest) -> Response[Any]:
    """Act in another of my roles; the session token is renewed."""
    identity = await identity_of(request)

    async def do(form: Form) -> str:
        membership_id = form.integer("membership")
        form.finish()
        assert membership_id is not None
        return await accounts.switch(
            actor=identity,
            token=cookies.read(request, cookies.SESSION) or "",
            membership_id=membership_id,
            user_agent=request.headers.get("user-agent", ""),
        )

    def done(token: str) -> Response[None]:
        response = pages.redirect_to("/desk", say=_("已切换身份。"))
        response.set_cookie(cookies.make(cookies.SESSION, token))
        return response

    return await act(request, do, done, lambda form: _account_page(request, form), once=False)


@post("/account/sessions/{session_id:int}/end", name="core:session-end", guards=[signed_in])
async def end_session(request: AnyRequest, session_id: FromPath[int]) -> Response[Any]:
    """End one of my sessions, as after losing a phone."""
    identity = await identity_of(request)
    return await act(
        request,
        lambda _form: accounts.end_session(actor=identity, session_id=session_id),
        lambda _none: pages.redirect("core:account", say=_("已结束该登录。")),
        lambda form: _account_page(request, form),
    )


@post("/account/tokens", name="core:token-make", guards=[requires(Permission.MAKE_TOKEN)])
async def make_token(request: AnyRequest) -> Response[Any]:
    """A new bearer token, shown once on the page that follows and kept nowhere."""
    identity = await identity_of(request)

    async def do(form: Form) -> tokens.NewToken:
        label = form.text("label", max_length=80)
        form.finish()
        return await tokens.make_token(actor=identity, label=label)

    async def done(made: tokens.NewToken) -> Response[Any]:
        return await _account_page(request, token=made)

    return await act(request, do, done, lambda form: _account_page(request, form), once=False)


@post("/account/tokens/{token_id:int}/end", name="core:token-end", guards=[signed_in])
async def end_token(request: AnyRequest, token_id: FromPath[int]) -> Response[Any]:
    """Revoke a token."""
    identity = await identity_of(request)
    return await act(
        request,
        lambda _form: tokens.end_token(actor=identity, token_id=token_id),
        lambda _none: pages.redirect("core:account", say=_("已吊销该令牌。")),
        lambda form: _account_page(request, form),
    )


@post("/preferences", name="core:preferences", opt=PUBLIC)
async def set_preferences(request: AnyRequest) -> Response[Any]:
    """Language, light or dark, large type: one cookie, and the account's own record."""
    before = cookies.preferences(request)

    async def do(form: Form) -> tuple[cookies.Preferences, str]:
        sent = {name: found[0] for name, found in form.raw.items() if found}
        language = sent.get("lang", before.language)
        after = cookies.Preferences(
            language if language in i18n.LANGUAGES else before.language,
            "dark" if sent.get("theme", before.theme) == "dark" else "light",
            sent.get("type", "large" if before.large_type else "normal") == "large",
        )
        identity = await who(request)
        if identity is not None:
            await accounts.set_preferences(
                account_id=identity.account_id,
                language=after.language,
                theme=after.theme,
                large_type=after.large_type,
            )
        back = sent.get("back", "/")
        return after, _own_path(back) if back != "/" else "/"

    def done(result: tuple[cookies.Preferences, str]) -> Response[None]:
        after, back = result
        response = pages.redirect_to(back)
        response.set_cookie(cookies.make(cookies.PREFERENCES, after.encode(), max_age=cookies.YEAR))
        return response

    async def again(_form: FormState) -> Response[Any]:
        return pages.redirect_to("/")

    return await act(request, do, done, again, once=False)


router = Router(
    path="/",
    route_handlers=[
        sign_in_page,
        sign_in,
        sign_out,
        register_page,
        register,
        account_page,
        switch,
        end_session,
        make_token,
        end_token,
        set_preferences,
    ],
)
