"""Roles as groups by SCIM 2.0, through the handler."""

import uuid
from typing import Any
from urllib.parse import urlencode

import pytest

from portico.domain.user import User
from tests.conftest import Aws
from tests.functions.admin.conftest import TENANT, Answer, Client, basic
from tests.functions.admin.test_scim import GROUP, PATCH, assert_error, create, draft

PATH = "/scim2/Groups"


def group(client: Client, **more: Any) -> Answer:
    body = {"schemas": [GROUP], "displayName": f"g{uuid.uuid4().hex[:8]}", **more}
    return client.call("POST", PATH, body)


def patch(client: Client, group_id: str, *operations: dict[str, Any]) -> Answer:
    body = {"schemas": [PATCH], "Operations": list(operations)}
    return client.call("PATCH", f"{PATH}/{group_id}", body)


def names(answer: Answer) -> set[str]:
    return {member["value"] for member in answer.json.get("members", [])}


def roles(aws: Aws, made: Any) -> tuple[str, ...]:
    user = aws.records.get(User, tenant=TENANT, name=made["userName"])
    assert user is not None
    return user.roles


def test_a_groups_life(client: Client, aws: Aws) -> None:
    ann, ben = create(client).json, create(client).json
    made = group(client, members=[{"value": ann["id"]}])
    assert made.status == 201, made.text
    group_id, name = made.json["id"], made.json["displayName"]
    assert made.headers["location"].endswith(f"{PATH}/{group_id}")
    assert names(made) == {ann["id"]}
    assert name in roles(aws, ann)
    assert client.call("GET", f"{PATH}/{group_id}").json == made.json
    told = client.call("GET", f"/scim2/Users/{ann['id']}").json["groups"]
    assert name in [one["display"] for one in told]

    body = {"schemas": [GROUP], "displayName": name, "members": [{"value": ben["id"]}]}
    changed = client.call("PUT", f"{PATH}/{group_id}", body)
    assert (changed.status, names(changed)) == (200, {ben["id"]}), changed.text
    assert name not in roles(aws, ann)
    assert name in roles(aws, ben)

    assert client.call("DELETE", f"{PATH}/{group_id}").status == 204
    assert name not in roles(aws, ben)
    assert_error(client.call("GET", f"{PATH}/{group_id}"), 404)


def test_a_renamed_group_keeps_its_id_and_its_members(client: Client, aws: Aws) -> None:
    ann = create(client).json
    made = group(client, members=[{"value": ann["id"]}]).json
    new = f"n{uuid.uuid4().hex[:8]}"

    changed = patch(client, made["id"], {"op": "replace", "path": "displayName", "value": new})

    assert (changed.status, changed.json["id"], changed.json["displayName"]) == (
        200,
        made["id"],
        new,
    ), changed.text
    assert names(changed) == {ann["id"]}
    assert new in roles(aws, ann)
    assert made["displayName"] not in roles(aws, ann)
    again = client.call("GET", PATH, query=urlencode({"filter": f'displayName eq "{new}"'}))
    assert [one["id"] for one in again.json["Resources"]] == [made["id"]]


def test_members_come_and_go_by_patch(client: Client) -> None:
    people = [create(client).json["id"] for _ in range(3)]
    made = group(client, members=[{"value": people[0]}]).json

    added = patch(
        client,
        made["id"],
        {"op": "add", "path": "members", "value": [{"value": one} for one in people[1:]]},
    )
    assert names(added) == set(people), added.text
    removed = patch(
        client, made["id"], {"op": "remove", "path": f'members[value eq "{people[0]}"]'}
    )
    assert names(removed) == set(people[1:]), removed.text
    # As Microsoft's clients write it.
    gone = patch(
        client, made["id"], {"op": "remove", "path": "members", "value": [{"value": people[1]}]}
    )
    assert names(gone) == {people[2]}, gone.text
    assert names(patch(client, made["id"], {"op": "remove", "path": "members"})) == set()


def test_the_groups_of_every_deployment_are_there_and_stay(client: Client) -> None:
    found = client.call("GET", PATH).json["Resources"]
    admin = next(one for one in found if one["displayName"] == "admin")
    assert "Internal/publisher" in [one["displayName"] for one in found]
    assert_error(client.call("DELETE", f"{PATH}/{admin['id']}"), 409)
    assert_error(
        patch(client, admin["id"], {"op": "replace", "path": "displayName", "value": "boss"}),
        400,
        "invalidValue",
    )
    # Nobody would be left.
    assert_error(patch(client, admin["id"], {"op": "remove", "path": "members"}), 409)
    assert client.call("GET", "/scim2/Me").status == 200


def test_a_role_given_by_a_group_opens_doors(client: Client) -> None:
    body = draft()
    made = client.call("POST", "/scim2/Users", body).json
    his = basic(body["userName"], body["password"])
    assert_error(client.call("GET", PATH, authorization=his), 403)
    found = client.call("GET", PATH, query=urlencode({"filter": 'displayName eq "admin"'}))
    [admin] = found.json["Resources"]
    added = patch(
        client, admin["id"], {"op": "add", "path": "members", "value": [{"value": made["id"]}]}
    )
    assert added.status == 200, added.text
    assert client.call("GET", PATH, authorization=his).status == 200
    client.call("DELETE", f"/scim2/Users/{made['id']}")


@pytest.mark.parametrize(
    ("body", "status", "scim_type"),
    [
        ({"schemas": [GROUP]}, 400, "invalidValue"),
        ({"schemas": [GROUP], "displayName": ""}, 400, "invalidValue"),
        ({"schemas": [GROUP], "displayName": "a\nb"}, 400, "invalidValue"),
        ({"schemas": [GROUP], "displayName": "x" * 200}, 400, "invalidValue"),
        ({"schemas": [GROUP], "displayName": "admin"}, 409, "uniqueness"),
        ({"schemas": [GROUP], "displayName": "ADMIN"}, 409, "uniqueness"),
        (
            {"schemas": [GROUP], "displayName": "fine", "members": [{"value": "nobody"}]},
            400,
            "invalidValue",
        ),
        ({"schemas": ["urn:x"], "displayName": "fine"}, 400, "invalidValue"),
    ],
)
def test_a_bad_group_is_not_made(
    client: Client, body: dict[str, Any], status: int, scim_type: str
) -> None:
    before = client.call("GET", PATH).json["totalResults"]
    assert_error(client.call("POST", PATH, body), status, scim_type)
    assert client.call("GET", PATH).json["totalResults"] == before


def test_a_search_in_a_body_finds(client: Client) -> None:
    schema = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
    body = {"schemas": [schema], "filter": 'displayName sw "Internal/"', "sortBy": "displayName"}
    found = client.call("POST", f"{PATH}/.search", {**body, "startIndex": 1, "count": 2}).json
    assert found["itemsPerPage"] == 2
    shown = [one["displayName"] for one in found["Resources"]]
    assert shown == sorted(shown)
