"""The authorization endpoint's rules: what a request may ask, what is still missing before a code
is given, and the code (RFC 6749 section 4.1, RFC 7636, RFC 9207, OpenID Connect Core 3.1.2).

Pages and HTTP are not known here.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from portico.domain.application import Client
from portico.domain.authorization import BrowserSession, Code, Consent, Flow, SignIn
from portico.domain.errors import LostRace, NotFound
from portico.domain.records import Change, Create, Put, Remove
from portico.domain.tenant import SUPER_TENANT, join_user
from portico.domain.token_rules import TokenRules
from portico.domain.user import User
from portico.ports import Clock, Records
from portico.services.asking import FORM_POST, Asked, Refused, Untrusted, read
from portico.services.clients import Clients, digest
from portico.services.flows import Flows, new_text

URN = "urn:ietf:params:oauth:request_uri:"  # RFC 9126 section 2.2
PUSHED = "pushed"
PUSHED_SECONDS = 90
LOGIN, CONSENT = "login", "consent"


@dataclass(frozen=True)
class Answer:
    """What goes back to the client: where to, the parameters, and whether as a form post."""

    redirect_uri: str
    parameters: Mapping[str, str]
    form_post: bool = False


@dataclass(frozen=True)
class Authorizing:
    """Authorization requests of all tenants' clients.

    `grantable` tells which of the asked scopes a user would get; `subject` reads `sub` out of an
    id_token of ours, '' when it is none.
    """

    records: Records
    clock: Clock
    issuer: str
    grantable: Callable[[Client, User, Sequence[str]], tuple[str, ...]]
    subject: Callable[[str], str]

    def client(self, client_id: str, home: str = SUPER_TENANT) -> Client:
        """The client that a request names; Untrusted when there is none."""
        client = Clients(self.records, self.clock).find(client_id, home) if client_id else None
        if client is None:
            raise Untrusted("invalid_request", "The application is not known here")
        return client

    def read(self, client: Client, parameters: Mapping[str, str], *, pushed: bool = False) -> Asked:
        """The request in its parameters; Untrusted, or Refused with the place to tell it to."""
        rules = self.rules(client.tenant)
        return read(client, parameters, rules, pushed=pushed, subject=self.subject)

    def rules(self, tenant: str) -> TokenRules:
        """The tenant's rules, which are the defaults where nobody has set any."""
        return self.records.get(TokenRules, tenant=tenant) or TokenRules(tenant=tenant)

    def push(self, client: Client, parameters: Mapping[str, str]) -> str:
        """Keep a checked request for its client: the `request_uri` (RFC 9126 section 2.2)."""
        return URN + Flows(self.records, self.clock).begin(
            client.tenant, PUSHED, client.client_id, parameters, "", seconds=PUSHED_SECONDS
        )

    def pushed(self, client: Client, request_uri: str) -> dict[str, str]:
        """The parameters of a pushed request, which is used up by it; Untrusted when it is not
        there, not this client's, or over.
        """
        gone = Untrusted("invalid_request_uri", "The pushed request is not known, used or over")
        try:
            flow = Flows(self.records, self.clock).get(request_uri.removeprefix(URN), "", PUSHED)
            if (flow.tenant, flow.client_id) != (client.tenant, client.client_id):
                raise gone
            self.records.commit(Remove(flow))
        except (NotFound, LostRace) as exc:
            raise gone from exc
        return flow.parameters

    def missing(
        self, asked: Asked, client: Client, session: BrowserSession | None, *, fresh: bool = False
    ) -> str:
        """What the person has to do first: LOGIN, CONSENT or '' (nothing).

        `fresh`: the session was made, or chosen, for this very request.
        """
        if session is None or session.tenant != client.tenant:
            return LOGIN
        if not fresh and not self.will_do(asked, session):
            return LOGIN
        if not fresh and "select_account" in asked.prompts:
            return LOGIN
        user = self.user(session)
        return CONSENT if self.must_consent(asked, client, user) else ""

    def will_do(self, asked: Asked, session: BrowserSession) -> bool:
        """Whether a session is recent enough and of the right person (OpenID Connect Core 3.1.2.1:
        `prompt`, `max_age`, `id_token_hint`).
        """
        old = (
            asked.max_age is not None and self.clock.now() - session.at > asked.max_age
        ) or asked.max_age == 0
        wrong = asked.subject not in ("", join_user(session.user, session.tenant))
        return not (old or wrong or "login" in asked.prompts)

    def user(self, session: BrowserSession) -> User:
        """The user of a session; NotFound when there is none any more."""
        user = self.records.get(User, tenant=session.tenant, name=session.user)
        if user is None or not user.active or user.id != session.user_id:
            raise NotFound("User", session.user)
        return user

    def must_consent(self, asked: Asked, client: Client, user: User) -> bool:
        """Whether the user has to be asked: the first time, when more is wanted than was allowed,
        whenever the client wishes so, and always by an application that any other on the device may
        pass itself off as (RFC 8252 section 8.6).
        """
        if "consent" in asked.prompts or not _assured(asked, client):
            return True
        known = self._consent(client, user)
        if known is None:
            return True
        return not set(self.grantable(client, user, asked.scopes)) <= set(known.scopes)

    def check_user(self, asked: Asked, session: BrowserSession) -> None:
        """Refuses another person than the client means by its `id_token_hint`."""
        if asked.subject not in ("", join_user(session.user, session.tenant)):
            raise Refused("login_required", "Another user signed in than is meant", asked.place)

    def silent(self, asked: Asked, missing: str) -> None:
        """Refuses what nobody may be asked for (`prompt=none`)."""
        if "none" not in asked.prompts or not missing:
            return
        code = "login_required" if missing == LOGIN else "consent_required"
        raise Refused(code, "The user would have to be asked", asked.place)

    def allow(
        self,
        asked: Asked,
        client: Client,
        session: BrowserSession,
        *,
        flow: Flow | None = None,
        remember: bool = False,
    ) -> Answer:
        """A code for what the user allowed; it ends the flow, and remembers the consent.

        Refused with `login_required` when another person signed in than the client meant; NotFound
        when the flow has ended meanwhile.
        """
        user = self.user(session)
        self.check_user(asked, session)
        scopes = self.grantable(client, user, asked.scopes)
        text = new_text(client.tenant)
        changes: list[Change] = [Create(self._code(asked, client, session, scopes, text))]
        if flow is not None:
            changes.append(Flows.finish(flow))
        if remember:
            known = self._consent(client, user)
            before = known.scopes if known else ()
            changes.append(
                Put(
                    Consent(
                        tenant=client.tenant,
                        user=user.name,
                        client_id=client.client_id,
                        scopes=tuple(dict.fromkeys((*before, *scopes))),
                        at=int(self.clock.now()),
                        user_id=user.id,
                    )
                )
            )
        self._commit(changes, flow)
        return self.answer(asked, {"code": text})

    def deny(self, asked: Asked, flow: Flow) -> Answer:
        """`access_denied`, which ends the flow."""
        return self.refuse(
            Refused("access_denied", "The user does not allow it", asked.place), flow
        )

    def refuse(self, refused: Refused, flow: Flow) -> Answer:
        """The answer that tells the client of an error, which ends the flow."""
        self._commit([Flows.finish(flow)], flow)
        return self.told(refused)

    def answer(self, asked: Asked, parameters: Mapping[str, str]) -> Answer:
        """An answer to the client, with `state` and `iss` (RFC 9207)."""
        place = asked.place
        state = {"state": place.state} if place.state else {}
        told = {**parameters, **state, "iss": self.issuer}
        return Answer(place.redirect_uri, told, place.mode == FORM_POST)

    def told(self, refused: Refused) -> Answer:
        """The answer that tells the client of an error (RFC 6749 section 4.1.2.1)."""
        place = refused.place
        state = {"state": place.state} if place.state else {}
        told = {"error": refused.error, "error_description": str(refused), **state}
        return Answer(place.redirect_uri, {**told, "iss": self.issuer}, place.mode == FORM_POST)

    def _consent(self, client: Client, user: User) -> Consent | None:
        found = self.records.get(
            Consent, tenant=client.tenant, user=user.name, client_id=client.client_id
        )
        return found if found and found.user_id == user.id else None

    def _code(
        self,
        asked: Asked,
        client: Client,
        session: BrowserSession,
        scopes: tuple[str, ...],
        text: str,
    ) -> Code:
        return Code(
            tenant=client.tenant,
            digest=digest(text),
            client_id=client.client_id,
            user=session.user,
            user_id=session.user_id,
            scopes=scopes,
            redirect_uri=asked.place.redirect_uri,
            stated=asked.stated,
            family=secrets.token_urlsafe(16),
            sign_in=SignIn(session.at, asked.nonce, session.methods, session.sid),
            expires=int(self.clock.now()) + self.rules(client.tenant).code_validity,
            challenge=asked.challenge,
            claims=asked.claims,
        )

    def _commit(self, changes: Sequence[Change], flow: Flow | None) -> None:
        try:
            self.records.commit(*changes)
        except LostRace as exc:
            raise NotFound("Flow", flow.digest[:20] if flow else "") from exc


def _assured(asked: Asked, client: Client) -> bool:
    """Whether the answer can reach nobody but the client."""
    return not client.public or asked.place.redirect_uri.lower().startswith("https:")
