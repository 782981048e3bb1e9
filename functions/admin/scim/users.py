"""`/scim2/Users`: create, get, list, search, replace, patch and delete (RFC 7644 section 3)."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router
from scim2_models import Context

from functions.admin.scim.errors import immutable
from functions.admin.scim.requests import (
    base,
    check_version,
    listed,
    one,
    patch,
    payload,
    searched,
)
from functions.admin.scim.resources import UserResource, user_fields, user_resource
from functions.admin.wiring import Wiring
from portico.domain.errors import InvalidInput
from portico.domain.tenant import shown_user
from portico.domain.user import User
from portico.services.accounts import Accounts
from portico.web.contract import Contract
from portico.web.rest import caller, operations, wired

SCOPES = ("apim:admin",)

router = Router()
operation = operations(router, Contract("scim", "/scim2", ()))


@operation("POST", "/Users", SCOPES)
def create() -> Response[str]:
    given = payload(router, UserResource, Context.RESOURCE_CREATION_REQUEST)
    if not given.password:
        raise InvalidInput.of("password", "is needed")
    user = _accounts().create(
        caller(router), str(given.user_name), given.password, **user_fields(given)
    )
    return one(router, user_resource(user, base(router)), 201)


@operation("GET", "/Users", SCOPES)
def show_all() -> Response[str]:
    return listed(router, UserResource, _all())


@operation("POST", "/Users/.search", SCOPES)
def search() -> Response[str]:
    return searched(router, UserResource, _all())


@operation("GET", "/Users/{userId}", SCOPES)
def show(user_id: str) -> Response[str]:
    return one(router, user_resource(_user(user_id), base(router)))


@operation("PUT", "/Users/{userId}", SCOPES)
def replace(user_id: str) -> Response[str]:
    user = _user(user_id)
    check_version(router, user.stamp)
    given = payload(router, UserResource, Context.RESOURCE_REPLACEMENT_REQUEST)
    return _changed(user, given)


@operation("PATCH", "/Users/{userId}", SCOPES)
def change(user_id: str) -> Response[str]:
    user = _user(user_id)
    check_version(router, user.stamp)
    resource = user_resource(user, base(router))
    patch(router, resource)
    return _changed(user, resource)


@operation("DELETE", "/Users/{userId}", SCOPES)
def delete(user_id: str) -> Response[str]:
    user = _user(user_id)
    check_version(router, user.stamp)
    _accounts().delete(caller(router), user)
    return Response(204, body="")


@operation("GET", "/Me", SCOPES)
def me() -> Response[str]:
    who = caller(router)
    return one(router, user_resource(_accounts().get(who.tenant, who.user), base(router)))


def _changed(user: User, given: Any) -> Response[str]:
    names = (user.name, shown_user(user.name, user.tenant), f"{user.name}@{user.tenant}")
    if str(given.user_name).strip().lower() not in names:
        raise immutable("userName", "a user keeps the name")
    fields = user_fields(given, user)
    changed = _accounts().update(caller(router), user, password=given.password or None, **fields)
    return one(router, user_resource(changed, base(router)))


def _all() -> list[Any]:
    address = base(router)
    return [user_resource(user, address) for user in _accounts().list(caller(router).tenant)]


def _user(user_id: str) -> User:
    return _accounts().get_by_id(caller(router).tenant, user_id)


def _accounts() -> Accounts:
    return wired(router, Wiring).accounts
