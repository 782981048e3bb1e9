"""Both forms of a life cycle say the same: whatever one of them holds survives the way through the
other.
"""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings

from portico.domain.behaviour import Access, Behaviour
from portico.domain.errors import InvalidInput, TooLarge
from portico.lifecycle import json_form, scxml
from portico.lifecycle.engine import step
from portico.lifecycle.model import BUILT_IN, Approval, LifeCycle
from portico.lifecycle.validation import read
from tests.lifecycle.charts import OWN, PUBLISHED, lifecycles

DEFAULT = Path(scxml.__file__).with_name("default.scxml")
GOOD = [DEFAULT, OWN / "reviewed.scxml", OWN / "as-documented.xml", OWN / "tenant.json", *PUBLISHED]


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.name)
def test_a_document_survives_both_forms(path: Path) -> None:
    lifecycle = read(path.read_bytes())

    assert scxml.read(scxml.write(lifecycle)) == lifecycle
    assert json_form.read(json_form.write(lifecycle)) == lifecycle
    assert json_form.read(json_form.write(scxml.read(scxml.write(lifecycle)))) == lifecycle


@settings(max_examples=75, deadline=None)
@given(lifecycles())
def test_any_life_cycle_survives_both_forms(lifecycle: LifeCycle) -> None:
    assert scxml.read(scxml.write(lifecycle)) == lifecycle
    assert json_form.read(json_form.write(lifecycle)) == lifecycle


def test_the_published_documents_are_the_five_of_all_eras() -> None:
    # None where the reference data is not beside the checkout.
    assert len(PUBLISHED) in (0, 5)
    for path in PUBLISHED:
        lifecycle = read(path.read_bytes())
        assert lifecycle.name == "APILifeCycle"
        assert lifecycle.initial == "Created"
        edges = {(n.id, t.event, t.target) for n in lifecycle.states for t in n.transitions}
        assert edges == {
            (n.id, t.event, t.target) for n in scxml.default().states for t in n.transitions
        }


def test_the_variant_of_the_documentation_is_read() -> None:
    lifecycle = read((OWN / "as-documented.xml").read_bytes())

    assert lifecycle.initial == "Created"
    for event in ("Demote to Prototyped", "Deploy as a Prototype", "DEMOTE to prototyped"):
        taken = step(lifecycle, "PUBLISHED", event, {}, ("Internal/publisher",))
        assert taken.state == "Prototyped"
    publish = lifecycle.states[0].transitions[0]
    assert [item.name for item in publish.items] == [
        "Deprecate Old Versions",
        "Require Re-Subscription",
    ]


def test_a_customised_document_keeps_all_it_says() -> None:
    lifecycle = read((OWN / "reviewed.scxml").read_bytes())
    review = lifecycle.state("IN REVIEW")
    deprecated = lifecycle.state("DEPRECATED")
    assert review is not None
    assert deprecated is not None
    publish, reject = review.transitions
    retire, notify = deprecated.transitions

    assert review.behaviour == Behaviour(listed=True, access=Access.NONE, kept_in_sight=True)
    assert publish.roles == ("reviewer", "Internal/publisher")
    assert reject.roles == ("reviewer",)
    assert [item.required_for for item in review.items] == [("Publish",), ("Publish",), (), ()]
    assert review.items[1].roles == ("security",)
    assert notify.approval == Approval()
    assert retire.approval is None
    assert [run.executor for run in retire.executions] == [BUILT_IN]
    assert [run.executor for run in notify.executions] == [BUILT_IN, "Notify"]
    assert notify.executions[1].parameters["text"].split("\n") == [
        "Dear subscriber,",
        "",
        "this API is retired & gone.",
    ]


def test_a_tenants_json_keeps_all_it_says() -> None:
    lifecycle = read((OWN / "tenant.json").read_bytes())
    created = lifecycle.state("created")
    archived = lifecycle.state("archived")
    assert created is not None
    assert archived is not None

    # 4.x does not name where an API begins; it means Created, wherever that stands.
    assert lifecycle.initial == "Created"
    assert [run.executor for run in created.transitions[1].executions] == [BUILT_IN]
    assert lifecycle.states[0].transitions[0].executions == ()
    assert created.transitions[0].approval == Approval(("lead",))
    assert archived.behaviour == Behaviour(access=Access.BLOCKED, kept_in_sight=True)


def test_what_4x_can_say_is_written_as_4x_says_it() -> None:
    document = {
        "States": [
            {
                "State": "Created",
                "CheckItems": ["Deprecate old versions after publishing the API"],
                "Transitions": [{"Event": "Publish", "Target": "Published"}],
            },
            {"State": "Published"},
        ]
    }
    lifecycle = json_form.read(json.dumps(document).encode())

    assert json.loads(json_form.write(lifecycle)) == document


def test_a_bare_chart_and_other_encodings_are_read() -> None:
    bare = (
        '<scxml xmlns="http://www.w3.org/2005/07/scxml" name="APILifeCycle" initial="a">'
        '<state id="Ä"/><state id="A"/><final id="End"/></scxml>'
    )
    for encoding in ("utf-8", "utf-16", "utf-8-sig"):
        lifecycle = scxml.read(bare.encode(encoding))
        assert (lifecycle.name, lifecycle.initial) == ("APILifeCycle", "A")
        assert [node.id for node in lifecycle.states] == ["Ä", "A", "End"]
    assert json_form.read(b'\xef\xbb\xbf{"States":[{"State":"A"}]}').initial == "A"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not well-formed JSON"),
        ("[]", "no object with a list 'States'"),
        ('{"States": {}}', "no object with a list 'States'"),
        ('{"States": []}', "there is no state"),
        ('{"States": [1]}', "line 1: 'States' holds something that is no object"),
        ('{"States":\n[\n{"State": 5}]}', "line 3: 'State' is not a text"),
        ('{"States":[\n{"State":"A","Stat":"B"}]}', "line 2: a state has a field 'Stat'"),
        ('{"States":[\n{"State":"A","State":"B"}]}', "line 2: an object has the same field twice"),
        (
            '{"States":[{"State":"A","Transitions":[{"Event":"e","Target":"A"},\n'
            '{"Event":"f",\n"Target":"B", "Executions":[{"Class":\n"{{\\"}"}]}]}]}',
            "line 2: 'f' leads to 'B', which is no state",
        ),
        ('{"States":[{"State":"A","CheckItems":[5]}]}', "neither a text nor an object"),
        (
            '{"States":[{"State":"A","CheckItems":[{"Name":"x","Value":"true"}]}]}',
            "'Value' is not true or false",
        ),
        ('{"States":[{"State":"A,B"}]}', "a comma"),
        ('{"States":[{"State":"A\\u0000"}]}', "cannot be printed"),
        ('{"States":[{"State":"\\ud800"}]}', "cannot be printed"),
        (
            '{"States":[{"State":"A","Transitions":[{"Event":"e","Target":"A","Roles":["a,b"]}]}]}',
            "the name of a role has a comma",
        ),
        (
            '{"States":[{"State":"A","Transitions":[{"Event":"e","Target":"A","Executions":'
            '[{"Class":"c","Parameters":{"p":"\\u0001"}}]}]}]}',
            "a character that XML lacks",
        ),
        (
            '{"States":[{"State":"A","Transitions":[{"Event":"e","Target":"A","Executions":'
            '[{"Class":"c","Parameters":{"p":5}}]}]}]}',
            "the parameter 'p' is not a text",
        ),
        ('{"States":[{"State":"A","Behaviour":{"listed":1}}]}', "'1', not true or false"),
    ],
)
def test_wrong_json_is_refused_saying_why(text: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        json_form.read(text.encode())

    assert says in str(refusal.value)
    assert {problem.field for problem in refusal.value.problems} == {"lifecycle"}


def test_huge_json_is_refused_unread() -> None:
    with pytest.raises(TooLarge):
        json_form.read(b'{"States":[{"State":"A"}]}' + b" " * scxml.MAX_BYTES)
