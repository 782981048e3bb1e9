"""A life cycle as WSO2's dialect of SCXML. The reader gives back an equal one."""

from collections.abc import Callable

from lxml import etree

from portico.domain.behaviour import Behaviour
from portico.lifecycle.draft import FLAGS
from portico.lifecycle.model import CheckItem, Execution, LifeCycle, StateNode, Transition

NAMESPACE = "http://www.w3.org/2005/07/scxml"
SCXML = f"{{{NAMESPACE}}}"
# The class that WSO2 API Manager 1.x wants on the outermost element.
_ASPECT = "org.wso2.carbon.governance.registry.extensions.aspects.DefaultLifeCycle"


def write(lifecycle: LifeCycle) -> bytes:
    """The document, UTF-8, indented."""
    aspect = etree.Element("aspect", {"name": lifecycle.name, "class": _ASPECT})
    configuration = etree.SubElement(aspect, "configuration", {"type": "literal"})
    chart = etree.SubElement(
        etree.SubElement(configuration, "lifecycle"),
        f"{SCXML}scxml",
        {"version": "1.0", "initialstate": lifecycle.initial},
        nsmap={None: NAMESPACE},
    )
    for node in lifecycle.states:
        _state(chart, node)
    etree.indent(aspect, "  ")
    return etree.tostring(aspect, xml_declaration=True, encoding="UTF-8")


def _state(chart: etree._Element, node: StateNode) -> None:
    element = _add(chart, "state", id=node.id)
    data = etree.SubElement(element, f"{SCXML}datamodel")
    if node.items:
        entries = _add(data, "data", name="checkItems")
        for item in node.items:
            _item(entries, item)
    _permissions(data, node)
    _approvals(data, node)
    _executions(data, node)
    if node.behaviour:
        _add(data, "data", name="behaviour", **_behaviour(node.behaviour))
    if not len(data):
        element.remove(data)
    for transition in node.transitions:
        _add(element, "transition", event=transition.event, target=transition.target)


def _item(entries: etree._Element, item: CheckItem) -> None:
    attributes = {"name": item.name, "forEvent": ",".join(item.required_for)}
    if item.offered_for:
        attributes["offeredFor"] = ",".join(item.offered_for)
    if item.value:
        attributes["value"] = "true"
    element = _add(entries, "item", **attributes)
    if item.roles:
        _add(_add(element, "permissions"), "permission", roles=",".join(item.roles))


def _permissions(data: etree._Element, node: StateNode) -> None:
    if not any(transition.roles for transition in node.transitions):
        return
    entries = _add(data, "data", name="transitionPermission")
    for event, transition in _by_event(node, lambda found: found.roles):
        if transition.roles:
            _add(entries, "permission", forEvent=event, roles=",".join(transition.roles))


def _approvals(data: etree._Element, node: StateNode) -> None:
    if not any(transition.approval for transition in node.transitions):
        return
    entries = _add(data, "data", name="transitionApproval")
    for event, transition in _by_event(node, lambda found: found.approval):
        if transition.approval:
            roles = transition.approval.roles
            _add(
                entries, "approval", forEvent=event, **({"roles": ",".join(roles)} if roles else {})
            )


def _executions(data: etree._Element, node: StateNode) -> None:
    if not any(transition.executions for transition in node.transitions):
        return
    entries = _add(data, "data", name="transitionExecution")
    for event, transition in _by_event(node, lambda found: found.executions):
        for execution in transition.executions:
            _execution(entries, event, execution)


def _execution(entries: etree._Element, event: str, execution: Execution) -> None:
    element = _add(entries, "execution", forEvent=event, **{"class": execution.executor})
    for name, value in execution.parameters.items():
        _add(element, "parameter", name=name, value=value)


def _behaviour(behaviour: Behaviour) -> dict[str, str]:
    flags = {
        name: str(getattr(behaviour, attribute)).lower()
        for name, attribute in FLAGS.items()
        if getattr(behaviour, attribute) != getattr(Behaviour(), attribute)
    }
    return {**flags, "access": str(behaviour.access)}


def _by_event(
    node: StateNode, part: Callable[[Transition], object]
) -> list[tuple[str, Transition]]:
    """A transition of each kind, with the events alike in this part as `forEvent`."""
    groups: list[list[Transition]] = []
    for found in node.transitions:
        alike = next((group for group in groups if part(group[0]) == part(found)), None)
        if alike is None:
            groups.append([found])
        else:
            alike.append(found)
    if len(groups) == 1:
        return [("", groups[0][0])]
    return [(",".join(found.event for found in group), group[0]) for group in groups]


def _add(parent: etree._Element, tag: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{SCXML}{tag}", attributes)
