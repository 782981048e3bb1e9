"""How often a warm token function calls DynamoDB for a token, by grant: what botocore sends.

Runs by itself in the environment of a stand: `python calls.py`; writes {grant: {"reads", "writes"}}
as JSON.
"""

import base64
import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT), str(ROOT / "layers" / "common")]

from functions.token import handler as function  # noqa: E402
from portico.domain.application import Client, Secret  # noqa: E402
from portico.domain.records import Put  # noqa: E402
from portico.domain.tenant import SUPER_TENANT  # noqa: E402
from portico.domain.user import SUBSCRIBER, User  # noqa: E402
from portico.services.clients import digest  # noqa: E402
from portico.services.passwords import Passwords  # noqa: E402
from tools.bench.tokens.portico_server import Context  # noqa: E402

NAME, SECRET = "bench-calls", "bench-secret"  # of this run only
READS = frozenset(("GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"))


def main() -> None:
    records = function.wiring().records
    records.commit(
        Put(
            User(
                tenant=SUPER_TENANT,
                name=NAME,
                id=NAME,
                password=Passwords().hash(SECRET),
                roles=(SUBSCRIBER,),
            )
        ),
        Put(
            Client(
                tenant=SUPER_TENANT,
                client_id=NAME,
                name=NAME,
                owner=NAME,
                secrets=(Secret(NAME, digest(SECRET)),),
                grant_types=("client_credentials", "password", "refresh_token"),
                application_id="bench-application",
                application_owner=NAME,
            )
        ),
    )
    calls: Counter[str] = Counter()
    function._records().client.meta.events.register(
        "before-call.dynamodb", lambda model, **_: calls.update([model.name])
    )
    password = {"grant_type": "password", "username": NAME, "password": SECRET}
    found = {}
    plain = {"grant_type": "client_credentials"}
    scoped = {**plain, "scope": "order"}
    answered = _token(plain)
    for name, form in {
        "client_credentials": plain,
        # What decides about scopes is read, and remembered for PORTICO_CACHE_SECONDS.
        "client_credentials_first_scope": scoped,
        "client_credentials_scope": scoped,
        "password": password,
    }.items():
        calls.clear()
        answered = _token(form)
        found[name] = _counted(calls)
    for _ in range(2):
        calls.clear()
        answered = _token(
            {"grant_type": "refresh_token", "refresh_token": answered["refresh_token"]}
        )
        found["refresh_token"] = _counted(calls)
    print(json.dumps(found))


def _token(form: dict[str, str]) -> dict[str, Any]:
    basic = base64.b64encode(f"{NAME}:{SECRET}".encode()).decode()
    event = {
        "version": "2.0",
        "rawPath": "/oauth2/token",
        "headers": {
            "authorization": f"Basic {basic}",
            "content-type": "application/x-www-form-urlencoded",
        },
        "requestContext": {"http": {"method": "POST", "sourceIp": "203.0.113.7"}},
        "body": urlencode(form),
    }
    answered = function.handler(event, Context())  # type: ignore[arg-type]
    body: dict[str, Any] = json.loads(answered["body"])
    if "access_token" not in body:
        raise RuntimeError(f"No token: {body}")
    return body


def _counted(calls: Counter[str]) -> dict[str, int]:
    reads = sum(count for name, count in calls.items() if name in READS)
    return {"reads": reads, "writes": calls.total() - reads}


if __name__ == "__main__":
    main()
