"""An API key of an application: a JWT of ours, or a random text whose claims are in the read model
below its digest. Header or query parameter, by the name that the API gives it.

WSO2 API Manager 4.x, "Securing APIs with API keys": the names of the claims.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote_plus

from functions.authorizer.calls import Call, Guess, Identity, Kind, Refused
from functions.authorizer.credentials.identities import ended, load
from functions.authorizer.credentials.restrictions import rule_of
from functions.authorizer.credentials.signed import KEYS, KeySet, Signed
from portico.domain.bounded import Bounded
from portico.domain.gateway import GatewayApiKey, GatewayApplication, Revocation
from portico.domain.tenant import split_user
from portico.storage.keys import PLACES
from portico.storage.readmodel import Key, key
from portico.tokens.jwt import API_KEY, InvalidToken

NAME = "apikey"  # of header and query parameter, unless the API has another
FORM = re.compile(r"[A-Za-z0-9_-]{32,128}")
_SIGNED = re.compile(r"eyJ[\w-]*\.[\w-]+\.[\w-]+$", re.ASCII)
MAX_KEYS = 10_000  # identities of random keys kept; about 1 KB each


class ApiKeys:
    """Knows API keys of both forms."""

    kind = Kind.API_KEY

    def __init__(self, issuer: str, clock: Callable[[], float], keys: KeySet | None = None) -> None:
        self._signed = Signed(keys or KeySet(), issuer, API_KEY, identity_of, clock)
        self._known: Bounded[tuple[str, bytes], Identity] = Bounded(MAX_KEYS, clock)

    def foresee(self, call: Call) -> Guess | None:
        """What judging the key will need; None without one."""
        text = key_of(call)
        if not text:
            return None
        if "." in text:
            identity = self._signed.foresee(text, call)
            records: tuple[Key[Any], ...] = (KEYS,)
        elif FORM.fullmatch(text):
            identity = self._known.get((call.tenant, _digest(text)))
            records = (_place(call.tenant, text),)
        else:
            return None
        if identity is None:
            return Guess(records, "")
        return Guess((*records, *identity.records), identity.application_id, identity.user)

    def authenticate(self, call: Call) -> Identity | None:
        """Whose key it is; None without one, Refused when it does not hold or not from there."""
        text = key_of(call)
        if text is None:
            return None
        identity = self._signed.identify(text, call) if "." in text else self._kept(text, call)
        if identity.tenant != call.tenant or ended(identity, call):
            raise Refused("900901")
        if identity.permitted is not None and not identity.permitted(
            call.source_ip, call.headers.get("referer", "")
        ):
            raise Refused("900908")
        return identity

    def _kept(self, text: str, call: Call) -> Identity:
        record = call.view.get(_place(call.tenant, text)) if FORM.fullmatch(text) else None
        if record is None:
            raise Refused("900901")
        if record.expires <= call.now:
            raise Refused("900903")
        digest = _digest(text)
        identity = self._known.get((call.tenant, digest))
        if identity is None:
            try:
                identity = identity_of(digest, record.claims, "")
            except InvalidToken as exc:
                raise Refused("900901") from exc
            self._known.put((call.tenant, digest), identity, record.expires)
        load(identity, call)
        return identity


def name_of(call: Call) -> str:
    """The name of header and query parameter, as the API has it."""
    return (call.deployment.api_key_header if call.deployment else "") or NAME


def key_of(call: Call) -> str | None:
    """The API key as it was sent, "" for an empty one; None without. The header goes first.

    A parameter that is there twice with different values is no key: "".
    """
    name = name_of(call).lower()
    value = call.headers.get(name)
    if value is None and call.deployment is None:
        # Its name is not known yet: what looks like one is good enough for reading ahead.
        value = next((one for one in call.headers.values() if _SIGNED.match(one)), None)
    if value is not None:
        return value.strip()
    if not call.query or name not in unquote_plus(call.query).lower():
        return None
    values = {
        unquote_plus(value)
        for part, _, value in (pair.partition("=") for pair in call.query.split("&"))
        if unquote_plus(part).lower() == name
    }
    if not values:
        return None
    return values.pop() if len(values) == 1 else ""


def identity_of(digest: bytes, claims: Mapping[str, Any], kid: str) -> Identity:
    """Whom the claims of an API key name; InvalidToken when they do not say what is needed."""
    about = claims.get("application")
    application_id = about.get("uuid") if isinstance(about, dict) else None
    tenant, jti, owner = claims.get("tenant"), claims.get("jti"), claims.get("sub")
    needed = (application_id, tenant, jti, owner)
    if not all(isinstance(one, str) and 0 < len(one) <= 256 for one in needed):
        raise InvalidToken("The key does not name its application, tenant or owner")
    addresses, referrers = claims.get("permittedIP", ""), claims.get("permittedReferer", "")
    issued, expires = claims.get("iat"), claims.get("exp")
    if not isinstance(addresses, str) or not isinstance(referrers, str):
        raise InvalidToken("The key's restrictions cannot be read")
    if not isinstance(issued, int | float) or not isinstance(expires, int | float):
        raise InvalidToken("The key has no usable times")
    revocation = key(Revocation, tenant=str(tenant), subject=str(jti))
    application = key(GatewayApplication, tenant=str(tenant), application_id=str(application_id))
    return Identity(
        digest=digest,
        kid=kid,
        tenant=str(tenant),
        client_id="",
        application_id=str(application_id),
        key_type="SANDBOX" if claims.get("keytype") == "SANDBOX" else "PRODUCTION",
        user=split_user(str(owner))[0],
        is_user=False,
        scopes=frozenset(),
        issued=issued,
        expires=expires,
        revocations=(revocation,),
        client=None,
        application=application,
        records=(revocation, application),
        kind=Kind.API_KEY,
        permitted=rule_of(addresses, referrers),
    )


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode(errors="surrogatepass")).digest()


def _place(tenant: str, text: str) -> Key[GatewayApiKey]:
    # Not the cached `key`: texts that callers make up would push others' keys out.
    values = {"tenant": tenant, "digest": _digest(text).hex()}
    return Key(GatewayApiKey, *PLACES["GatewayApiKey"].key.fill(values))
