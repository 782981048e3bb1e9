"""Judging an uploaded life cycle: everything wrong at once, where it is, and in bounded time."""

import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portico.lifecycle.building import MAX_FINDINGS
from portico.lifecycle.draft import MAX_BYTES
from portico.lifecycle.validation import MAX_CLASSES, Report, read, validate
from tests.lifecycle.charts import OWN, PUBLISHED

GOOD = ["reviewed.scxml", "as-documented.xml", "tenant.json"]
HEAD = (
    '<aspect name="APILifeCycle"><scxml xmlns="http://www.w3.org/2005/07/scxml"'
    ' version="1.0" initialstate="Published">'
)
TAIL = '<state id="Published"/><state id="Prototyped"/></scxml></aspect>'


def judge(content: bytes, living: dict[str, int] | None = None) -> Report:
    return validate(content, lambda name: not name.startswith("com.example."), living or {})


def found(report: Report) -> list[tuple[int, str, str]]:
    return [(one.line, one.severity, one.code) for one in report.findings]


@pytest.mark.parametrize("name", GOOD)
def test_a_good_document_has_no_errors(name: str) -> None:
    report = judge((OWN / name).read_bytes(), {"PUBLISHED": 3, "CREATED": 1})

    assert report.errors == ()
    assert report.lifecycle is not None


def test_documents_of_every_era_have_no_findings() -> None:
    for path in PUBLISHED:
        assert judge(path.read_bytes()).findings == ()


def test_everything_wrong_is_found_at_once_with_its_line() -> None:
    report = judge((OWN / "broken.scxml").read_bytes())

    assert report.lifecycle is None
    assert found(report) == [
        (2, "error", "initial-missing"),
        (2, "error", "name"),
        (2, "error", "state-missing"),
        (2, "error", "state-missing"),
        (6, "error", "event-missing"),
        (7, "error", "duplicate-item"),
        (7, "error", "value"),
        (10, "error", "no-role"),
        (13, "error", "execution-unresolved"),
        (15, "error", "unsupported"),
        (15, "error", "value"),
        (17, "error", "target-missing"),
        (18, "error", "unsupported"),
        (18, "error", "duplicate-event"),
        (19, "error", "unsupported"),
        (21, "error", "duplicate-state"),
        (22, "warning", "no-behaviour"),
        (23, "error", "name-missing"),
    ]


def test_a_state_with_apis_that_is_missing_names_it_and_their_number() -> None:
    content = (HEAD + TAIL).encode()
    living = {"BLOCKED": 12, "PUBLISHED": 4, "RETIRED": 0}
    (error,) = judge(content, living).errors

    assert (error.code, error.subject) == ("living-state-missing", "BLOCKED")
    assert "12 APIs" in error.message
    # With a mapping chosen there is nothing left to complain of.
    assert judge(content, {"PUBLISHED": 4}).lifecycle is not None


def test_an_unreachable_state_is_a_warning() -> None:
    report = judge((HEAD + TAIL).encode())

    assert [(one.code, one.subject) for one in report.findings] == [("unreachable", "Prototyped")]
    assert report.lifecycle is not None


def test_an_execution_is_looked_up_once_and_reported_everywhere() -> None:
    asked: list[str] = []

    def resolves(name: str) -> bool:
        asked.append(name)
        return False

    document = HEAD + "".join(
        f'\n<state id="S{number}"><datamodel><data name="transitionExecution">'
        '<execution class="some.Class"/></data></datamodel>'
        f'<transition event="go" target="S{number}"/></state>'
        for number in range(3)
    )
    report = validate((document + TAIL).encode(), resolves, {})

    assert asked == ["some.Class"]
    lines = [one.line for one in report.findings if one.code == "execution-unresolved"]
    assert lines == [2, 3, 4]


def test_an_execution_without_what_it_needs_is_an_error() -> None:
    document = (OWN / "tenant.json").read_text()
    needs = {"Webhook": ("url",)}
    assert validate(document.encode(), bool, {}, needs).errors == ()
    document = document.replace('"url":', '"uri":')
    (error,) = validate(document.encode(), bool, {}, needs).errors

    assert (error.line, error.code, error.subject) == (30, "parameter-missing", "Webhook")


def test_not_every_class_of_a_hostile_document_is_looked_up() -> None:
    asked: list[str] = []

    def resolves(name: str) -> bool:
        asked.append(name)
        return False

    validate(HOSTILE["executions"], resolves, {})

    assert len(asked) == MAX_CLASSES


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        ("", 1, "not-xml"),
        ("<aspect>\n<scxml>\n</aspect>", 3, "not-xml"),
        ('\n{"States": [}', 2, "not-json"),
        ('{"States": [{"State": NaN}]}', 1, "value"),
        ("<aspect name='APILifeCycle'/>", 1, "no-scxml"),
        (HEAD + "<!-- <!DOCTYPE a> --><state/>" + TAIL, 1, "name-missing"),
        ('<!DOCTYPE a [<!ENTITY x "y">]>\n' + HEAD + TAIL, 1, "doctype"),
        (HEAD.replace("initialstate", "start") + TAIL, 1, "no-initial"),
        (HEAD + "<parallel/>" + TAIL, 1, "unsupported"),
        (HEAD + '<state id="X"><state id="Y"/></state>' + TAIL, 1, "unsupported"),
        (
            HEAD + '<state id="X"><datamodel><data name="transitionApproval">'
            '<approval votes="2"/></data></datamodel></state>' + TAIL,
            1,
            "unsupported",
        ),
        (
            HEAD + '<state id="X"><datamodel><data name="transitionValidation">'
            '<validation class="a.B"/></data></datamodel></state>' + TAIL,
            1,
            "unsupported",
        ),
        (HEAD.replace("APILifeCycle", "Other") + TAIL, 1, "name"),
    ],
)
def test_what_is_wrong_is_named(text: str, line: int, code: str) -> None:
    report = judge(text.encode())

    assert report.lifecycle is None
    assert (line, "error", code) in found(report)


@pytest.mark.parametrize(
    "head",
    [
        '<!DOCTYPE a SYSTEM "http://127.0.0.1:9/x.dtd">',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "file:///etc/hostname"> %p;]>',
        '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]>',
        '<?pi?><!-- x -->\n<!DOCTYPE a [<!ATTLIST state id CDATA "injected">]>',
    ],
)
def test_a_document_type_is_refused_before_anything_is_declared(head: str) -> None:
    report = judge((head + HEAD + '<state id="&a;"/>' + TAIL).encode())

    assert [one.code for one in report.findings] == ["doctype"]


def test_an_entity_that_nobody_declared_is_refused() -> None:
    report = judge((HEAD + '<state id="&x;"/>' + TAIL).encode())

    assert [one.code for one in report.findings] == ["not-xml"]


SPLICES = [b"<!DOCTYPE x>", b"<![CDATA[", b"&#0;", b"\xff\xfe", b"\0", b"{", b"]", b'"', b"1e999"]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(GOOD),
    st.integers(0, 4000),
    st.integers(0, 60),
    st.one_of(st.sampled_from(SPLICES), st.binary(max_size=6)),
)
def test_a_damaged_document_is_judged_never_a_crash(
    name: str, place: int, length: int, splice: bytes
) -> None:
    content = (OWN / name).read_bytes()
    content = content[:place] + splice + content[place + length :]
    report = judge(content)

    if report.lifecycle is None:
        assert report.errors
    else:
        assert read(content) == report.lifecycle


def test_what_the_parser_says_is_about_this_document() -> None:
    for text, says in [
        ('<?xml version="1.0" encoding="foo"?><a/>', "Unsupported encoding: foo"),
        ("<a>\n<b>\n</a>", "Opening and ending tag mismatch: b line 2 and a"),
    ]:
        (finding,) = judge(text.encode()).findings
        assert finding.message == f"not well-formed XML: {says}"


def filled(head: str, unit: Callable[[int], str], tail: str) -> bytes:
    """As large as an upload may be, of one kind of thing."""

    def units() -> Iterator[str]:
        left, number = MAX_BYTES - len(head) - len(tail), 0
        while left >= len(unit(number)):
            yield unit(number)
            left -= len(unit(number))
            number += 1

    return (head + "".join(units()) + tail).encode()


DATA = HEAD + '<state id="A"><datamodel><data name="{}">'
CLOSE = "</data></datamodel>{}</state>" + TAIL
EVENTS = "".join(f'<transition event="e{number}" target="A"/>' for number in range(50))
HOSTILE = {
    "states": filled(HEAD, lambda n: f'<state id="s{n}"/>', TAIL),
    "the same state": filled(HEAD, lambda n: '<state id="s"/>', TAIL),
    "transitions": filled(
        HEAD + '<state id="A">',
        lambda n: f'<transition event="e{n}" target="x"/>',
        "</state>" + TAIL,
    ),
    "items": filled(DATA.format("checkItems"), lambda n: f'<item name="i{n}"/>', CLOSE.format("")),
    "events of an item": filled(
        DATA.format("checkItems") + '<item name="i" forEvent="',
        lambda n: f"e{n},",
        '"/>' + CLOSE.format(EVENTS),
    ),
    "roles": filled(
        DATA.format("transitionPermission") + '<permission roles="',
        lambda n: f"r{n},",
        '"/>' + CLOSE.format(EVENTS),
    ),
    "executions": filled(
        DATA.format("transitionExecution"),
        lambda n: f'<execution class="com.example.{n}"/>',
        CLOSE.format(EVENTS),
    ),
    "one execution for all events": filled(
        DATA.format("transitionExecution")
        + '<execution class="Webhook"><parameter name="a" value="',
        lambda n: "x",
        '"/></execution>' + CLOSE.format(EVENTS),
    ),
    "parameters": filled(
        DATA.format("transitionExecution") + '<execution class="Webhook">',
        lambda n: f'<parameter name="p{n}" value=""/>',
        "</execution>" + CLOSE.format(EVENTS),
    ),
    "attributes": filled(HEAD + "<state ", lambda n: f'a{n}="" ', "/>" + TAIL),
    "unknown elements": filled(HEAD, lambda n: "<x/>", TAIL),
    "depth": filled(HEAD, lambda n: "<state>", TAIL),
    "open angles": filled("", lambda n: "<", ""),
    "entities": filled("<!DOCTYPE a [", lambda n: f'<!ENTITY a{n} "&a;">', "]><a/>"),
    "json depth": filled("", lambda n: '{"a":', ""),
    "json lists": filled('{"States":', lambda n: "[", ""),
    "json escapes": filled('{"', lambda n: '\\"', ""),
    "json states": filled('{"States":[', lambda n: f'{{"State":"s{n}"}},', "{}]}"),
    "json fields": filled('{"States":[{', lambda n: f'"k{n}":1,', '"State":"x"}]}'),
    "json digits": filled('{"States":[', lambda n: "9", "]}"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_document_is_refused_in_bounded_time(kind: str) -> None:
    assert len(HOSTILE[kind]) > MAX_BYTES - 100
    begun = time.process_time()
    report = judge(HOSTILE[kind])

    # Quadratic work on so many things takes minutes; this is far from what a slow machine needs.
    assert time.process_time() - begun < 1.5
    assert report.lifecycle is None
    assert 0 < len(report.findings) <= MAX_FINDINGS
    assert report.errors


def test_a_larger_document_is_refused_unread() -> None:
    (finding,) = judge(b" " * (MAX_BYTES + 1)).findings

    assert finding.code == "too-large"
