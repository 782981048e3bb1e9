"""The data plane of the deployed HTTP API: takes a call through authorizer and integration.

Reads routes, integrations and authorizers from the embedded AWS's control plane, so whatever is
deployed or made at run time counts, and nothing else.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import urllib3

from tools.local import exchange, mapping
from tools.local.aws import ACCOUNT, REGION
from tools.local.control_plane import ControlPlane
from tools.local.exchange import HOP_BY_HOP, Request, Response, message
from tools.local.invoking import FunctionFailed, Invoker, NotInvokable, PayloadTooLarge
from tools.local.routes import Route

logger = logging.getLogger(__name__)

# "Quotas for HTTP APIs", API Gateway Developer Guide.
BODY_LIMIT = 10 * 1024 * 1024
HEADER_LIMIT = 10_240
INTEGRATION_SECONDS = 30.0
AUTHORIZER_SECONDS = 10.0
# AWS counts a cold start; on a busy small machine it may take longer than any limit, so it is
# granted apart. Functions are stopped by their own Timeout, which begins after it.
COLD_START_SECONDS = 30.0

NOT_FOUND = message(404, "Not Found")
UNAUTHORIZED = message(401, "Unauthorized")
FORBIDDEN = message(403, "Forbidden")
ERROR = message(500, "Internal Server Error")
UNAVAILABLE = message(503, "Service Unavailable")
TOO_LARGE = message(413, "Request Entity Too Large")
HEADERS_TOO_LARGE = message(431, "Request Header Fields Too Large")


@dataclass(frozen=True)
class Call:
    """A request on its way: its route and, once judged, what the authorizer said."""

    request: Request
    route: Route
    path: str
    variables: dict[str, str]
    authorized: dict[str, Any]


class HttpApi:
    """Answers calls as the deployed HTTP API does."""

    def __init__(self, api_id: str, control_plane: ControlPlane, invoker: Invoker) -> None:
        self._id = api_id
        self._control = control_plane
        self._invoker = invoker
        # A back end's redirect is the client's to follow; its failure is not repeated.
        self._pool = urllib3.PoolManager(num_pools=32, maxsize=64, retries=False)

    def answer(self, request: Request) -> Response:
        size = sum(len(name) + len(value) + 4 for name, value in request.headers)
        if size + len(request.path) + len(request.query) > HEADER_LIMIT:
            return self._with_id(HEADERS_TOO_LARGE, request)
        if len(request.body) > BODY_LIMIT:
            return self._with_id(TOO_LARGE, request)
        return self._with_id(self._route(request), request)

    def _with_id(self, response: Response, request: Request) -> Response:
        return replace(response, headers=[*response.headers, ("Apigw-Requestid", request.id)])

    def _route(self, request: Request) -> Response:
        # The path is handed over decoded, and ends at an encoded question mark.
        path = unquote(request.path).partition("?")[0]
        deployed = self._control.current()
        matched = deployed.routes.match(request.method, path)
        if matched is None:
            deployed = self._control.current(not_older_than=0)
            matched = deployed.routes.match(request.method, path)
        if matched is None:
            return NOT_FOUND
        call = Call(request, matched[0], path, matched[1], {})
        route = call.route.data
        if route.get("AuthorizationType") == "CUSTOM":
            judged = self._authorize(call, deployed.authorizers.get(route.get("AuthorizerId", "")))
            if isinstance(judged, Response):
                return judged
            call = replace(call, authorized=judged)
        integration = deployed.integrations.get(route.get("Target", "").rpartition("/")[2])
        if integration is None:
            return ERROR
        if integration["IntegrationType"] == "HTTP_PROXY":
            return self._proxy(call, integration)
        return self._function(call, integration)

    def _event(self, call: Call, context: dict[str, Any]) -> dict[str, Any]:
        made = exchange.event(
            call.request,
            call.route.key,
            call.path,
            {"accountId": ACCOUNT, "apiId": self._id, **context},
        )
        if call.variables:
            made["pathParameters"] = call.variables
        return made

    def _authorize(
        self, call: Call, authorizer: dict[str, Any] | None
    ) -> dict[str, Any] | Response:
        """The authorizer's context, or the refusal; simple responses only, nothing is cached."""
        if authorizer is None:
            return ERROR
        event = self._event(call, {})
        sources = authorizer.get("IdentitySource") or []
        values = [self._lookup(call, source.removeprefix("$")) for source in sources]
        if not all(values):
            return UNAUTHORIZED
        event["type"] = "REQUEST"
        event["routeArn"] = (
            f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{self._id}/$default/"
            f"{call.request.method}{call.path}"
        )
        event["identitySource"] = values
        event.setdefault("pathParameters", {})
        try:
            answer = self._invoker.invoke(
                authorizer["AuthorizerUri"], event, AUTHORIZER_SECONDS + COLD_START_SECONDS
            )
        except FunctionFailed as failed:
            # "Unauthorized" is the one word that API Gateway knows.
            return UNAUTHORIZED if failed.text == "Unauthorized" else ERROR
        except (NotInvokable, PayloadTooLarge) as error:
            logger.warning("authorizer: %s", error)
            return ERROR
        if not isinstance(answer, dict) or not isinstance(answer.get("isAuthorized"), bool):
            return ERROR
        if not answer["isAuthorized"]:
            return FORBIDDEN
        return dict(answer.get("context") or {})

    def _function(self, call: Call, integration: dict[str, Any]) -> Response:
        judged = call.route.data.get("AuthorizationType") == "CUSTOM"
        event = self._event(call, {"authorizer": {"lambda": call.authorized}} if judged else {})
        exchange.add_body(event, call.request)
        try:
            answer = self._invoker.invoke(
                integration["IntegrationUri"], event, INTEGRATION_SECONDS + COLD_START_SECONDS
            )
            return exchange.response_of(answer, "text/plain;charset=UTF-8")
        except FunctionFailed as failed:
            return UNAVAILABLE if failed.error_type == "Sandbox.Timedout" else ERROR
        except PayloadTooLarge:
            return TOO_LARGE
        except (NotInvokable, exchange.MalformedAnswer) as error:
            logger.warning("integration: %s", error)
            return ERROR

    def _proxy(self, call: Call, integration: dict[str, Any]) -> Response:
        request = call.request
        parts = urlsplit(self._substitute(integration["IntegrationUri"], call.variables))
        out = mapping.Outgoing(
            headers=[
                (name, value)
                for name, value in request.headers
                if name.lower() not in HOP_BY_HOP | {"host"}
            ],
            query=parse_qsl(parts.query) + parse_qsl(request.query, keep_blank_values=True),
        )
        try:
            mapping.apply(
                integration.get("RequestParameters") or {},
                out,
                lambda name: self._lookup(call, name),
            )
        except mapping.MappingRefused as error:
            logger.warning("parameter mapping: %s", error)
            return ERROR
        path = quote(out.path, safe="/:@!$&'()*+,;=~-._") if out.path else parts.path or "/"
        if not path.startswith("/"):
            path = f"/{path}"
        out.headers += [
            ("Forwarded", f"for={request.source_ip};host={request.header('host')};proto=http"),
            ("Via", "HTTP/1.1 AmazonAPIGateway"),
        ]
        url = f"{parts.scheme}://{parts.netloc}{path}"
        if out.query:
            url += f"?{urlencode(out.query)}"
        method = integration.get("IntegrationMethod") or "ANY"
        seconds = integration.get("TimeoutInMillis", INTEGRATION_SECONDS * 1000) / 1000
        return self._fetch(
            request.method if method == "ANY" else method, url, out, request, seconds
        )

    def _fetch(
        self, method: str, url: str, out: mapping.Outgoing, request: Request, seconds: float
    ) -> Response:
        headers = urllib3.HTTPHeaderDict()
        for name, value in out.headers:
            headers.add(name, value)
        for name in ("accept-encoding", "user-agent"):
            if name not in headers:
                # Nothing is added of our own.
                headers.add(name, urllib3.util.SKIP_HEADER)
        try:
            answer = self._pool.request(
                method,
                url,
                body=request.body or None,
                headers=headers,
                redirect=False,
                decode_content=False,
                timeout=urllib3.Timeout(total=seconds),
            )
        except urllib3.exceptions.HTTPError as error:
            logger.info("back end: %s", error)
            return UNAVAILABLE
        passed = [(n, v) for n, v in answer.headers.items() if n.lower() not in HOP_BY_HOP]
        return Response(answer.status, passed, answer.data)

    @staticmethod
    def _substitute(uri: str, variables: dict[str, str]) -> str:
        def value(found: re.Match[str]) -> str:
            name = found[1].rstrip("+")
            return (
                quote(variables[name], safe="/:@!$&'()*+,;=~-._") if name in variables else found[0]
            )

        return re.sub(r"\{([^}]+)\}", value, uri)

    def _lookup(self, call: Call, name: str) -> Any:
        """What `$request...` and `$context...` mean in mappings and identity sources."""
        kind, _, rest = name.partition(".")
        place, _, key = rest.partition(".")
        if kind == "request":
            if place == "header":
                return call.request.header(key)
            if place == "querystring":
                return exchange.query_parameters(call.request.query).get(key)
            if place == "path":
                return call.variables.get(key) if key else call.path
        if kind == "context":
            if place == "authorizer":
                value = call.authorized.get(key)
                return str(value).lower() if isinstance(value, bool) else value
            known = {
                "requestId": call.request.id,
                "httpMethod": call.request.method,
                "path": call.path,
                "routeKey": call.route.key,
                "stage": "$default",
                "apiId": self._id,
                "accountId": ACCOUNT,
            }
            if place == "identity" and key == "sourceIp":
                return call.request.source_ip
            return known.get(rest)
        return None
