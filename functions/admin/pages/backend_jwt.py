"""The page of what back ends are told about a call, and of the gateway's extension."""

from collections.abc import Mapping

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.api_gateway import Router

from functions.admin.pages import ADMIN_SCOPE, PAGES
from functions.admin.pages.fields import lines_of, number_in, stamp_in
from functions.admin.wiring import Wiring
from portico.domain.backend_jwt import ALGORITHMS, ENCODINGS, OLD, BackendJwtRules
from portico.domain.claims import CLAIMS
from portico.domain.errors import PorticoError
from portico.domain.user import Caller
from portico.services.backend_jwt_rules import EXTENSION_SECONDS
from portico.web.errors import status_of
from portico.web.forms import form
from portico.web.pages import redirect, visitor
from portico.web.rest import query, wired

router = Router()
HERE = "/backend-jwt"


@router.get(HERE)
def show() -> Response[str]:
    caller = visitor(router, ADMIN_SCOPE)
    rules = wired(router, Wiring).backend_jwt.show(caller.tenant)
    return _page(caller, _given(rules), saved=bool(query(router, "saved")))


@router.post(HERE)
def change() -> Response[str]:
    caller, fields = visitor(router, ADMIN_SCOPE), form(router)
    ruling = wired(router, Wiring).backend_jwt
    rules = ruling.show(caller.tenant)
    try:
        ruling.change(caller, _rules(caller.tenant, fields), stamp_in(fields))
    except PorticoError as exc:
        return _page(caller, {**fields, "stamp": str(rules.stamp)}, exc)
    return redirect(f"{HERE}?saved=1")


def _rules(tenant: str, fields: Mapping[str, str]) -> BackendJwtRules:
    """What the form says; raises InvalidInput."""
    return BackendJwtRules(
        tenant=tenant,
        dialect=fields.get("dialect", "").strip(),
        claims=tuple(lines_of(fields.get("claims", ""))),
        algorithm=fields.get("algorithm", ""),
        encoding=fields.get("encoding", ""),
        compatibility=OLD if "old" in fields else "",
        extension=fields.get("extension", "").strip(),
        extension_every_call=fields.get("extension_when") == "every",
        extension_seconds=number_in(
            "BackendJwt.extension.seconds", fields.get("extension_seconds", ""), fraction=True
        ),
        extension_open=fields.get("extension_fails") == "open",
    )


def _given(rules: BackendJwtRules) -> dict[str, str]:
    """The fields of the form as the rules have them."""
    return {
        "stamp": str(rules.stamp),
        "dialect": rules.dialect,
        "claims": "\n".join(rules.claims),
        "algorithm": rules.algorithm,
        "encoding": rules.encoding,
        "extension": rules.extension,
        "extension_when": "every" if rules.extension_every_call else "once",
        "extension_seconds": f"{rules.extension_seconds:g}",
        "extension_fails": "open" if rules.extension_open else "closed",
        **({"old": "on"} if rules.old else {}),
    }


def _page(
    caller: Caller,
    given: Mapping[str, str],
    problem: PorticoError | None = None,
    *,
    saved: bool = False,
) -> Response[str]:
    return PAGES.show(
        "backend-jwt.html",
        caller,
        status_of(problem)[0] if problem else 200,
        here=HERE,
        given=given,
        claims=CLAIMS.values(),
        algorithms=ALGORITHMS,
        encodings=ENCODINGS,
        extension_seconds=EXTENSION_SECONDS,
        packages=wired(router, Wiring).settings.plugin_packages,
        saved=saved,
        problem=problem,
    )
