"""An API's back ends as WSO2's `endpointConfig` describes them, read into what the gateway needs.

Knows no network and no keys: addresses are judged by `portico.domain.addresses`, credentials are
sealed by `portico.services.endpoint_credentials`.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from portico.domain.errors import Problem
from portico.domain.mediation import may_set

HTTP, LOAD_BALANCE, FAILOVER = "http", "load_balance", "failover"
TYPES = (HTTP, LOAD_BALANCE, FAILOVER)
SIDES = ("production", "sandbox")
MAX_ENDPOINTS = 10  # of one side
MAX_AUTHORITIES = 32_768  # characters of PEM
MAX_MS = 24 * 3600 * 1000
# Our own key in an endpoint's `config`, and for a token endpoint in `endpoint_security`: PEM.
AUTHORITIES = "caCertificates"
ROUND_ROBIN = "org.apache.synapse.endpoints.algorithms.RoundRobin"
# WSO2's codes of what goes wrong between gateway and back end; ours are among them.
CODES = frozenset(
    f"{code}" for code in (101000, 101001, *range(101500, 101511), *range(101513, 101520))
)
BASIC, DIGEST, OAUTH, API_KEY = "BASIC", "DIGEST", "OAUTH", "API_KEY"
CREDENTIALS = (BASIC, DIGEST, OAUTH, API_KEY)
# Fields that are never given back, by the kind of credential that has them.
SECRETS: Mapping[str, tuple[str, ...]] = {
    BASIC: ("password",),
    DIGEST: ("password",),
    OAUTH: ("clientSecret", "password"),
    API_KEY: ("apiKeyValue",),
}
ALL_SECRETS = ("password", "clientSecret", "apiKeyValue")
SEALED = "sealed"  # where the secrets of a side are, encrypted
_FACTOR = re.compile(r"[1-9][0-9]?(?:\.[0-9]{1,3})?")
_NUMBERS = ("actionDuration", "suspendDuration", "suspendMaxDuration", "retryDelay", "retryTimeOut")


def config_of(extra: Mapping[str, Any], production: str, sandbox: str) -> dict[str, Any]:
    """The endpoint configuration of an API whose first addresses are these; {} where nothing is
    said.
    """
    config = dict(extra.get("endpointConfig") or {})
    if not (config or production or sandbox):
        return {}
    config["endpoint_type"] = config.get("endpoint_type") or HTTP
    for side, url in zip(SIDES, (production, sandbox), strict=True):
        name = f"{side}_endpoints"
        known = config.get(name)
        if not url:
            config.pop(name, None)
        elif isinstance(known, list) and known:
            config[name] = [{**known[0], "url": url}, *known[1:]]
        else:
            config[name] = {**(known or {}), "url": url}
    return config


def endpoints(config: Mapping[str, Any], side: str) -> list[tuple[str, Mapping[str, Any]]]:
    """The endpoints of a side in their order, each with the contract's name of where it is."""
    found = _listed(config, f"{side}_endpoints")
    if config.get("endpoint_type") == FAILOVER:
        found += _listed(config, f"{side}_failovers")
    return [(where, one) for where, one in found if one.get("url")]


def security_of(config: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    """The credentials for a side; {} without any or when they are off."""
    one = (config.get("endpoint_security") or {}).get(side) or {}
    return one if one.get("enabled") and one.get("type") != "NONE" else {}


def kind_of(security: Mapping[str, Any]) -> str:
    """The kind of credential in our spelling: BASIC, DIGEST, OAUTH or API_KEY."""
    kind = str(security.get("type") or "").upper()
    return API_KEY if kind == "APIKEY" else kind


def plain(config: Mapping[str, Any]) -> bool:
    """Whether an address a side says it all."""
    return all(
        len(found := endpoints(config, side)) < 2
        and not any(one.get("config") for _, one in found)
        and not security_of(config, side)
        for side in SIDES
    )


def side_plan(config: Mapping[str, Any], side: str) -> dict[str, Any]:
    """What the gateway does for calls of one side; {} when it has no endpoint."""
    found = endpoints(config, side)
    if not found:
        return {}
    kind = str(config["endpoint_type"])
    plan: dict[str, Any] = {
        "kind": kind,
        "endpoints": [_endpoint(one, suspended=kind != HTTP) for _, one in found],
    }
    security = security_of(config, side)
    if security:
        plan["security"] = {**security, "type": kind_of(security)}
    return plan


def custom_parameters(security: Mapping[str, Any]) -> dict[str, str] | None:
    """What a token request carries besides; given as an object or as the JSON text of one. None:
    neither.
    """
    given = security.get("customParameters") or {}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            return None
    if not isinstance(given, dict):
        return None
    return {str(name): str(value) for name, value in given.items()}


def problems(config: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with a configuration but for its addresses."""
    kind = config.get("endpoint_type")
    if kind not in TYPES:
        yield Problem("endpointConfig.endpoint_type", f"must be one of {', '.join(TYPES)}")
        return
    if config.get("sessionManagement"):
        yield Problem("endpointConfig.sessionManagement", "sticky sessions are not available")
    algorithm = config.get("algoClassName") or config.get("algoCombo") or ROUND_ROBIN
    if kind == LOAD_BALANCE and algorithm != ROUND_ROBIN:
        yield Problem("endpointConfig.algoClassName", f"must be {ROUND_ROBIN}")
    for side in SIDES:
        found = endpoints(config, side)
        if len(found) > MAX_ENDPOINTS:
            yield Problem(f"endpointConfig.{side}_endpoints", f"at most {MAX_ENDPOINTS}")
        for where, one in found:
            yield from _config_problems(f"endpointConfig.{where}.config", one.get("config"))
        yield from _security_problems(
            f"endpointConfig.endpoint_security.{side}", security_of(config, side)
        )


def _listed(config: Mapping[str, Any], name: str) -> list[tuple[str, Mapping[str, Any]]]:
    given = config.get(name)
    if isinstance(given, Mapping):
        return [(name, given)]
    return [(f"{name}.{number}", one) for number, one in enumerate(given or ())]


def _endpoint(one: Mapping[str, Any], suspended: bool) -> dict[str, Any]:
    """Times in seconds; 0 and [] where nothing is said."""
    config = one.get("config") or {}
    made: dict[str, Any] = {"url": one["url"]}
    if config.get("actionSelect") != "never" and (seconds := _seconds(config, "actionDuration")):
        made["seconds"] = seconds
    if config.get(AUTHORITIES):
        made["authorities"] = config[AUTHORITIES]
    if suspended or config.get("suspendDuration"):
        made["suspension"] = {
            "seconds": _seconds(config, "suspendDuration") or 30.0,
            "longest": _seconds(config, "suspendMaxDuration"),
            "factor": float(config.get("factor") or 1),
            "codes": _codes(config, "suspendErrorCode"),
            "retries": int(config.get("retryTimeOut") or 0),
            "pause": _seconds(config, "retryDelay"),
            "retried": _codes(config, "retryErroCode"),
        }
    return made


def _seconds(config: Mapping[str, Any], name: str) -> float:
    return int(config.get(name) or 0) / 1000


def _codes(config: Mapping[str, Any], name: str) -> list[str]:
    given = config.get(name) or config.get(name.replace("Erro", "Error")) or ()
    given = given.split(",") if isinstance(given, str) else given
    return [str(code).strip() for code in given if str(code).strip()]


def _config_problems(where: str, config: Any) -> Iterator[Problem]:
    if config is None:
        return
    if not isinstance(config, Mapping):
        yield Problem(where, "must be an object")
        return
    for name in _NUMBERS:
        value = config.get(name)
        if value in (None, ""):
            continue
        if not str(value).isdigit() or int(value) > MAX_MS:
            yield Problem(f"{where}.{name}", f"must be a number from 0 to {MAX_MS}")
    if not _FACTOR.fullmatch(str(config.get("factor") or 1)):
        yield Problem(f"{where}.factor", "must be a number from 1 to 99")
    for name in ("suspendErrorCode", "retryErroCode"):
        if unknown := sorted(set(_codes(config, name)) - CODES):
            yield Problem(f"{where}.{name}", f"{', '.join(unknown)} are not known")
    authorities = config.get(AUTHORITIES)
    if authorities is not None and not _is_pem(authorities):
        yield Problem(f"{where}.{AUTHORITIES}", "must be certificates in PEM, up to 32 KB")


def _is_pem(text: Any) -> bool:
    if not isinstance(text, str) or len(text) > MAX_AUTHORITIES:
        return False
    if not text:
        return True
    import ssl  # what publishers rarely give

    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return bool(context.get_ca_certs())


def _security_problems(where: str, security: Mapping[str, Any]) -> Iterator[Problem]:
    if not security:
        return
    kind = kind_of(security)
    needed: Sequence[str]
    match kind:
        case "BASIC" | "DIGEST":
            needed = ("username",)
        case "OAUTH":
            needed = ("tokenUrl", "clientId")
            grant = security.get("grantType") or "CLIENT_CREDENTIALS"
            if str(grant).upper() not in ("CLIENT_CREDENTIALS", "PASSWORD"):
                yield Problem(f"{where}.grantType", "must be CLIENT_CREDENTIALS or PASSWORD")
            if security.get(AUTHORITIES) and not _is_pem(security[AUTHORITIES]):
                yield Problem(f"{where}.{AUTHORITIES}", "must be certificates in PEM, up to 32 KB")
            if custom_parameters(security) is None:
                yield Problem(f"{where}.customParameters", "must be an object of texts")
        case "API_KEY":
            needed = ("apiKeyIdentifier",)
            place = str(security.get("apiKeyIdentifierType") or "HEADER").upper()
            if place not in ("HEADER", "QUERY_PARAMETER"):
                yield Problem(f"{where}.apiKeyIdentifierType", "must be HEADER or QUERY_PARAMETER")
            name = str(security.get("apiKeyIdentifier") or "")
            if place == "HEADER" and name and not may_set(name):
                yield Problem(f"{where}.apiKeyIdentifier", "is not a header that can be set")
        case _:
            yield Problem(f"{where}.type", f"must be one of {', '.join(CREDENTIALS)}, NONE")
            return
    for name in needed:
        value = security.get(name)
        if not isinstance(value, str) or not value or not value.isprintable() or len(value) > 2048:
            yield Problem(f"{where}.{name}", "is needed, in printable characters")
