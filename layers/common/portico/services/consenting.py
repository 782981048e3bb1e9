"""What an application asks of a user, in words for people."""

from collections.abc import Iterable
from dataclasses import dataclass

from portico.domain.application import Client
from portico.domain.gateway import Deployment, Grant
from portico.domain.scopes import REST_SCOPES
from portico.domain.tenant import tenant_of_path
from portico.ports import Records

PLAIN = {
    "openid": "Know who you are: your user name here",
    "profile": "See your name and the other facts of your profile",
    "email": "See your e-mail address",
    "address": "See your postal address",
    "phone": "See your telephone number",
    "groups": "See the groups that you belong to",
    "roles": "See the roles that you have",
    "offline_access": "Go on with all of this while you are away",
}
MANAGE = "Work in the API manager as you: with its APIs, applications and settings"


@dataclass(frozen=True)
class Permission:
    """One thing that is asked for; `names` are the scopes behind it, `source` an API's name."""

    text: str
    names: tuple[str, ...]
    source: str = ""


def permissions(records: Records, client: Client, scopes: Iterable[str]) -> list[Permission]:
    """The scopes in words: OpenID Connect's, those of the REST APIs as one, those of the APIs that
    the client's application uses in their publishers' words.
    """
    scopes = list(scopes)
    found = [Permission(PLAIN[scope], (scope,)) for scope in scopes if scope in PLAIN]
    management = tuple(scope for scope in scopes if scope in REST_SCOPES)
    if management:
        found.append(Permission(MANAGE, management))
    others = [scope for scope in scopes if scope not in PLAIN and scope not in REST_SCOPES]
    if others:
        apis = _apis(records, client)
        found += [_of_api(scope, apis) for scope in others]
    return found


def _of_api(scope: str, apis: list[Deployment]) -> Permission:
    owners = [api for api in apis if scope in api.scopes]
    words = next((api.wording[scope] for api in owners if scope in api.wording), scope)
    names = ", ".join(dict.fromkeys(api.name for api in owners))
    return Permission(words, (scope,), names)


def _apis(records: Records, client: Client) -> list[Deployment]:
    if not client.application_id:
        return []
    grants = records.list(Grant, tenant=client.tenant, application_id=client.application_id)
    keys = [{"tenant": tenant_of_path(one.prefix), "prefix": one.prefix} for one in grants]
    found = records.get_many(Deployment, keys) if keys else []
    return sorted(found, key=lambda one: one.prefix)
