"""What an API definition says about an API: name, context, endpoints, resources and scopes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from portico.domain.api import AuthType, Resource, Scope
from portico.domain.contexts import bare_context
from portico.domain.errors import InvalidInput
from portico.domain.policy import UNLIMITED
from portico.services.definitions import rules, texts

MAX_RESOURCES = 1000
SCOPES = "x-portico-scopes"  # of an operation: whether `any` of its scopes will do, or `all` must
DEFAULT_SCHEME = "default"  # WSO2's name of the gateway's own OAuth 2 scheme
_AUTH_TYPES = {kind.value.lower(): kind for kind in AuthType} | {
    "any": AuthType.ANY,
    "application_user": AuthType.USER,
}


@dataclass(frozen=True)
class Definition:
    """A valid definition; what it does not say is ''."""

    document: dict[str, Any]
    family: str  # 2.0, 3.0, 3.1
    specification: str  # as written: 3.0.1
    title: str
    version: str
    description: str
    context: str
    endpoints: tuple[str, ...]
    resources: tuple[Resource, ...]
    scopes: tuple[Scope, ...]
    tags: tuple[str, ...]


def read(content: bytes) -> Definition:
    """A definition's text as values; InvalidInput or TooLarge says what is wrong with it."""
    document = texts.load(content)
    family = rules.check(document)
    info = _mapping(document.get("info"))
    version = str(info.get("version", ""))
    scopes = tuple(_scopes(document))
    resources = tuple(_resources(document))
    if len(resources) > MAX_RESOURCES:
        raise InvalidInput.of(
            "paths", f"has {len(resources)} operations; {MAX_RESOURCES} are allowed"
        )
    known = {scope.name for scope in scopes}
    used = dict.fromkeys(
        name for resource in resources for name in resource.scopes if name not in known
    )
    return Definition(
        document=document,
        family=family,
        specification=str(document.get("openapi", document.get("swagger"))),
        title=str(info.get("title", "")).strip(),
        version=version,
        description=str(info.get("description", "")),
        context=_context(document, version),
        endpoints=tuple(dict.fromkeys(_endpoints(document))),
        resources=resources,
        scopes=scopes + tuple(Scope(name, name) for name in used),
        tags=tuple(
            str(tag["name"])
            for tag in _sequence(document.get("tags"))
            if isinstance(tag, dict) and "name" in tag
        ),
    )


def path_items(document: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each path with its item, a reference followed."""
    for path, item in _mapping(document.get("paths")).items():
        if path.startswith("/") and isinstance(item, dict):
            target = (
                rules.pointed(document, item["$ref"]) if isinstance(item.get("$ref"), str) else None
            )
            yield path, ({**target, **item} if isinstance(target, dict) else item)


def oauth_schemes(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The OAuth 2 security schemes by name."""
    schemes = (
        _mapping(document.get("securityDefinitions"))
        if "swagger" in document
        else _mapping(_mapping(document.get("components")).get("securitySchemes"))
    )
    return {
        name: scheme for name, scheme in schemes.items() if _mapping(scheme).get("type") == "oauth2"
    }


def _resources(document: dict[str, Any]) -> Iterator[Resource]:
    oauth = oauth_schemes(document)
    for path, item in path_items(document):
        for verb in rules.VERBS:
            operation = item.get(verb)
            if not isinstance(operation, dict):
                continue
            said = operation.get("x-auth-type", item.get("x-auth-type"))
            auth_type = _auth_type(said, path, verb)
            secured = auth_type != AuthType.NONE
            yield Resource(
                target=path,
                verb=verb.upper(),
                auth_type=auth_type,
                scopes=_operation_scopes(document, operation, oauth) if secured else (),
                throttling_policy=str(operation.get("x-throttling-tier") or UNLIMITED),
                every_scope=_every_scope(operation.get(SCOPES), path, verb),
            )


def _every_scope(value: Any, path: str, verb: str) -> bool:
    """Whether callers need all scopes of an operation; WSO2's way, and without a word, is one."""
    if value not in (None, "any", "all"):
        raise InvalidInput.of(f"paths.{path}.{verb}.{SCOPES}", "must be 'any' or 'all'")
    return bool(value == "all")


def _auth_type(value: Any, path: str, verb: str) -> AuthType:
    if value is None or value == "":
        return AuthType.ANY
    try:
        return _AUTH_TYPES[str(value).strip().lower()]
    except KeyError:
        choices = ", ".join(AuthType)
        raise InvalidInput.of(
            f"paths.{path}.{verb}.x-auth-type", f"must be one of {choices}"
        ) from None


def _operation_scopes(
    document: dict[str, Any], operation: dict[str, Any], oauth: Mapping[str, Any]
) -> tuple[str, ...]:
    """The scopes of which a caller needs one: of the gateway's scheme if it is there, else of all
    OAuth 2 schemes.
    """
    requirements = [
        requirement
        for requirement in _sequence(operation.get("security", document.get("security")))
        if isinstance(requirement, dict)
    ]
    if any(DEFAULT_SCHEME in requirement for requirement in requirements):
        schemes = {DEFAULT_SCHEME}
    else:
        schemes = set(oauth)
    found = [
        str(scope)
        for requirement in requirements
        for name, scopes in requirement.items()
        if name in schemes
        for scope in _sequence(scopes)
    ]
    # 1.x and 2.x of WSO2 wrote one scope, or several with commas, into the operation itself.
    found += [
        scope.strip() for scope in str(operation.get("x-scope") or "").split(",") if scope.strip()
    ]
    return tuple(dict.fromkeys(found))


def _scopes(document: dict[str, Any]) -> Iterator[Scope]:
    seen: set[str] = set()
    for scope in [*_scheme_scopes(document), *_extension_scopes(document)]:
        if scope.name not in seen:
            seen.add(scope.name)
            yield scope


def _scheme_scopes(document: dict[str, Any]) -> Iterator[Scope]:
    schemes = oauth_schemes(document)
    # Where the gateway's own scheme is, the others are the back end's business.
    own = [schemes[DEFAULT_SCHEME]] if DEFAULT_SCHEME in schemes else list(schemes.values())
    for scheme in own:
        flows = [scheme] if "swagger" in document else list(_mapping(scheme.get("flows")).values())
        for flow in flows:
            bindings = _mapping(_mapping(flow).get("x-scopes-bindings"))
            for name, description in _mapping(_mapping(flow).get("scopes")).items():
                if not name.startswith("x-"):
                    yield Scope(name, name, str(description or ""), _roles(bindings.get(name)))


def _extension_scopes(document: dict[str, Any]) -> Iterator[Scope]:
    extension = _mapping(_mapping(document.get("x-wso2-security")).get("apim")).get("x-wso2-scopes")
    for scope in _sequence(extension):
        if isinstance(scope, dict) and scope.get("key"):
            yield Scope(
                str(scope["key"]),
                str(scope.get("name") or scope["key"]),
                str(scope.get("description") or ""),
                _roles(scope.get("roles")),
            )


def _roles(value: Any) -> tuple[str, ...]:
    return tuple(role.strip() for role in str(value or "").split(",") if role.strip())


def _context(document: dict[str, Any], version: str) -> str:
    """`x-wso2-basePath` without its version, else the path of the first server."""
    given = document.get("x-wso2-basePath")
    if isinstance(given, str) and given.strip("/"):
        context = bare_context("/" + given.strip("/"))
        return context.removesuffix(f"/{version}") or context
    if "swagger" in document:
        return "/" + path if (path := str(document.get("basePath") or "").strip("/")) else ""
    for url in _server_urls(document):
        try:
            path = urlsplit(url).path.strip("/")
        except ValueError:
            continue
        if path:
            return "/" + path
    return ""


def _endpoints(document: dict[str, Any]) -> Iterator[str]:
    extension = _mapping(document.get("x-wso2-production-endpoints"))
    yield from (url for url in _sequence(extension.get("urls")) if isinstance(url, str))
    if "swagger" in document:
        host = str(document.get("host") or "")
        for scheme in _sequence(document.get("schemes")) or ["https"]:
            if host and scheme in ("http", "https"):
                yield f"{scheme}://{host}{str(document.get('basePath') or '').rstrip('/')}"
    else:
        for url in _server_urls(document):
            if url.startswith(("http://", "https://")):
                yield url


def _server_urls(document: dict[str, Any]) -> Iterator[str]:
    """Server URLs with their variables at their defaults."""
    for server in _sequence(document.get("servers")):
        url = _mapping(server).get("url")
        if isinstance(url, str):
            for name, variable in _mapping(_mapping(server).get("variables")).items():
                url = url.replace("{" + name + "}", str(_mapping(variable).get("default", "")))
            yield url


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
