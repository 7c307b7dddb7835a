"""What the payer, the agency and the curious see of the double: plain pages with buttons, clearly not Stripe."""

from html import escape
from typing import Any

Body = dict[str, Any]
STYLE = """
body{font:16px/1.7 system-ui,sans-serif;margin:0;background:#f6f5f1;color:#1d2b2e}
main{max-width:34rem;margin:0 auto;padding:1.5rem 1rem 3rem}
h1{font-size:1.4rem;line-height:1.4;margin:.5rem 0}h2{font-size:1.1rem;margin:2rem 0 .5rem}
.note{color:#5a3b00;background:#fdf3dc;padding:.5rem .75rem;border-radius:4px;font-size:.9rem}
.bad{color:#7a1324;background:#fbe9ec;padding:.5rem .75rem;border-radius:4px}
.sum{font-size:1.8rem;font-variant-numeric:tabular-nums}
form{margin:.5rem 0}button{font:inherit;width:100%;padding:.6rem;border:1px solid #5d6c71;border-radius:4px;background:#fff;cursor:pointer}
button.go{background:#1c4f57;color:#fff;border-color:#1c4f57}
table{width:100%;border-collapse:collapse;font-size:.875rem}td,th{text-align:left;padding:.25rem .4rem;border-bottom:1px solid #ddd;overflow-wrap:anywhere}
label{display:block;margin:.4rem 0}input{font:inherit;width:8rem}
"""
NOTICE = "这是信市的演示替身，不是 Stripe，也不动用真钱。 A stand-in for demonstrations: not Stripe, no real money."


def page(title: str, body: str, base: str) -> str:
    """A whole document; `body` is already markup."""
    return (
        '<!doctype html><html lang="zh-Hans"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="stylesheet" href="{escape(base)}/style.css"></head>'
        f'<body><main><p class="note">{NOTICE}</p><h1>{escape(title)}</h1>{body}</main></body></html>'
    )


def form(action: str, label: str, *, go: bool = False, **fields: str) -> str:
    """One button that posts."""
    hidden = "".join(f'<input type="hidden" name="{escape(n)}" value="{escape(v)}">' for n, v in fields.items())
    kind = ' class="go"' if go else ""
    return f'<form method="post" action="{escape(action)}">{hidden}<button{kind}>{escape(label)}</button></form>'


def amount(minor: int, currency: str) -> str:
    """`CNY 24,600.00`."""
    return f"{currency.upper()} {minor / 100:,.2f}"


def checkout(session: Body, buttons: list[tuple[str, str]], base: str, problem: str = "") -> str:
    """The page to pay on."""
    if session["status"] != "open":
        words = {"complete": "已付款 Already paid", "expired": "付款页已过期 This page has expired"}[session["status"]]
        return page(words, f'<p><a href="{escape(session["success_url"])}">返回 Back</a></p>', base)
    here = f"{base}/pay/{session['id']}"
    parts = [f'<p class="sum">{amount(session["amount_total"], session["currency"])}</p>']
    if len(session["items"]) > 1:
        rows = [(escape(name), amount(price, session["currency"])) for name, price in session["items"]]
        parts.append(
            "<table>" + "".join(f"<tr><td>{name}</td><td>{price}</td></tr>" for name, price in rows) + "</table>"
        )
    if problem:
        parts.append(f'<p class="bad" role="alert">{escape(problem)}</p>')
    held = session["payment_intent_data"]["capture_method"] == "manual"
    if held:
        parts.append("<p>只冻结，不扣款。 Held, not charged.</p>")
    parts += [form(here, label, go=number == 0, method=name) for number, (name, label) in enumerate(buttons)]
    if session["cancel_url"]:
        parts.append(f'<p><a href="{escape(session["cancel_url"])}">取消并返回 Cancel and go back</a></p>')
    return page(_title(session), "".join(parts), base)


def _title(session: Body) -> str:
    """What is paid for, as far as one line can say it."""
    (first, _), *others = session["items"]
    return f"{first} …（{len(others) + 1}）" if others else str(first)


def challenge(session: Body, name: str, base: str) -> str:
    """The bank asks whether it is really you."""
    here = f"{base}/pay/{session['id']}"
    body = form(here, "验证通过 Complete authentication", go=True, method=name, challenge="passed")
    body += form(here, "验证失败 Fail authentication", method=name, challenge="failed")
    return page("银行验证 3-D Secure", body, base)


def onboarding(link: Body, account: Body, base: str) -> str:
    """The page on which an agency tells who it is."""
    here = f"{base}/onboarding/{link['id']}"
    body = f"<p>账户 Account {escape(account['id'])}　{escape(account['country'])}</p>"
    body += form(here, "资料齐全，提交 Submit complete details", go=True, complete="yes")
    body += form(here, "先不填银行账户 Leave the bank account out", complete="no")
    body += f'<p><a href="{escape(link["return_url"])}">以后再填 Later</a></p>'
    return page("开通收款账户 Connect onboarding", body, base)


def control(facts: Body, base: str) -> str:
    """The double's own desk: what happened, and what shall go wrong."""
    parts = [
        "<h2>余额 Balance</h2><p>",
        *[amount(value, name) + " " for name, value in facts["balance"].items()],
        "</p>",
    ]
    parts.append(f"<p>待送通知 Deliveries waiting: {facts['waiting']}</p>")
    parts.append(form(f"{base}/control/deliver", "现在送出 Deliver now"))
    parts.append("<h2>天气 Weather</h2>")
    parts.append(f'<form method="post" action="{escape(base)}/control/weather">')
    for name, value in facts["weather"].items():
        parts.append(f'<label>{escape(name)} <input name="{escape(name)}" value="{escape(str(value))}"></label>')
    parts.append("<button>保存 Save</button></form>")
    parts.append("<h2>拒付 Disputes</h2>")
    for one in facts["disputes"]:
        parts.append(f"<p>{escape(one['id'])} {amount(one['amount'], one['currency'])} {escape(one['status'])}</p>")
        if one["status"] not in {"won", "lost"}:
            parts += [form(f"{base}/control/disputes/{one['id']}", word, outcome=word) for word in ("won", "lost")]
    parts.append("<h2>退款 Refunds</h2>")
    for one in facts["refunds"]:
        parts.append(f"<p>{escape(one['id'])} {amount(one['amount'], one['currency'])} {escape(one['status'])}</p>")
        if one["status"] == "succeeded":
            parts.append(form(f"{base}/control/refunds/{one['id']}", "被银行退回 Fail"))
    parts.append("<h2>收款账户 Connected accounts</h2>")
    for account, held in facts["accounts"]:
        sums = " ".join(amount(value, name) for name, value in held.items()) or "0"
        parts.append(f"<p>{escape(account)} {sums}</p>")
        parts.append(form(f"{base}/control/payout", "付到银行 Pay out", account=account))
        parts.append(form(f"{base}/control/payout", "付款失败 Pay out, fail", account=account, failed="yes"))
    parts.append("<h2>事件 Events</h2><table>")
    parts += [f"<tr><td>{escape(one['type'])}</td><td>{escape(one['id'])}</td></tr>" for one in facts["events"]]
    parts.append("</table>")
    return page("Stripe 替身 Stripe double", "".join(parts), base)
