"""Reads template.yaml as plain data: `!Ref X` is {"Ref": "X"}, `!GetAtt X` {"Fn::GetAtt": "X"}."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]


class _Loader(yaml.SafeLoader):
    """Safe, with CloudFormation's short tags."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


@cache
def template() -> dict[str, Any]:
    """The whole template."""
    # The loader is a subclass of the safe one.
    content = yaml.load((ROOT / "template.yaml").read_text(), Loader=_Loader)  # noqa: S506
    assert isinstance(content, dict)
    return content


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """Properties of all resources of a type, by logical id."""
    return {
        name: resource["Properties"]
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def functions() -> dict[str, dict[str, Any]]:
    """Properties of all functions, by logical id."""
    return resources("AWS::Serverless::Function")


def variables(function: str) -> dict[str, Any]:
    """A function's own environment variables with those it has from Globals."""
    common = template()["Globals"]["Function"]["Environment"]["Variables"]
    return {**common, **functions()[function]["Environment"]["Variables"]}


def statements(role: str) -> list[tuple[set[str], list[Any]]]:
    """Actions and resources of each statement of a role."""
    (policy,) = resources("AWS::IAM::Role")[role]["Policies"]
    return [
        (set(_many(statement["Action"])), _many(statement["Resource"]))
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def target(value: Any) -> str:
    """What a resource of a statement names: `AccessTable.Arn`, `${Bucket.Arn}/*`."""
    if isinstance(value, dict):
        ((function, argument),) = value.items()
        assert function in {"Fn::GetAtt", "Fn::Sub", "Ref"}
        return str(argument)
    return str(value)


def actions_on(role: str, wanted: str) -> set[str]:
    """All that a role may do with a resource."""
    return {
        action
        for actions, named in statements(role)
        if wanted in {target(one) for one in named}
        for action in actions
    }
