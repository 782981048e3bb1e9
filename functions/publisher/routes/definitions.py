"""API definitions: import, validate, show and replace; and uploads too large for a request."""

from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.publisher.bodies.answers import invalid_body, validation_body
from functions.publisher.bodies.apis import ApiFields
from functions.publisher.routes.apis import created
from functions.publisher.wiring import Wiring
from portico.domain.addresses import AddressRefused
from portico.domain.errors import InvalidInput, TooLarge
from portico.services.definitions import reading, texts
from portico.web.contract import contract
from portico.web.rest import (
    Part,
    answer,
    caller,
    flag,
    header,
    if_match,
    json_of,
    multipart,
    operations,
    parse,
    raw_body,
    wired,
)

router = Router()
operation = operations(router, contract("publisher"))
SOURCES = ("file", "url", "inlineAPIDefinition", "apiDefinition", "uploadId")
VALIDATED = ("file", "url", "inlineAPIDefinition", "uploadId")
IMPORTED = (*VALIDATED, "additionalProperties")
CREATE = ("apim:api_create", "apim:api_manage")


@operation("POST", "/apis/import-openapi")
def import_definition() -> Response[str]:
    services, who = wired(router, Wiring), caller(router)
    form = _form(IMPORTED)
    content = _content(form)
    # Some clients send it as a field, others as a file.
    given = form.get("additionalProperties")
    fields = ApiFields()
    if given and given.content.strip():
        fields = parse(ApiFields, json_of(given.content, "additionalProperties"))
    draft = fields.draft()
    api = services.publishing.create(who, draft, reading.read(content))
    if "uploadId" in form:
        services.uploads.end(who, form["uploadId"].text)
    return created(api)


@operation("POST", "/apis/validate-openapi")
def validate() -> Response[str]:
    """200 for every definition that could be read; `isValid` says what it is worth."""
    form = _form(VALIDATED)
    content = _content(form)
    try:
        definition = reading.read(content)
    except (InvalidInput, TooLarge) as exc:
        return answer(invalid_body(exc))
    wants_content = "url" in form and flag(router, "returnContent")
    return answer(validation_body(definition, content.decode() if wants_content else ""))


@operation("GET", "/apis/{apiId}/swagger")
def show(api_id: str) -> Response[str]:
    content, api = wired(router, Wiring).publishing.definition(caller(router), api_id)
    return _definition(content, api.stamp)


@operation("PUT", "/apis/{apiId}/swagger")
def replace(api_id: str) -> Response[str]:
    services = wired(router, Wiring)
    content = _content(_form(("apiDefinition", "file", "url", "uploadId")))
    written, api = services.publishing.replace_definition(
        caller(router), api_id, content, if_match(router)
    )
    return _definition(written, api.stamp)


@operation("POST", "/uploads", scopes=CREATE)
def upload() -> Response[str]:
    """Portico's own: where to POST a file that is too large for a request."""
    return answer(wired(router, Wiring).uploads.begin(caller(router)), 201)


def _form(known: tuple[str, ...]) -> Mapping[str, Part]:
    """The fields of the form; a request that has none gets the contract's error, not a surprise."""
    kind = header(router, "content-type")
    if kind.startswith(("application/json", "application/yaml", "text/")) and raw_body(router):
        raise InvalidInput.of("Content-Type", "multipart/form-data is expected")
    form = multipart(router)
    for name in form:
        if name not in known:
            raise InvalidInput.of(name, f"is not known; the form may have {', '.join(known)}")
    return form


def _content(form: Mapping[str, Part]) -> bytes:
    """The definition, from the one source that the form names."""
    given = [name for name in SOURCES if name in form and form[name].content]
    if len(given) != 1:
        choices = "file, url, inlineAPIDefinition or uploadId"
        raise InvalidInput.of("file", f"give the definition once: by {choices}")
    services, part = wired(router, Wiring), form[given[0]]
    match given[0]:
        case "url":
            return _fetched(services, part.text.strip())
        case "uploadId":
            return services.uploads.read(caller(router), part.text.strip())
        case _:
            return part.content


def _fetched(services: Wiring, url: str) -> bytes:
    try:
        return services.downloads.fetch(url, texts.MAX_BYTES)
    except AddressRefused as exc:
        raise exc if exc.problems else AddressRefused.of("url", str(exc)) from exc


def _definition(content: bytes, stamp: int) -> Response[str]:
    sent = answer(None, etag=stamp)
    sent.body = content.decode()
    return sent
