"""Executions of a customised document: in turn, seen, tried again, and nothing twice in effect."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from functions.lifecycle.executors.execution import Carrier, Execution, Job
from functions.lifecycle.executors.notify import PAGE, Notify
from functions.lifecycle.executors.webhook import Webhook
from functions.lifecycle.wiring import Wiring, wire
from portico.domain.api import Api, NameClaim, card_of
from portico.domain.application import Application, Subscription
from portico.domain.errors import InvalidInput, NotFound, TransitionRefused, Unavailable
from portico.domain.executions import ExecutionResult
from portico.domain.records import Create
from portico.domain.user import Caller, User
from portico.lifecycle import scxml
from portico.lifecycle.model import LifeCycle
from portico.services.executing import Executing
from portico.services.subscribing import Subscribing
from tests.fakes import (
    FakeClock,
    FakeDocuments,
    FakeMailer,
    FakePoster,
    FakeRecords,
    FakeRoutes,
    FakeSchedules,
)

TENANT = "carbon.super"
JANE = Caller(TENANT, "jane", ("Internal/publisher",))
DEFAULT = Path(scxml.__file__).with_name("default.scxml").read_text()
RETIRE = '<transition event="Retire" target="Retired"/>'
# The example that WSO2's documentation gives: an event of one's own from Deprecated to Retired.
NOTIFY_USERS = '<transition event="Notify Users" target="Retired"/>'


def document(*executions: str) -> LifeCycle:
    """The default life cycle with "Notify Users" in Deprecated, and what it executes."""
    start, _, end = DEFAULT.partition('<state id="Deprecated">')
    end = end.replace(RETIRE, RETIRE + NOTIFY_USERS, 1)
    end = end.replace(
        "</data>\n          </datamodel>", f"{''.join(executions)}</data></datamodel>", 1
    )
    end = end.replace('forEvent="" class', 'forEvent="Retire" class', 1)
    return scxml.read(f'{start}<state id="Deprecated">{end}'.encode())


def execution(name: str, **parameters: str) -> str:
    inner = "".join(f'<parameter name="{k}" value="{v}"/>' for k, v in parameters.items())
    return f'<execution forEvent="Notify Users" class="{name}">{inner}</execution>'


@dataclass
class World:
    lifecycle: LifeCycle = field(default_factory=document)
    records: FakeRecords = field(default_factory=FakeRecords)
    documents: FakeDocuments = field(default_factory=FakeDocuments)
    clock: FakeClock = field(default_factory=FakeClock)
    mailer: FakeMailer = field(default_factory=FakeMailer)
    poster: FakePoster = field(default_factory=FakePoster)
    more: dict[str, Carrier] = field(default_factory=dict)

    @property
    def wired(self) -> Wiring:
        carriers: dict[str, Carrier] = {
            "Notify": Notify(self.records, self.documents, self.clock, self.mailer),
            "Webhook": Webhook(self.poster, lambda: b"key", self.clock),
            **self.more,
        }
        wired = wire(
            self.records,
            self.documents,
            self.clock,
            FakeRoutes(),
            FakeSchedules(),
            execution=Execution(carriers),
        )
        ours = replace(wired.transitions, lifecycle_of=lambda _: self.lifecycle)
        return replace(wired, transitions=ours)

    @property
    def executing(self) -> Executing:
        return Executing(self.records, self.documents, self.clock)

    def deprecated(self, subscribers: int = 2) -> Api:
        api = Api(
            tenant=TENANT,
            id="pizza",
            name="Pizza",
            version="1.0.0",
            context="/pizza",
            provider="jane",
            production_endpoint="https://pizza.example",
            policies=("Gold",),
        )
        claim = NameClaim(tenant=TENANT, name="pizza", version="1.0.0", api_id=api.id)
        self.records.commit(Create(api), Create(card_of(api)), Create(claim))
        self.go(api, "Publish")
        for n in range(subscribers):
            self.subscribe(api, f"dan{n}", f"dan{n}@example.org")
        self.go(api, "Deprecate")
        self.work()
        return api

    def subscribe(self, api: Api, name: str, email: str) -> None:
        application = Application(
            tenant=TENANT, owner=name, id=f"app-{name}", number=1, name="Phone", policy="Unlimited"
        )
        user = User(tenant=TENANT, name=name, id=name, password="-", email=email)
        self.records.commit(Create(application), Create(user))
        caller = Caller(TENANT, name, ("Internal/subscriber",))
        Subscribing(self.records, self.clock).subscribe(caller, application.id, api.id, "Gold")

    def go(self, api: Api, event: str) -> Api:
        self.clock.pass_by(1)
        return self.wired.transitions.change(JANE, api.id, event, {}).api

    def work(self, seconds: float = 30) -> None:
        self.wired.outbox.work(self.clock.now() + seconds)

    def results(self, api: Api) -> list[tuple[str, str, str]]:
        found = self.executing.of_api(JANE, api.id)
        return [(one.executor, one.standing, one.reason) for one in found]


def test_without_an_execution_the_event_only_retires() -> None:
    world = World(document())
    api = world.deprecated()
    assert world.go(api, "notify users").state == "RETIRED"
    world.work()
    assert world.results(api) == [("close-subscriptions", "done", "")]
    assert world.mailer.mails == {}
    assert world.records.list(Subscription, by="api", tenant=TENANT, api_id=api.id) == []


def test_notify_users_mails_every_subscriber_before_the_subscriptions_close() -> None:
    world = World(document(execution("Notify", subject="$api ends", text="Dear $name: $state")))
    api = world.deprecated(subscribers=PAGE + 3)
    world.go(api, "Notify Users")
    assert world.results(api) == [
        ("close-subscriptions", "pending", ""),
        ("Notify", "pending", ""),
    ]
    world.work()

    assert [one[1] for one in world.results(api)] == ["done", "done"]
    assert len(world.mailer.sent) == PAGE + 3
    assert sorted(world.mailer.sent) == sorted(f"dan{n}@example.org" for n in range(PAGE + 3))
    (mail,) = [mail for mail in world.mailer.mails.values() if mail.to == "dan0@example.org"]
    assert (mail.subject, mail.text) == ("Pizza ends", "Dear dan0: RETIRED")
    assert world.records.list(Subscription, by="api", tenant=TENANT, api_id=api.id) == []


def test_a_failing_mail_is_sent_later_and_the_others_once() -> None:
    world = World(document(execution("Notify")))
    api = world.deprecated(subscribers=4)
    world.mailer.failing = {"dan2@example.org": [Unavailable("slow down")]}
    world.go(api, "Notify Users")
    world.work()
    assert world.results(api)[1] == ("Notify", "failed", "Unavailable: slow down")

    world.clock.pass_by(60)
    world.work()
    assert world.results(api)[1] == ("Notify", "done", "")
    assert sorted(world.mailer.sent) == [f"dan{n}@example.org" for n in range(4)]


def test_an_address_that_is_none_holds_up_nobody() -> None:
    world = World(document(execution("Notify")))
    api = world.deprecated(subscribers=3)
    world.mailer.failing = {"dan0@example.org": [InvalidInput("no address")]}
    world.go(api, "Notify Users")
    world.work()
    assert world.results(api)[1] == ("Notify", "done", "")
    assert world.mailer.sent == ["dan1@example.org", "dan2@example.org"]


def test_a_worker_that_dies_between_mails_goes_on_where_it_was() -> None:
    class Killed(BaseException):
        pass

    world = World(document(execution("Notify")))
    api = world.deprecated(subscribers=3)
    world.mailer.failing = {"dan1@example.org": [Killed()]}
    world.go(api, "Notify Users")
    with pytest.raises(Killed):
        world.work()
    world.clock.pass_by(120)
    world.work()
    assert sorted(world.mailer.sent) == [f"dan{n}@example.org" for n in range(3)]


def test_a_template_cannot_reach_into_the_mail_header() -> None:
    world = World(document(execution("Notify", subject="$api&#10;Bcc: $unknown")))
    api = world.deprecated(subscribers=1)
    world.go(api, "Notify Users")
    world.work()
    (mail,) = world.mailer.mails.values()
    assert mail.subject == "Pizza Bcc: $unknown"


def test_a_webhook_is_signed_and_repeats_its_id() -> None:
    world = World(document(execution("Webhook", url="https://hooks.example/x")))
    api = world.deprecated()
    world.poster.failing = [Unavailable("The webhook answered 503")]
    world.go(api, "Notify Users")
    world.work()
    assert world.results(api)[1] == ("Webhook", "failed", "Unavailable: The webhook answered 503")
    world.clock.pass_by(60)
    world.work()

    first, second = world.poster.posts
    assert first[1]["X-Portico-Execution"] == second[1]["X-Portico-Execution"]
    url, headers, body = second
    signed = headers["X-Portico-Timestamp"].encode() + b"." + body
    expected = hmac.new(b"key", signed, hashlib.sha256).hexdigest()
    assert (url, headers["X-Portico-Signature"]) == (
        "https://hooks.example/x",
        f"sha256={expected}",
    )
    told = json.loads(body)
    assert told["id"] == headers["X-Portico-Execution"]
    assert (told["event"], told["from"], told["to"]) == ("Notify Users", "DEPRECATED", "RETIRED")
    assert told["api"]["name"] == "Pizza"


def test_later_executions_of_an_api_wait_for_earlier_ones_and_hold_up_nothing_inside() -> None:
    seen: list[str] = []

    def record(job: Job) -> None:
        seen.append(str(job.parameters["n"]))

    world = World(
        document(
            execution("Webhook", url="https://hooks.example/x"),
            execution("SNS", topic="t", n="2"),
        ),
        more={"SNS": record},
    )
    api = world.deprecated()
    world.poster.failing = [Unavailable("down"), Unavailable("down")]
    world.go(api, "Notify Users")
    world.work()
    assert [one[1] for one in world.results(api)] == ["done", "failed", "pending"]
    assert seen == []
    # The subscriptions were closed although the webhook is down.
    assert world.records.list(Subscription, by="api", tenant=TENANT, api_id=api.id) == []

    world.clock.pass_by(3600)
    world.work()
    world.clock.pass_by(3600)
    world.work()
    assert [one[1] for one in world.results(api)] == ["done", "done", "done"]
    assert seen == ["2"]


def test_a_person_has_an_execution_tried_again_or_gives_it_up() -> None:
    world = World(
        document(
            execution("Webhook", url="https://hooks.example/x"),
            execution("Notify"),
        )
    )
    api = world.deprecated()
    world.poster.failing = [Unavailable("down"), Unavailable("down")]
    world.go(api, "Notify Users")
    world.work()
    webhook = world.executing.of_api(JANE, api.id)[1]

    again = world.executing.retry(JANE, api.id, webhook.id)
    assert (again.standing, again.attempts) == ("pending", 1)
    world.work()
    assert world.results(api)[1][:2] == ("Webhook", "failed")
    assert world.mailer.sent == []

    world.executing.skip(JANE, api.id, webhook.id)
    world.work()
    assert [one[1] for one in world.results(api)] == ["done", "skipped", "done"]
    assert len(world.mailer.sent) == 2
    with pytest.raises(NotFound):
        world.executing.retry(JANE, api.id, webhook.id)
    with pytest.raises(NotFound):
        world.executing.retry(Caller("acme.com", "eve"), api.id, webhook.id)


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (execution("com.example.Mailer"), r"com\.example\.Mailer"),
        (execution("Webhook"), "needs a 'url'"),
        (execution("Lambda"), "needs a 'function'"),
    ],
)
def test_what_could_never_be_carried_out_is_refused(wanted: str, why: str) -> None:
    world = World(document(wanted))
    api = world.deprecated()
    with pytest.raises(TransitionRefused, match=why):
        world.go(api, "Notify Users")
    found = world.records.get(Api, tenant=TENANT, id=api.id)
    assert found
    assert found.state == "DEPRECATED"


def test_results_belong_to_the_transition_that_asked() -> None:
    world = World(document(execution("Notify")))
    api = world.deprecated()
    world.go(api, "Notify Users")
    history = world.wired.transitions.history(JANE, api.id)[-1]
    results = world.records.list(ExecutionResult, tenant=TENANT, api_id=api.id)
    assert {one.order for one in results} == {history.order}
