"""The SAML 2.0 bearer grant (RFC 7522): what holds, and wrapped, forged and hostile assertions."""

import base64
import copy
import time
from collections.abc import Callable, Iterator

import pytest
from lxml import etree

from portico.domain.records import Put
from portico.domain.tenant import Tenant
from portico.domain.token_rules import TokenRules, TrustedIssuer
from portico.domain.user import ADMIN, SUBSCRIBER, Caller
from tests.functions.token.conftest import TENANT, Answer, Server
from tests.functions.token.saml import (
    DS,
    ENDPOINT,
    EXCLUSIVE,
    ISSUER,
    SAML,
    attributes,
    encoded,
    identity,
    moment,
    signed,
    text,
)

GRANT = "urn:ietf:params:oauth:grant-type:saml2-bearer"
MAKING = "https://hr.example/saml"
EXPIRED = "https://old.example/saml"
ELSEWHERE = "elsewhere.example"


@pytest.fixture(scope="module", autouse=True)
def rules(server: Server) -> Iterator[None]:
    """Trusted issuers: of which one may make users, and one whose certificate has expired."""
    issuers = (
        TrustedIssuer(
            ISSUER,
            kind="saml",
            # While a provider changes its key both are trusted.
            certificates=(identity("next").certificate, identity().certificate),
            audiences=("https://portico.example",),
        ),
        TrustedIssuer(
            MAKING,
            kind="saml",
            certificates=(identity("hr", "ec").certificate,),
            user_claim="mail",
            create_users=True,
            role_claim="groups",
            roles={"staff": SUBSCRIBER},
        ),
        TrustedIssuer(EXPIRED, kind="saml", certificates=(identity(days=-1).certificate,)),
        TrustedIssuer("https://jwt.example", certificates=(identity().certificate,)),
    )
    server.aws.records.commit(
        Put(TokenRules(tenant=TENANT, issuers=issuers)), Put(Tenant(tenant=ELSEWHERE))
    )
    server.accounts.create(Caller(ELSEWHERE, "root", (ADMIN,)), "jane", "jane-of-elsewhere")
    yield
    server.aws.records.commit(Put(TokenRules(tenant=TENANT)))


@pytest.fixture(scope="module")
def credentials(server: Server) -> tuple[str, str]:
    return server.client("saml", grant_types=(GRANT, "refresh_token"))[1]


def ask(server: Server, credentials: tuple[str, str], assertion: str) -> Answer:
    return server.token({"grant_type": GRANT, "assertion": assertion}, basic=credentials)


def refused(answer: Answer) -> str:
    assert (answer.status, answer.json.get("error")) == (400, "invalid_grant"), answer.text
    return str(answer.json["error_description"])


def subject(server: Server, answer: Answer) -> str:
    assert answer.status == 200, answer.text
    return str(server.claims(answer.json["access_token"])["sub"])


def test_a_signed_assertion_gives_tokens_for_its_user(
    server: Server, credentials: tuple[str, str]
) -> None:
    answer = ask(server, credentials, encoded(signed(text())))
    assert subject(server, answer) == "jane@carbon.super"
    assert answer.json["refresh_token"]


@pytest.mark.parametrize("form", ["padded", "standard", "in lines"])
def test_the_forms_of_base64_that_clients_send(
    server: Server, credentials: tuple[str, str], form: str
) -> None:
    content = etree.tostring(signed(text()))
    forms = {
        "padded": base64.urlsafe_b64encode(content),
        "standard": base64.b64encode(content),
        "in lines": base64.encodebytes(content),
    }
    assert ask(server, credentials, forms[form].decode()).status == 200


@pytest.mark.parametrize(
    "more",
    [
        {"name_id": " JANE@carbon.super "},
        {"data": "", "method": "urn:oasis:names:tc:SAML:2.0:cm:bearer"},
        {
            "restriction": "<saml:AudienceRestriction><saml:Audience>https://other.example"
            "</saml:Audience><saml:Audience>https://portico.example</saml:Audience>"
            "</saml:AudienceRestriction><saml:OneTimeUse/>"
        },
        {"until": "2999-01-01T00:00:00Z"},
        {"from": moment(-5)[:-1] + ".123456789Z"},
        {"from": moment(-5)[:-1]},
    ],
    ids=["full name", "no data", "audiences", "far end", "fraction", "no zone"],
)
def test_what_assertions_may_look_like(
    server: Server, credentials: tuple[str, str], more: dict[str, str]
) -> None:
    answer = ask(server, credentials, encoded(signed(text(**more))))
    if "2999" in more.get("until", ""):
        assert "longer" in refused(answer)
    else:
        assert subject(server, answer) == "jane@carbon.super"


def test_the_key_that_a_provider_changes_to_is_trusted_too(
    server: Server, credentials: tuple[str, str]
) -> None:
    assert ask(server, credentials, encoded(signed(text(), identity("next")))).status == 200


def test_an_attribute_names_a_user_who_is_made(
    server: Server, credentials: tuple[str, str]
) -> None:
    told = attributes(mail="saml.one@mail.example", groups="staff", given_name="Sam")
    xml = text(issuer=MAKING, attributes=told)
    made = signed(xml, identity("hr", "ec"), algorithm="ecdsa-sha256")
    answer = ask(server, credentials, encoded(made))
    assert subject(server, answer) == "saml.one@mail.example@carbon.super"
    user = server.accounts.get(TENANT, "saml.one@mail.example")
    assert (user.roles, user.given_name) == ((SUBSCRIBER,), "Sam")


def test_an_assertion_is_taken_once_by_its_id(server: Server, credentials: tuple[str, str]) -> None:
    """RFC 7522 section 3 item 6."""
    xml = text(id="_once")
    assert ask(server, credentials, encoded(signed(xml))).status == 200
    assert "used before" in refused(ask(server, credentials, encoded(signed(xml))))


def test_comments_in_a_name_do_not_cut_it(server: Server, credentials: tuple[str, str]) -> None:
    """Canonical XML leaves comments out of the signature: they can be put in afterwards, and
    readers that take the text up to them see another name.
    """
    server.accounts.create(server.caller, "jane.evil", "jane-of-tests-2")
    content = etree.tostring(signed(text(name_id="jane.evil")))
    content = content.replace(b"jane.evil", b"jane<!-- -->.evil")
    answer = ask(server, credentials, encoded(content))
    assert subject(server, answer) == "jane.evil@carbon.super"
    for cut in ("jane<!-- -->.evil", "jane<?x?>.evil", "jane<x>.evil</x>"):
        made = signed(text(name_id=cut), c14n=f"{EXCLUSIVE}WithComments")
        refused(ask(server, credentials, encoded(made)))


Forge = Callable[[], str | bytes | etree._Element]


def without_signature() -> etree._Element:
    made = signed(text())
    made.remove(made[1])
    return made


def changed(old: str, new: str) -> bytes:
    made = etree.tostring(signed(text()))
    assert old.encode() in made
    return made.replace(old.encode(), new.encode())


def cut_value(what: str) -> etree._Element:
    made = signed(text())
    for element in made.iter(f"{DS}{what}"):
        element.text = ""
    return made


def transformed(algorithm: str) -> etree._Element:
    made = signed(text())
    transforms = next(made.iter(f"{DS}Transforms"))
    etree.SubElement(transforms, f"{DS}Transform", Algorithm=algorithm)
    return made


def encrypted() -> bytes:
    return b'<saml:EncryptedAssertion xmlns:saml="' + SAML[1:-1].encode() + b'"/>'


def response(made: etree._Element) -> etree._Element:
    root = etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}Response", ID="_r", Version="2.0")
    root.append(made)
    return root


def response_signed_alone() -> etree._Element:
    unsigned = etree.tostring(response(etree.fromstring(text())))
    return signed(unsigned.decode())


RECIPIENT = '<saml:SubjectConfirmationData Recipient="{}" NotOnOrAfter="{}"/>'
BOMB = (
    '<!DOCTYPE a [<!ENTITY a "ha">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)
FORGED: dict[str, Forge] = {
    "unsigned": text,
    "with the signature taken out": without_signature,
    "another name": lambda: changed(">jane<", ">admin<"),
    "another id": lambda: changed('ID="_', 'ID="x'),
    "an empty signature value": lambda: cut_value("SignatureValue"),
    "an empty digest": lambda: cut_value("DigestValue"),
    "the wrong key": lambda: signed(text(), identity("attacker")),
    "the wrong kind of key": lambda: signed(text(), identity("hr", "ec"), algorithm="ecdsa-sha256"),
    "an expired certificate": lambda: signed(text(issuer=EXPIRED), identity(days=-1)),
    "SHA-1 digest renamed": lambda: changed(
        "http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2000/09/xmldsig#sha1"
    ),
    "SHA-1 signature renamed": lambda: changed(
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
    ),
    "HMAC": lambda: changed(
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
    ),
    "an XPath transform": lambda: transformed("http://www.w3.org/TR/1999/REC-xpath-19991116"),
    "an XSLT transform": lambda: transformed("http://www.w3.org/TR/1999/REC-xslt-19991116"),
    "without an id, signed as a whole document": lambda: signed(text().replace(" ID=", " Name=")),
    "by a stranger": lambda: signed(text(issuer="https://stranger.example")),
    "by one issuer in another's name": lambda: signed(
        text(), identity("hr", "ec"), algorithm="ecdsa-sha256"
    ),
    "by an issuer of the other kind": lambda: signed(text(issuer="https://jwt.example")),
    "by nobody": lambda: signed(text(issuer="")),
    "expired": lambda: signed(text(until=moment(-60))),
    "not valid yet": lambda: signed(text(**{"from": moment(600)})),
    "issued in the future": lambda: signed(text(issued=moment(600))),
    "issued at no time": lambda: signed(text(issued="yesterday")),
    "an end that is no time": lambda: signed(text(until="2030-02-31T00:00:00Z")),
    "for another audience": lambda: signed(
        text(
            restriction="<saml:AudienceRestriction><saml:Audience>https://other.example"
            "</saml:Audience></saml:AudienceRestriction>"
        )
    ),
    "for two audiences at once, one not ours": lambda: signed(
        text(
            restriction=f"<saml:AudienceRestriction><saml:Audience>{ENDPOINT}</saml:Audience>"
            "</saml:AudienceRestriction><saml:AudienceRestriction><saml:Audience>x</saml:Audience>"
            "</saml:AudienceRestriction>"
        )
    ),
    "for nobody": lambda: signed(text(restriction="")),
    "under an unknown condition": lambda: signed(
        text(
            restriction=f"<saml:AudienceRestriction><saml:Audience>{ENDPOINT}</saml:Audience>"
            "</saml:AudienceRestriction><saml:Condition/>"
        )
    ),
    "for another recipient": lambda: signed(
        text(data=RECIPIENT.format("https://other.example/token", moment(300)))
    ),
    "a confirmation without recipient": lambda: signed(
        text(data="<saml:SubjectConfirmationData/>")
    ),
    "a confirmation that has ended": lambda: signed(
        text(data=RECIPIENT.format(ENDPOINT, moment(-60)))
    ),
    "a holder of a key, not a bearer": lambda: signed(
        text(method="urn:oasis:names:tc:SAML:2.0:cm:holder-of-key")
    ),
    "about somebody unknown": lambda: signed(text(name_id="unknown")),
    "about nobody": lambda: signed(text(name_id="")),
    "about a user of another tenant": lambda: signed(text(name_id=f"jane@{ELSEWHERE}")),
    "two subjects": lambda: signed(
        text(more="<saml:Subject><saml:NameID>admin</saml:NameID></saml:Subject>")
    ),
    "encrypted": encrypted,
    "a response around it": lambda: response(signed(text())),
    "a response that is signed alone": response_signed_alone,
    "SAML 1.1": lambda: '<Assertion xmlns="urn:oasis:names:tc:SAML:1.0:assertion" ID="_1"/>',
    "billion laughs": lambda: BOMB + text(name_id="&i;"),
    "billion laughs in an attribute": lambda: BOMB + text(id="&i;"),
    "an external entity": lambda: (
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + text(name_id="&x;")
    ),
    "an external document type": lambda: '<!DOCTYPE a SYSTEM "http://attacker.example/">' + text(),
    "UTF-16": lambda: (BOMB + text()).encode("utf-16"),
    "UTF-7": lambda: b'<?xml version="1.0" encoding="utf-7"?>' + text().encode("utf-7"),
    "no UTF-8": lambda: b"\xff\xfe",
    "deep nesting": lambda: "<a>" * 3000 + "</a>" * 3000,
    "no XML": lambda: "assertion",
    "nothing": lambda: " ",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED.keys())
def test_an_assertion_that_does_not_hold_is_refused(
    server: Server, credentials: tuple[str, str], forge: Forge
) -> None:
    began = time.monotonic()
    refused(ask(server, credentials, encoded(forge())))
    assert time.monotonic() - began < 3


def test_what_is_not_base64_is_refused(server: Server, credentials: tuple[str, str]) -> None:
    for broken in (
        "<saml/>",
        "a",
        "=",
        "\u00e4\u00f6\u00fc\u00df",
        encoded(signed(text()))[:-3] + "!",
    ):
        refused(ask(server, credentials, broken))


def test_an_encrypted_assertion_is_refused_with_the_reason(
    server: Server, credentials: tuple[str, str]
) -> None:
    assert "Encrypted" in refused(ask(server, credentials, encoded(encrypted())))
    answer = ask(server, credentials, encoded(response(signed(text()))))
    assert "response" in refused(answer)


# --- signature wrapping ------------------------------------------------------------------------
# After Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be" (USENIX Security 2012): a
# true signature stays in the document, and another assertion is put where the application reads.


def evil(like: etree._Element, name: str = "_evil") -> etree._Element:
    """A copy that speaks of the administrator, without a signature."""
    made = copy.deepcopy(like)
    made.set("ID", name)
    next(made.iter(f"{SAML}NameID")).text = "admin"
    signature = made.find(f"{DS}Signature")
    if signature is not None:
        made.remove(signature)
    return made


def taken(made: etree._Element) -> etree._Element:
    """The signature, taken out of its assertion."""
    signature = made.find(f"{DS}Signature")
    assert signature is not None
    made.remove(signature)
    return signature


def wrapper() -> etree._Element:
    return etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")


def xsw1() -> etree._Element:
    """A signed document is moved into its signature; the forged one takes its place."""
    made = signed(text())
    forged, signature = evil(made), taken(made)
    signature.append(made)
    forged.insert(1, signature)
    return forged


def xsw2() -> etree._Element:
    """The signature is detached: beside the true assertion, below the forged one."""
    made = signed(text())
    forged, signature = evil(made), taken(made)
    forged.insert(1, signature)
    forged.append(made)
    return forged


def xsw3() -> etree._Element:
    """The forged assertion comes before the true one below a common top."""
    made = signed(text())
    root = response(evil(made))
    root.append(made)
    return root


def xsw4() -> etree._Element:
    """The true assertion, with its signature, is a child of the forged one."""
    made = signed(text())
    forged = evil(made)
    forged.append(made)
    return forged


def xsw5() -> etree._Element:
    """The forged assertion has the signature; the true one lies at the end."""
    made = signed(text())
    forged, signature = evil(made), taken(made)
    forged.insert(1, signature)
    root = response(forged)
    root.append(made)
    return root


def xsw6() -> etree._Element:
    """The forged assertion has the signature, and that has the true one."""
    made = signed(text())
    forged, signature = evil(made), taken(made)
    holder = etree.SubElement(signature, f"{DS}Object")
    holder.append(made)
    forged.insert(1, signature)
    return forged


def xsw7() -> etree._Element:
    """The true assertion hides in Extensions, where anything may be."""
    made = signed(text())
    forged, outer = evil(made), wrapper()
    outer.append(made)
    forged.append(outer)
    return forged


def xsw8() -> etree._Element:
    """The true assertion, without its signature, hides in an Object of it."""
    made = signed(text())
    forged, signature = evil(made, str(made.get("ID"))), taken(made)
    holder = etree.SubElement(signature, f"{DS}Object")
    holder.append(made)
    forged.insert(1, signature)
    return forged


def same_id() -> etree._Element:
    """Both have the signed id: which of them does the reference mean?"""
    made = signed(text())
    forged = evil(made, str(made.get("ID")))
    forged.insert(1, taken(made))
    forged.append(made)
    return forged


def renamed() -> etree._Element:
    """The true assertion under another name, found by its id."""
    made = signed(text())
    forged, signature = evil(made), taken(made)
    forged.insert(1, signature)
    made.tag = "{urn:x}Assertion"
    forged.append(made)
    return forged


def two_signatures() -> etree._Element:
    """A true signature, and an attacker's own for the whole."""
    made = signed(text())
    forged = evil(made)
    forged.append(taken(made))
    return signed(etree.tostring(forged).decode(), identity("attacker"))


def lower_case_id() -> etree._Element:
    """An element whose `Id` is the signed one: attributes that verifiers take for ids."""
    made = signed(text())
    forged, signature = evil(made), taken(made)
    forged.insert(1, signature)
    holder = etree.SubElement(forged, "{urn:x}holder", Id=str(made.get("ID")))
    holder.extend(made)
    return forged


def in_advice() -> etree._Element:
    """The forged assertion as evidence in the true one's place for advice, unsigned."""
    made = signed(text())
    advice = etree.SubElement(made, f"{SAML}Advice")
    advice.append(evil(made))
    return made


def second_reference() -> etree._Element:
    """A signature whose SignedInfo has a second reference."""
    made = signed(text())
    info = next(made.iter(f"{DS}SignedInfo"))
    info.append(copy.deepcopy(next(made.iter(f"{DS}Reference"))))
    return made


WRAPPED = (
    *(xsw1, xsw2, xsw3, xsw4, xsw5, xsw6, xsw7, xsw8),
    *(same_id, renamed, two_signatures, lower_case_id, in_advice, second_reference),
)


@pytest.mark.parametrize("wrap", WRAPPED, ids=lambda wrap: wrap.__name__)
def test_a_wrapped_signature_is_refused(
    server: Server, credentials: tuple[str, str], wrap: Forge
) -> None:
    refused(ask(server, credentials, encoded(wrap())))
