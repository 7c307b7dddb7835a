"""The web glue: pages, forms that are safe to send twice, guards, headers, sessions, language.

Controllers use only what is named here.
"""

from core.web.acts import FormState, act, api_act
from core.web.guards import PUBLIC, identity_of, public, requires, signed_in, who
from core.web.pages import cursor_page, page, problem, redirect, url_for

__all__ = [
    "PUBLIC",
    "FormState",
    "act",
    "api_act",
    "cursor_page",
    "identity_of",
    "page",
    "problem",
    "public",
    "redirect",
    "requires",
    "signed_in",
    "url_for",
    "who",
]
