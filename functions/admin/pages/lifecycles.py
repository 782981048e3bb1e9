"""The pages of a tenant's life cycles: versions, one of them with its states and source, a new one
with everything that is wrong with it, a comparison, and putting one in force.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.bodies.lifecycles import id_of, number_of
from functions.admin.pages import ADMIN_SCOPE, PAGES
from functions.admin.pages.sources import changed_lines, source_lines
from functions.admin.wiring import Wiring
from portico.domain.behaviour import HIDDEN, STANDARD, Behaviour
from portico.domain.errors import Conflict, InvalidInput, NotFound, PorticoError
from portico.domain.user import Caller
from portico.lifecycle.findings import Finding
from portico.lifecycle.labels import Texts
from portico.lifecycle.model import BUILT_IN, LifeCycle, StateNode
from portico.services.lifecycle_texts import labels_text
from portico.services.lifecycles import Lifecycles
from portico.services.tenant_config import DEPRECATE_OLD_VERSIONS
from portico.web.diagrams import Arrow, Drawing, Node, draw
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import Part, json_of, multipart, query, wired

router = Router()
HERE = "/lifecycles"
MAP = "map:"  # prefix of the fields that say where APIs of a state go


@router.get("/lifecycles")
def show_all() -> Response[str]:
    return _list(visitor(router, ADMIN_SCOPE))


@router.get("/lifecycles/new")
def ask_for_new() -> Response[str]:
    """The editor, with the text of a version (`from`) or of the one in force."""
    caller, wanted = visitor(router, ADMIN_SCOPE), query(router, "from")
    number = number_of(wanted) if wanted else _service().choice(caller.tenant).active
    shown = _service().show(caller.tenant, number)
    given = {"document": shown.document, "labels": labels_text(shown.labels), "comment": ""}
    return _editor(caller, given, base=id_of(number))


@router.post("/lifecycles/new")
def create() -> Response[str]:
    """Check the document, and keep it as a version if that is what was pressed."""
    caller, fields = visitor(router, ADMIN_SCOPE), multipart(router)
    content = _document(fields)
    given = {
        "document": content.decode(errors="replace"),
        "labels": _text(fields, "labels"),
        "comment": _text(fields, "comment").strip(),
    }
    base = _text(fields, "base") or id_of(0)
    try:
        texts = _labels(given["labels"])
        if _text(fields, "action") != "save":
            found = _service().validate(caller.tenant, content, texts).findings
            return _editor(caller, given, base, findings=found, checked=True)
        version = _service().save(caller, content, texts, given["comment"])
    except PorticoError as exc:
        findings = _findings(caller, content)
        return _editor(caller, given, base, findings=findings, problem=exc)
    return redirect(f"{HERE}/{version.number}")


@router.post("/lifecycles/roll-back")
def roll_back() -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    try:
        wired(router, Wiring).activating.roll_back(caller, _mapping(fields), _stamp(fields))
    except Conflict as exc:
        former = _service().choice(caller.tenant).former
        # Its page asks where the APIs go.
        return _version(caller, former[-1], exc) if former else _list(caller, exc)
    except PorticoError as exc:
        return _list(caller, exc)
    wired(router, Wiring).lifecycle.work_outbox()
    return redirect(HERE)


@router.post("/lifecycles/settings")
def change_settings() -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    config = wired(router, Wiring).config
    ticked = {DEPRECATE_OLD_VERSIONS: DEPRECATE_OLD_VERSIONS in fields}
    config.change(caller, {**config.show(caller.tenant), **ticked})
    return redirect(HERE)


@router.get("/lifecycles/<lifecycle_id>")
def show(lifecycle_id: str) -> Response[str]:
    return _version(visitor(router, ADMIN_SCOPE), number_of(lifecycle_id))


@router.get("/lifecycles/<lifecycle_id>/diff")
def compare(lifecycle_id: str) -> Response[str]:
    caller, given = visitor(router, ADMIN_SCOPE), query(router, "from")
    old = number_of(given) if given else _service().choice(caller.tenant).active
    new = number_of(lifecycle_id)
    return PAGES.show(
        "lifecycle-diff.html",
        caller,
        here=HERE,
        old=id_of(old),
        new=id_of(new),
        versions=[id_of(one.number) for one in _service().list(caller.tenant)],
        lines=changed_lines(_service().compare(caller.tenant, old, new)),
    )


@router.post("/lifecycles/<lifecycle_id>/activate")
def activate(lifecycle_id: str) -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    number = number_of(lifecycle_id)
    try:
        wired(router, Wiring).activating.activate(caller, number, _mapping(fields), _stamp(fields))
    except NotFound:
        raise
    except PorticoError as exc:
        return _version(caller, number, exc)
    wired(router, Wiring).lifecycle.work_outbox()
    return redirect(HERE)


def _list(caller: Caller, problem: PorticoError | None = None) -> Response[str]:
    service = _service()
    choice = service.choice(caller.tenant)
    return PAGES.show(
        "lifecycles.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here=HERE,
        versions=service.list(caller.tenant),
        choice=choice,
        id_of=id_of,
        moment=_moment,
        back=choice.former[-1] if choice.former else None,
        homeless=service.homeless(caller.tenant, service.current(caller.tenant)),
        setting=DEPRECATE_OLD_VERSIONS,
        ticked=wired(router, Wiring).config.show(caller.tenant)[DEPRECATE_OLD_VERSIONS],
        problem=problem,
    )


def _version(caller: Caller, number: int, problem: PorticoError | None = None) -> Response[str]:
    service = _service()
    shown, choice = service.show(caller.tenant, number), service.choice(caller.tenant)
    homeless = service.homeless(caller.tenant, shown.lifecycle)
    return PAGES.show(
        "lifecycle.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here=HERE,
        id=id_of(number),
        version=shown.version,
        lifecycle=shown.lifecycle,
        choice=choice,
        active=number == choice.active,
        active_id=id_of(choice.active),
        homeless=homeless,
        lines=source_lines(shown.document),
        labels=shown.labels,
        drawing=_drawing(shown.lifecycle),
        behaviour_of=_behaviour,
        built_in=BUILT_IN,
        moment=_moment,
        problem=problem,
    )


def _editor(
    caller: Caller,
    given: Mapping[str, str],
    base: str,
    findings: Sequence[Finding] = (),
    problem: PorticoError | None = None,
    *,
    checked: bool = False,
) -> Response[str]:
    return PAGES.show(
        "lifecycle-new.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here=HERE,
        given=given,
        base=base,
        findings=findings,
        checked=checked,
        lines=source_lines(given["document"], {one.line for one in findings}) if findings else (),
        problem=problem,
    )


def _findings(caller: Caller, content: bytes) -> Sequence[Finding]:
    """What there is to say of a document, also when it is refused as a whole."""
    try:
        return _service().validate(caller.tenant, content).findings
    except PorticoError:
        return ()


def _document(fields: Mapping[str, Part]) -> bytes:
    """The file if one was chosen, else the text as typed; browsers send lines ended by CR LF."""
    file = fields.get("file")
    if file and file.content:
        return file.content
    text = fields.get("document")
    return text.content.replace(b"\r\n", b"\n") if text else b""


def _text(fields: Mapping[str, Part], name: str) -> str:
    part = fields.get(name)
    return part.text if part else ""


def _labels(text: str) -> Texts:
    """Labels as typed. Raises InvalidInput naming line and column, or what is not a text."""
    value = json_of(text.encode(), "labels")
    if not isinstance(value, dict) or not all(
        isinstance(keys, dict) and all(isinstance(one, str) for one in keys.values())
        for keys in value.values()
    ):
        raise InvalidInput.of("labels", 'must look like {"en": {"publish": "Publish"}}')
    return value


def _mapping(fields: Mapping[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(MAP): value
        for name, value in fields.items()
        if name.startswith(MAP) and value
    }


def _stamp(fields: Mapping[str, str]) -> int | None:
    text = fields.get("stamp", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _behaviour(node: StateNode) -> Behaviour:
    return node.behaviour or STANDARD.get(node.id.upper(), HIDDEN)


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _drawing(lifecycle: LifeCycle) -> Drawing:
    nodes = [
        Node(node.id, node.id, [Arrow(one.event, one.target) for one in node.transitions])
        for node in lifecycle.states
    ]
    return draw(nodes, lifecycle.initial, "")


def _service() -> Lifecycles:
    return wired(router, Wiring).lifecycles
