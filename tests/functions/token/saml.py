"""SAML assertions as an identity provider signs them, and parts for those who forge them."""

import base64
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import SignatureConstructionMethod
from signxml.signer import XMLSigner

ENDPOINT = "http://127.0.0.1:8280/oauth2/token"
ISSUER = "https://idp.example/saml"
NAMESPACE = "urn:oasis:names:tc:SAML:2.0:assertion"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
SAML = f"{{{NAMESPACE}}}"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"


@dataclass(frozen=True)
class Identity:
    """A private key and its certificate (PEM)."""

    private: Any
    certificate: str


@cache
def identity(name: str = "idp", kind: str = "rsa", days: int = 30) -> Identity:
    """A provider's key; the same for the same arguments. Negative `days`: it has expired."""
    private: Any
    if kind == "rsa":
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(tz=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=100))
        .not_valid_after(now + timedelta(days=days))
        .sign(private, hashes.SHA256())
    )
    return Identity(private, certificate.public_bytes(Encoding.PEM).decode())


def moment(seconds: int) -> str:
    """So many seconds from now, as SAML writes times."""
    return (datetime.now(tz=UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def text(**more: str) -> str:
    """An unsigned assertion; the arguments are its parts, as XML where they are elements."""
    parts = {
        "id": f"_{uuid.uuid4().hex}",
        "issued": moment(0),
        "issuer": ISSUER,
        "name_id": "jane",
        "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer",
        "data": f'<saml:SubjectConfirmationData Recipient="{ENDPOINT}" '
        f'NotOnOrAfter="{moment(300)}"/>',
        "from": moment(-60),
        "until": moment(300),
        "restriction": f"<saml:AudienceRestriction><saml:Audience>{ENDPOINT}</saml:Audience>"
        "</saml:AudienceRestriction>",
        "attributes": "",
        "more": "",
        **more,
    }
    return """<saml:Assertion xmlns:saml="{namespace}" ID="{id}" Version="2.0" \
IssueInstant="{issued}"><saml:Issuer>{issuer}</saml:Issuer>
<saml:Subject><saml:NameID>{name_id}</saml:NameID><saml:SubjectConfirmation Method="{method}">\
{data}</saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{from}" NotOnOrAfter="{until}">{restriction}</saml:Conditions>
<saml:AuthnStatement AuthnInstant="{issued}"><saml:AuthnContext><saml:AuthnContextClassRef>\
urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext>\
</saml:AuthnStatement>{attributes}{more}</saml:Assertion>""".format(namespace=NAMESPACE, **parts)


def attributes(**values: str) -> str:
    """An AttributeStatement."""
    inner = "".join(
        f'<saml:Attribute Name="{name}"><saml:AttributeValue>{value}</saml:AttributeValue>'
        "</saml:Attribute>"
        for name, value in values.items()
    )
    return f"<saml:AttributeStatement>{inner}</saml:AttributeStatement>"


def signed(
    xml: str,
    by: Identity | None = None,
    *,
    algorithm: str = "rsa-sha256",
    digest: str = "sha256",
    c14n: str = EXCLUSIVE,
) -> etree._Element:
    """The assertion with its signature after the Issuer, as SAML's schema has it."""
    by = by or identity()
    root = etree.fromstring(xml.encode())
    placeholder = etree.Element(f"{DS}Signature", nsmap={"ds": DS[1:-1]}, Id="placeholder")
    root.insert(1, placeholder)
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=algorithm,
        digest_algorithm=digest,
        c14n_algorithm=c14n,
    )
    made = signer.sign(
        root,
        key=by.private,
        cert=by.certificate,
        reference_uri=root.get("ID"),
        id_attribute="ID",
    )
    assert isinstance(made, etree._Element)
    return made


def encoded(element: etree._Element | str | bytes) -> str:
    """As clients send it (RFC 7522 section 2.1)."""
    if isinstance(element, str):
        element = element.encode()
    content = element if isinstance(element, bytes) else etree.tostring(element)
    return base64.urlsafe_b64encode(content).decode().rstrip("=")
