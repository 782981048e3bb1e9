"""Verifying SAML 2.0 bearer assertions (RFC 7522 section 3): the only door to signxml.

Loading it takes a tenth of a second: only who handles an assertion imports it. Whom to trust is the
callers' business.
"""

import base64
import binascii
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, VerifyResult, XMLVerifier

from portico.domain.errors import Unauthenticated

MAX_ASSERTION = 65_536  # characters, in base64
LEEWAY = 30  # seconds by which the clocks of issuer and verifier may differ
LONGEST = 86_400  # seconds that an assertion may be valid
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SAML: Final = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_PROTOCOL = "{urn:oasis:names:tc:SAML:2.0:protocol}"
_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
# SAML core section 5.4.4 allows these transforms and no others.
_TRANSFORMS = {_ENVELOPED, _EXCLUSIVE, f"{_EXCLUSIVE}WithComments"}
_CONDITIONS = {f"{SAML}AudienceRestriction", f"{SAML}OneTimeUse", f"{SAML}ProxyRestriction"}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)?")
_SIGNING = SignatureConfiguration(
    location="./",
    signature_methods=frozenset(
        (
            *(SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA384, SignatureMethod.RSA_SHA512),
            *(SignatureMethod.ECDSA_SHA256, SignatureMethod.ECDSA_SHA384),
            SignatureMethod.ECDSA_SHA512,
            SignatureMethod.SHA256_RSA_MGF1,
        )
    ),
    digest_algorithms=frozenset(
        (DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512)
    ),
    # The key is that of the pinned certificate, whatever else the signature says about keys.
    ignore_ambiguous_key_info=True,
)


class InvalidAssertion(Unauthenticated):
    """Not an assertion that holds: malformed, not signed by its issuer, out of time, not for us."""

    error = "invalid_assertion"


@dataclass(frozen=True)
class Assertion:
    """What a verified assertion says; `expires` in epoch seconds."""

    issuer: str
    id: str
    name: str  # NameID
    expires: int
    attributes: Mapping[str, Sequence[str]]


def issuer_of(text: str) -> str:
    """Who an assertion says that it is by, not yet believed: tells which certificate to take."""
    return _text(_only(_document(text), f"{SAML}Issuer"))


def verified(
    text: str,
    certificates: Sequence[str],
    *,
    audiences: Collection[str],
    recipients: Collection[str],
    now: float,
) -> Assertion:
    """What an assertion (base64, of either alphabet) says that one of the certificates (PEM) signed
    as a whole, that is for one of the audiences, and whose time is now (epoch seconds).

    Only the signed element that the verification gives back is read. InvalidAssertion otherwise.
    """
    root = _document(text)
    _check_signature(root)
    signed = _signed(root, certificates)
    if signed.tag != root.tag or signed.get("ID") != root.get("ID"):
        raise InvalidAssertion("The signature is not about the assertion")
    issued = _moment(signed, "IssueInstant")
    if issued is None or issued > now + LEEWAY:
        raise InvalidAssertion("The assertion was issued in the future, or at no time")
    conditions = _only(signed, f"{SAML}Conditions")
    _check_conditions(conditions, audiences)
    subject = _only(signed, f"{SAML}Subject")
    expires = _confirmed(subject, _ends(conditions, now), recipients, now)
    return Assertion(
        issuer=_text(_only(signed, f"{SAML}Issuer")),
        id=signed.get("ID", ""),
        name=_text(_only(subject, f"{SAML}NameID")),
        expires=math.ceil(expires),
        attributes=_attributes(signed),
    )


def _document(text: str) -> etree._Element:
    """The assertion's element, of a document that has nothing else in it; not yet believed."""
    try:
        if len(text) > MAX_ASSERTION:
            raise InvalidAssertion("The assertion is too long")
        content = _decoded(text)
        # Read by us as the parser reads it, so that there is no other encoding to hide in.
        shown = content.decode("utf-8")
        if "<!DOCTYPE" in shown or "<!ENTITY" in shown:
            raise InvalidAssertion("The assertion may not declare a document type")
        root = etree.fromstring(content, _parser())
    except (etree.XMLSyntaxError, binascii.Error, ValueError) as exc:
        raise InvalidAssertion("The assertion is not well-formed XML in base64") from exc
    names = {element.tag for element in root.iter(etree.Element)}
    if any(str(name).startswith(f"{SAML}Encrypted") for name in names):
        raise InvalidAssertion("Encrypted assertions are not supported")
    if root.tag == f"{_PROTOCOL}Response":
        raise InvalidAssertion("This is a response; the assertion alone is wanted")
    if root.tag != f"{SAML}Assertion" or root.get("Version") != "2.0":
        raise InvalidAssertion("This is not a SAML 2.0 assertion")
    if len(list(root.iter(f"{SAML}Assertion"))) != 1:
        raise InvalidAssertion("There is more than one assertion")
    return root


def _parser() -> etree.XMLParser:
    return etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
    )


def _decoded(text: str) -> bytes:
    # RFC 7522 section 2.1 has base64url without padding; clients send the other forms too.
    plain = re.sub(r"[\r\n]", "", text).replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _check_signature(root: etree._Element) -> None:
    """One signature, where SAML has it, over the whole assertion and nothing else (SAML core
    section 5.4): what signature wrapping needs to be otherwise.
    """
    name = root.get("ID", "")
    signatures = list(root.iter(f"{_DS}Signature"))
    if not signatures:
        raise InvalidAssertion("The assertion is not signed")
    if len(signatures) != 1 or signatures[0].getparent() is not root:
        raise InvalidAssertion("The assertion must have one signature, right below its top")
    if next(root.iter(f"{_DS}Object"), None) is not None:
        raise InvalidAssertion("The signature may not have objects in it")
    ids = [
        value
        for element in root.iter(etree.Element)
        for attribute, value in element.items()
        if etree.QName(str(attribute)).localname.lower() == "id"
    ]
    if not name or ids.count(name) != 1:
        raise InvalidAssertion("The assertion must have an ID of its own")
    references = list(signatures[0].iter(f"{_DS}Reference"))
    if [one.get("URI") for one in references] != [f"#{name}"]:
        raise InvalidAssertion("The signature must be about the assertion and nothing else")
    transforms = [str(one.get("Algorithm")) for one in references[0].iter(f"{_DS}Transform")]
    if transforms.count(_ENVELOPED) != 1 or not set(transforms) <= _TRANSFORMS:
        raise InvalidAssertion("The signature has transforms that SAML does not allow")


def _signed(root: etree._Element, certificates: Sequence[str]) -> etree._Element:
    """The element that was signed, as it was signed, by the first certificate that fits."""
    reasons = ["the issuer has no certificate"]
    for certificate in certificates:
        try:
            result = XMLVerifier().verify(
                etree.tostring(root),
                x509_cert=certificate,
                parser=_parser(),
                id_attribute="ID",
                expect_config=_SIGNING,
            )
        # Whatever it is that goes wrong in there, the signature has not been verified.
        except Exception as exc:
            reasons = [f"{type(exc).__name__}: {exc}"[:200]]
            continue
        if isinstance(result, VerifyResult) and result.signed_xml is not None:
            return result.signed_xml
    raise InvalidAssertion(f"The signature does not hold ({reasons[0]})")


def _check_conditions(conditions: etree._Element, audiences: Collection[str]) -> None:
    """SAML core section 2.5.1: each condition must hold, and be one that we understand."""
    if any(child.tag not in _CONDITIONS for child in conditions):
        raise InvalidAssertion("The assertion has a condition that is not understood")
    restrictions = conditions.findall(f"{SAML}AudienceRestriction")
    for restriction in restrictions:
        named = {_text(one) for one in restriction.findall(f"{SAML}Audience")}
        if not named & set(audiences):
            raise InvalidAssertion("The assertion is for another audience")
    if not restrictions:
        raise InvalidAssertion("The assertion names no audience")


def _confirmed(
    subject: etree._Element, ends: float | None, recipients: Collection[str], now: float
) -> float:
    """When the assertion ends, by its conditions or by a confirmation that holds."""
    reason = "no bearer confirmation"
    for confirmation in subject.findall(f"{SAML}SubjectConfirmation"):
        if confirmation.get("Method") != BEARER:
            continue
        data = confirmation.find(f"{SAML}SubjectConfirmationData")
        try:
            if data is not None and data.get("Recipient") not in recipients:
                reason = "another recipient"
                continue
            found = [one for one in (ends, None if data is None else _ends(data, now)) if one]
        except InvalidAssertion as exc:
            reason = str(exc)
            continue
        if found:
            return min(found)
        reason = "no end"
    raise InvalidAssertion(f"The assertion's subject is not confirmed: {reason}")


def _ends(element: etree._Element, now: float) -> float | None:
    """When the element's time ends; it must be now, and not for too long."""
    begins, ends = _moment(element, "NotBefore"), _moment(element, "NotOnOrAfter")
    if begins is not None and begins > now + LEEWAY:
        raise InvalidAssertion("The assertion is not valid yet")
    if ends is not None and ends <= now - LEEWAY:
        raise InvalidAssertion("The assertion has expired")
    if ends is not None and ends > now + LONGEST + LEEWAY:
        raise InvalidAssertion(f"The assertion is valid for longer than {LONGEST} seconds")
    return ends


def _moment(element: etree._Element, name: str) -> float | None:
    """An xs:dateTime in epoch seconds; without a zone it is UTC (SAML core section 1.3.3)."""
    text = element.get(name)
    if text is None:
        return None
    try:
        if not _TIME.fullmatch(text):
            raise InvalidAssertion(f"{name} is not a time")
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InvalidAssertion(f"{name} is not a time") from exc
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def _attributes(assertion: etree._Element) -> dict[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for one in assertion.iterfind(f"{SAML}AttributeStatement/{SAML}Attribute"):
        # One with elements or comments in it is nothing that we could compare with a name.
        plain = [value for value in one.findall(f"{SAML}AttributeValue") if not len(value)]
        values = [_text(value) for value in plain]
        found.setdefault(one.get("Name", ""), []).extend(values)
    return {name: tuple(values) for name, values in found.items()}


def _only(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.findall(tag)
    if len(found) != 1:
        raise InvalidAssertion(f"The assertion must have one {etree.QName(tag).localname}")
    return found[0]


def _text(element: etree._Element) -> str:
    """All of an element's text: with anything in between, readers take different parts of it."""
    if len(element):
        raise InvalidAssertion(f"{etree.QName(element).localname} must be plain text")
    return (element.text or "").strip()
