"""`/scim2/Groups`: the roles of a tenant and who has them (RFC 7643 section 4.2)."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from scim2_models import Context, Group

from functions.admin.scim.requests import base, listed, one, patch, payload, searched
from functions.admin.scim.resources import group_resource
from functions.admin.wiring import Wiring
from portico.domain.roles import Role
from portico.domain.user import EVERYONE
from portico.services.roles import Roles
from portico.web.contract import Contract
from portico.web.rest import caller, operations, wired

SCOPES = ("apim:admin",)

router = Router()
operation = operations(router, Contract("scim", "/scim2", ()))


@operation("POST", "/Groups", SCOPES)
def create() -> Response[str]:
    given = payload(router, Group, Context.RESOURCE_CREATION_REQUEST)
    role = _roles().create(caller(router), str(given.display_name).strip(), _members(given))
    return one(router, _resource(role), 201)


@operation("GET", "/Groups", SCOPES)
def show_all() -> Response[str]:
    return listed(router, Group, _all())


@operation("POST", "/Groups/.search", SCOPES)
def search() -> Response[str]:
    return searched(router, Group, _all())


@operation("GET", "/Groups/{groupId}", SCOPES)
def show(group_id: str) -> Response[str]:
    return one(router, _resource(_role(group_id)))


@operation("PUT", "/Groups/{groupId}", SCOPES)
def replace(group_id: str) -> Response[str]:
    role = _role(group_id)
    return _changed(role, payload(router, Group, Context.RESOURCE_REPLACEMENT_REQUEST))


@operation("PATCH", "/Groups/{groupId}", SCOPES)
def change(group_id: str) -> Response[str]:
    role = _role(group_id)
    resource = _resource(role)
    patch(router, resource)
    return _changed(role, resource)


@operation("DELETE", "/Groups/{groupId}", SCOPES)
def delete(group_id: str) -> Response[str]:
    _roles().delete(caller(router), _role(group_id))
    return Response(204, body="")


def _changed(role: Role, given: Group) -> Response[str]:
    changed = _roles().change(
        caller(router), role, name=str(given.display_name).strip(), members=_members(given)
    )
    return one(router, _resource(changed))


def _members(given: Group) -> list[str]:
    return [str(member.value) for member in given.members or [] if member.value]


def _resource(role: Role) -> Group:
    members = _roles().members(caller(router).tenant, role.name)
    return group_resource(role, members, base(router))


def _all() -> list[Any]:
    tenant, address = caller(router).tenant, base(router)
    users = wired(router, Wiring).accounts.list(tenant)
    return [
        group_resource(role, (user for user in users if role.name in user.roles), address)
        for role in _roles().list(tenant)
        if role.name != EVERYONE
    ]


def _role(group_id: str) -> Role:
    return _roles().get(caller(router).tenant, group_id)


def _roles() -> Roles:
    return wired(router, Wiring).roles
