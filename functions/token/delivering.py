"""Brings an authorization endpoint's answer to the client, through the browser."""

from collections.abc import Sequence
from typing import Any

from functions.token.pages import page, redirect
from portico.domain.redirects import with_parameters
from portico.services.authorizing import Answer


def deliver(answer: Answer, cookies: Sequence[str] = ()) -> dict[str, Any]:
    """A redirect with the answer in its query (RFC 6749 section 4.1.2), or a form to send it with
    (OAuth 2.0 Form Post Response Mode): a button does what a script does elsewhere.
    """
    if answer.form_post:
        return page(
            "form-post.html",
            cookies=cookies,
            forms_to=answer.redirect_uri,
            target=answer.redirect_uri,
            fields=answer.parameters,
        )
    return redirect(with_parameters(answer.redirect_uri, answer.parameters), cookies=cookies)
