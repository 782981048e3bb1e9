"""Whether a tenant's rules about tokens hold together: every problem with the field it is in.

Fields are named as the tenant configuration has them.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from portico.domain.addresses import AddressRefused, target_of
from portico.domain.claims import CLAIMS
from portico.domain.errors import Problem
from portico.domain.token_rules import (
    GRANT_WORDS,
    JWT,
    SAML,
    LoginProvider,
    TokenRules,
    TrustedIssuer,
)
from portico.domain.user import ADMIN
from portico.plugins.classes import allowed, is_class_name, is_function_name
from portico.services.accounts import ROLE
from portico.tokens.foreign import foreign_keys

MAX_ISSUERS, MAX_PROVIDERS, MAX_PLUGINS = 20, 20, 20
MAX_EXTENSIONS = 100
MAX_KEYS, MAX_PEM = 20, 16_384
MAX_ROLES, MAX_SCOPES, MAX_AUDIENCES = 100, 50, 20
MAX_NAME, MAX_ISSUER, MAX_SECRET = 100, 1024, 2048
MAX_TOKENS = 1000
CODE_SECONDS = (10, 600)  # RFC 6749 section 4.1.2
EXTENSION_SECONDS = (0.1, 10.0)
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
# RFC 6749 section 4.5: a grant type of one's own is named by an absolute URI.
_GRANT_URI = re.compile(r"[a-z][a-z0-9+.-]*:[\x21\x23-\x5b\x5d-\x7e]{1,200}", re.IGNORECASE)
_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,255}")
_VISIBLE = re.compile(r"[\x21-\x7e]+")

Found = Iterator[Problem]


def problems_of(
    rules: TokenRules, secrets: Mapping[str, str], packages: Collection[str]
) -> list[Problem]:
    """Everything that is wrong with the rules and the secrets given for login providers."""
    return [
        Problem(f"Tokens.{one.field}", one.message)
        for part in (
            _grants(rules, packages),
            _numbers(rules),
            _claim_headers(rules),
            _extension(rules, packages),
            _issuers(rules.issuers),
            _providers(rules.providers, secrets),
            _sign_up(rules),
        )
        for one in part
    ]


def _grants(rules: TokenRules, packages: Collection[str]) -> Found:
    known = {*GRANT_WORDS, *rules.plugins}
    for number, name in enumerate(rules.grants or ()):
        if name not in known:
            yield Problem(f"grantTypes.{number}", f"'{name[:100]}' is not a grant type")
    yield from _twice("grantTypes", rules.grants or ())
    yield from _most("pluginGrants", rules.plugins, MAX_PLUGINS)
    for name, plugin in rules.plugins.items():
        place = f"pluginGrants.{name[:100]}"
        if name in GRANT_WORDS or not _GRANT_URI.fullmatch(name):
            yield Problem(place, "must be a URI of your own, such as urn:example:grant:badge")
        yield from _class(place, plugin, packages)


def _numbers(rules: TokenRules) -> Found:
    yield from _between("maxLiveTokens", rules.max_tokens, 0, MAX_TOKENS)
    yield from _between("codeValidity", rules.code_validity, *CODE_SECONDS)
    yield from _between("extension.seconds", rules.extension_seconds, *EXTENSION_SECONDS)


def _claim_headers(rules: TokenRules) -> Found:
    for number, uri in enumerate(rules.claim_headers):
        if uri not in CLAIMS:
            yield Problem(f"claimHeaders.{number}", f"'{uri[:100]}' is not a claim")
    yield from _twice("claimHeaders", rules.claim_headers)


def _extension(rules: TokenRules, packages: Collection[str]) -> Found:
    if rules.extension:
        yield from _extending("extension.name", rules.extension, packages)
    yield from _most("extension.applications", rules.extensions, MAX_EXTENSIONS)
    for key, name in rules.extensions.items():
        place = f"extension.applications.{key[:100]}"
        if not _VISIBLE.fullmatch(key) or len(key) > 255:
            yield Problem(place, "must be an application's id or a consumer key")
        yield from _extending(place, name, packages)


def _extending(place: str, name: str, packages: Collection[str]) -> Found:
    if is_class_name(name):
        yield from _class(place, name, packages)
    elif not is_function_name(name):
        text = "must be package.module.Class, or the name or ARN of a Lambda function"
        yield Problem(place, text)


def _class(place: str, name: str, packages: Collection[str]) -> Found:
    if not is_class_name(name):
        yield Problem(place, "must be the name of a class, as package.module.Class")
    elif not allowed(name, packages):
        listed = ", ".join(packages) or "none"
        yield Problem(place, f"is not in a package of the plug-in layer that may be used: {listed}")


def _issuers(issuers: Sequence[TrustedIssuer]) -> Found:
    yield from _most("trustedIssuers", issuers, MAX_ISSUERS)
    yield from _twice("trustedIssuers", [f"{one.kind} {one.issuer}" for one in issuers])
    for number, one in enumerate(issuers):
        place = f"trustedIssuers.{number}"
        if not _VISIBLE.fullmatch(one.issuer) or len(one.issuer) > MAX_ISSUER:
            text = f"must be 1 to {MAX_ISSUER} ASCII characters without spaces"
            yield Problem(f"{place}.issuer", text)
        yield from _keys(place, one)
        yield from _most(f"{place}.audiences", one.audiences, MAX_AUDIENCES)
        for index, text in enumerate(one.audiences):
            if not _VISIBLE.fullmatch(text) or len(text) > MAX_ISSUER:
                yield Problem(f"{place}.audiences.{index}", "must be text without spaces")
        yield from _claims_and_roles(place, one)


def _keys(place: str, one: TrustedIssuer) -> Found:
    if one.kind == SAML:
        if one.jwks or one.jwks_uri:
            yield Problem(f"{place}.jwks", "is for JWT issuers; SAML ones have certificates")
        if not 0 < len(one.certificates) <= MAX_KEYS:
            yield Problem(f"{place}.certificates", f"must be 1 to {MAX_KEYS}")
        for index, pem in enumerate(one.certificates):
            if problem := _certificate(pem):
                yield Problem(f"{place}.certificates.{index}", problem)
        return
    if one.kind != JWT:
        yield Problem(f"{place}.kind", f"must be {JWT} or {SAML}")
    if one.certificates:
        yield Problem(f"{place}.certificates", "are for SAML issuers; JWT ones have a JWKS")
    if bool(one.jwks) == bool(one.jwks_uri):
        yield Problem(f"{place}.jwks", "must be given, or else jwksUri; one of the two")
    if one.jwks_uri:
        yield from _url(f"{place}.jwksUri", one.jwks_uri)
    yield from _most(f"{place}.jwks", one.jwks, MAX_KEYS)
    for index, key in enumerate(one.jwks):
        if {"d", "p", "q", "k"} & set(key):
            yield Problem(f"{place}.jwks.{index}", "is a secret key; only the public half belongs")
        elif not foreign_keys([key]):
            text = "is no RSA or EC public key that can be used (RFC 7517)"
            yield Problem(f"{place}.jwks.{index}", text)


def _certificate(pem: str) -> str:
    if len(pem) > MAX_PEM:
        return f"has more than {MAX_PEM} characters"
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        keys = [one.public_key() for one in found]
    # Many kinds of errors come out of a certificate that is not one.
    except Exception:
        return "is no PEM certificate that can be read"
    if len(keys) != 1:
        return f"holds {len(keys)} certificates; one is expected"
    key = keys[0]
    if not isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey):
        return "has a key that is neither RSA nor EC"
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < 2048:
        return "has an RSA key of less than 2048 bits"
    return ""


def _providers(providers: Sequence[LoginProvider], secrets: Mapping[str, str]) -> Found:
    yield from _most("loginProviders", providers, MAX_PROVIDERS)
    yield from _twice("loginProviders", [one.id for one in providers])
    for number, one in enumerate(providers):
        place = f"loginProviders.{number}"
        if not _ID.fullmatch(one.id):
            yield Problem(f"{place}.id", "must be small letters, digits and -, at most 40")
        if not one.name.strip() or len(one.name) > MAX_NAME or not one.name.isprintable():
            yield Problem(f"{place}.name", f"must be 1 to {MAX_NAME} characters")
        yield from _url(f"{place}.issuer", one.issuer, plain=True)
        if not re.fullmatch(r"[\x20-\x7e]{1,255}", one.client_id):
            yield Problem(f"{place}.clientId", "must be 1 to 255 ASCII characters")
        if not re.fullmatch(rf"[\x20-\x7e]{{0,{MAX_SECRET}}}", secrets.get(one.id, "")):
            text = f"must be at most {MAX_SECRET} ASCII characters"
            yield Problem(f"{place}.clientSecret", text)
        yield from _most(f"{place}.scopes", one.scopes, MAX_SCOPES)
        yield from _twice(f"{place}.scopes", one.scopes)
        if "openid" not in one.scopes or not all(_SCOPE.fullmatch(text) for text in one.scopes):
            yield Problem(f"{place}.scopes", "must be scopes, one of them openid")
        yield from _claims_and_roles(place, one)
        yield from _roles(f"{place}.defaultRoles", one.default_roles)


def _sign_up(rules: TokenRules) -> Found:
    yield from _roles("signUp.roles", rules.sign_up_roles)
    if ADMIN in rules.sign_up_roles:
        yield Problem("signUp.roles", f"may not have '{ADMIN}': anybody could administrate")


def _claims_and_roles(place: str, one: TrustedIssuer | LoginProvider) -> Found:
    if not 0 < len(one.user_claim) <= 255 or not one.user_claim.isprintable():
        yield Problem(f"{place}.userClaim", "must be the name of a claim")
    if len(one.role_claim) > 255 or not one.role_claim.isprintable():
        yield Problem(f"{place}.roleClaim", "must be the name of a claim, or empty")
    yield from _most(f"{place}.roles", one.roles, MAX_ROLES)
    if any(not name or len(name) > 255 or not name.isprintable() for name in one.roles):
        yield Problem(f"{place}.roles", "names a role of theirs that is empty or too long")
    yield from _roles(f"{place}.roles", tuple(one.roles.values()))


def _roles(place: str, roles: Sequence[str]) -> Found:
    yield from _most(place, roles, MAX_ROLES)
    for role in roles:
        if not ROLE.fullmatch(role):
            yield Problem(place, f"'{role[:100]}' is not a role's name")


def _url(place: str, url: str, *, plain: bool = False) -> Found:
    """`plain`: without query and fragment, as an issuer is (OpenID Connect Discovery section 3)."""
    try:
        target = target_of(url)
    except AddressRefused as exc:
        yield Problem(place, str(exc))
        return
    if target.scheme != "https" and target.host not in _LOOPBACK:
        yield Problem(place, "must start with https://")
    if "#" in url or (plain and "?" in url):
        yield Problem(place, "may not have a query or fragment" if plain else "has a fragment")


def _between(place: str, value: float, least: float, most: float) -> Found:
    if not least <= value <= most:
        yield Problem(place, f"must be {least} to {most}")


def _most(place: str, values: Collection[object], most: int) -> Found:
    if len(values) > most:
        yield Problem(place, f"has {len(values)} entries; {most} are allowed")


def _twice(place: str, values: Sequence[str]) -> Found:
    if len(set(values)) < len(values):
        yield Problem(place, "has an entry twice")
