"""REST scopes: every one that the contracts know, and whose it is."""

import csv
import json
from pathlib import Path

import pytest

from portico.domain.scopes import REST_SCOPES, rest_scopes, scopes_of_roles
from portico.domain.user import ADMIN, CREATOR, EVERYONE, PUBLISHER, SUBSCRIBER
from portico.web.contract import contract


@pytest.mark.parametrize("name", ["publisher", "devportal", "admin"])
def test_every_scope_of_a_contract_is_somebodys(name: str) -> None:
    wanted = {scope for operation in contract(name).operations for scope in operation.scopes}

    assert wanted
    assert wanted <= set(REST_SCOPES)


def test_an_administrator_may_have_them_all() -> None:
    assert scopes_of_roles([ADMIN]) == set(REST_SCOPES)


@pytest.mark.parametrize(
    ("roles", "asked", "granted"),
    [
        ([CREATOR], "apim:api_create apim:api_publish", "apim:api_create"),
        ([PUBLISHER], "apim:api_create apim:api_publish", "apim:api_publish"),
        ([SUBSCRIBER], "apim:subscribe apim:app_manage apim:api_view",
         "apim:subscribe apim:app_manage"),
        ([CREATOR, SUBSCRIBER], "apim:api_view apim:subscribe", "apim:api_view apim:subscribe"),
        ([EVERYONE], "apim:api_view apim:subscribe", ""),
        ([], "apim:api_view", ""),
        ([CREATOR], "apim:admin apim:no_such_scope", ""),
    ],
)  # fmt: skip
def test_roles_decide(roles: list[str], asked: str, granted: str) -> None:
    assert rest_scopes(asked.split(), roles) == set(granted.split())


def test_wso2s_own_defaults_are_ours(wso2: Path) -> None:
    """Compared where WSO2's files lie beside the checkout; a few of its scopes stand for sure."""
    assert REST_SCOPES["apim:api_publish"] == {ADMIN, PUBLISHER}
    defaults = wso2 / "conf" / "tenant-conf_4.7.json"
    if not defaults.exists():
        return
    for one in json.loads(defaults.read_text())["RESTAPIScopes"]["Scope"]:
        if one["Name"] in REST_SCOPES:
            roles = {role.strip() for role in one["Roles"].split(",")} | {ADMIN}
            assert REST_SCOPES[one["Name"]] == roles, one["Name"]
    with (wso2 / "rest" / "operations.tsv").open() as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["spec"][:3] == "4.x"]
    scopes = {scope.strip() for row in rows for scope in row["scopes"].split(",")}
    assert {scope for scope in scopes if scope.startswith("apim:")} <= set(REST_SCOPES)
