"""What the pages about people's own accounts share: the services behind them, the flow that waits,
and answers that take the same time for everybody.
"""

import time
from typing import Any

from functions.token.pages import page
from functions.token.requests import Request
from functions.token.signing_in import flow_of
from functions.token.wiring import Wiring
from portico.domain.errors import InvalidInput, NotFound, Problem, TooManyAttempts
from portico.services.password_resets import PasswordResets
from portico.services.signing_up import SigningUp

# Seconds that asking for a mail takes at least: it would tell whether there is somebody to send
# one to.
STEADY = 1.0
MISMATCH = Problem("repeat", "is not the same password")


def signing_up(wiring: Wiring) -> SigningUp:
    return SigningUp(wiring.records, wiring.clock, wiring.accounts, wiring.mailer, wiring.url)


def password_resets(wiring: Wiring) -> PasswordResets:
    return PasswordResets(wiring.records, wiring.clock, wiring.accounts, wiring.mailer, wiring.url)


def waiting_flow(request: Request, wiring: Wiring) -> tuple[str, str]:
    """The flow that this browser goes on with afterwards ('' for none), and the tenant.

    A mailed link may be opened in another browser, or after the flow's end: then there is none.
    """
    text = request.query().get("flow", "")
    if text:
        try:
            return text, flow_of(request, wiring, text).tenant
        except NotFound:
            pass
    return "", request.tenant


def steady(began: float) -> None:
    """Wait until the answer has taken as long as all; `began` is of `time.monotonic`."""
    time.sleep(max(0.0, began + STEADY - time.monotonic()))


def no_mail(wiring: Wiring) -> dict[str, Any] | None:
    """The page that says so where no mail can be sent."""
    if wiring.settings.mail_sender:
        return None
    return page(
        "problem.html",
        503,
        heading="Mails cannot be sent here",
        problem="This needs an e-mail, and no address to send it from has been set up.",
        advice="Ask your administrator: they can make accounts and set new passwords.",
    )


def problems_of(exc: InvalidInput) -> dict[str, str]:
    """Field -> what is wrong with it."""
    return {problem.field: problem.message for problem in exc.problems}


def chosen(fields: dict[str, str]) -> str:
    """The password that was typed twice; InvalidInput when those are two."""
    password = fields.get("password", "")
    if password != fields.get("repeat", ""):
        raise InvalidInput("The passwords differ", [MISMATCH])
    return password


def slowed(answered: dict[str, Any], exc: TooManyAttempts) -> dict[str, Any]:
    """The answer with the time to wait (RFC 6585 section 4)."""
    answered["headers"]["Retry-After"] = str(exc.retry_after)
    return answered
