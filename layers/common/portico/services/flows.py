"""Requests on their way through several pages: kept here, named in addresses, bound to a browser.

What a flow is about, and what its parameters mean, is its kind's business.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from portico.domain.authorization import Flow
from portico.domain.errors import NotFound
from portico.domain.records import Change, Create, Remove, Replace
from portico.domain.tenant import SUPER_TENANT
from portico.ports import Clock, Records
from portico.services.clients import digest

LIFETIME = 1800  # seconds: signing up has an e-mail in between
_TEXT = re.compile(r"(?:([a-z0-9.-]{1,100}):)?[A-Za-z0-9_-]{1,100}")


def new_text(tenant: str) -> str:
    """A random text that leads to a record of the tenant: `<tenant>:<random>`, plain inside the
    super tenant.
    """
    text = secrets.token_urlsafe(32)
    return text if tenant == SUPER_TENANT else f"{tenant}:{text}"


def tenant_of(text: str) -> str | None:
    """The tenant that a text of `new_text` leads to; None for what is no such text."""
    found = _TEXT.fullmatch(text)
    return (found[1] or SUPER_TENANT) if found else None


@dataclass(frozen=True)
class Flows:
    """The flows of all tenants."""

    records: Records
    clock: Clock

    def prepare(
        self,
        tenant: str,
        kind: str,
        client_id: str,
        parameters: Mapping[str, str],
        browser: str,
        *,
        session: str = "",
        seconds: int = LIFETIME,
    ) -> tuple[str, Flow]:
        """A new flow that is yet to be committed, and the text that names it.

        `browser` is the value of the browser's cookie, '' for a flow that belongs to none (yet);
        `session` is the digest of the session that it is signed in with already.
        """
        text = new_text(tenant)
        return text, Flow(
            tenant=tenant,
            digest=digest(text),
            client_id=client_id,
            parameters=dict(parameters),
            expires=int(self.clock.now()) + seconds,
            browser=digest(browser) if browser else "",
            session=session,
            kind=kind,
        )

    def begin(
        self,
        tenant: str,
        kind: str,
        client_id: str,
        parameters: Mapping[str, str],
        browser: str,
        *,
        session: str = "",
        seconds: int = LIFETIME,
    ) -> str:
        """A new flow, as `prepare` has it: its text."""
        text, flow = self.prepare(
            tenant, kind, client_id, parameters, browser, session=session, seconds=seconds
        )
        self.records.commit(Create(flow))
        return text

    def get(self, text: str, browser: str, kind: str = "") -> Flow:
        """The living flow of this browser (the value of its cookie).

        NotFound when there is none, or it has ended, belongs to another browser, or is not of the
        `kind` that is asked for.
        """
        tenant = tenant_of(text)
        found = self.records.get(Flow, tenant=tenant, digest=digest(text)) if tenant else None
        mine = digest(browser) if browser else ""
        if (
            found is None
            or found.expires <= self.clock.now()
            or not hmac.compare_digest(found.browser, mine)
            or (kind and found.kind != kind)
        ):
            raise NotFound("Flow", text[:20])
        return found

    def save(self, flow: Flow) -> Flow:
        """Keep what has changed; LostRace when another request was faster."""
        self.records.commit(Replace(flow))
        return replace(flow, stamp=flow.stamp + 1)

    @staticmethod
    def finish(flow: Flow) -> Change:
        """The change that ends a flow, to be committed with what it gives: no flow gives twice."""
        return Remove(flow)
