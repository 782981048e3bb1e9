"""Passwords, users and the demo API of a fresh platform, made through the product's own REST."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any

from tools.local import client
from tools.local.site import SERVICES, LocalError, Site, read_kept, write_atomically

# Roles as the product names them. The admin is made by the deployment itself.
USERS: dict[str, list[str]] = {
    "admin": ["admin"],
    "publisher": ["Internal/publisher", "Internal/creator"],
    "creator": ["Internal/creator"],
    "developer": ["Internal/subscriber"],
}
API, VERSION, CONTEXT = "PizzaShop", "1.0.0", "/pizza"
APPLICATION = "PizzaApp"


def passwords(site: Site) -> dict[str, str]:
    """One for each demo user, made once for this machine and kept where only its owner reads."""
    known: dict[str, str] = read_kept(site.passwords_file)
    made = {name: known.get(name) or secrets.token_urlsafe(12) for name in USERS}
    if made != known:
        write_atomically(site.passwords_file, json.dumps(made, indent=2), private=True)
    return made


class Failed(Exception):
    """The product refused a part of the demo."""


def seed(site: Site) -> dict[str, Any]:
    """Makes what is missing of users and demo API; tells how to call the API.

    May be repeated: what is there is left as it is.
    """
    try:
        return _seed(site)
    except (client.Unexpected, OSError, KeyError) as error:
        raise Failed(str(error)) from error


def _seed(site: Site) -> dict[str, Any]:
    portico = client.Portico(site.read_endpoints())
    for name, roles in USERS.items():
        if name != "admin":
            portico.make_user(name, portico.password(name), f"{name}@example.com", roles)
    api = _published_api(portico.publisher(), site)
    keys = _subscribed_keys(portico.store(), api["id"], site)
    return {
        "api": {"id": api["id"], "name": API, "version": VERSION, "context": CONTEXT},
        **keys,
        "curl": _curl(site, keys),
    }


def _published_api(publisher: client.Http, site: Site) -> dict[str, Any]:
    query = {"query": f"name:{API}", "limit": "100"}
    api = client.find(publisher.get("/apis", query=query), name=API, version=VERSION)
    if api is None:
        properties = {
            "name": API,
            "version": VERSION,
            "context": CONTEXT,
            "policies": ["Bronze", "Silver", "Gold", "Unlimited"],
            "endpointConfig": client.endpoint_config(site.url("backend")),
        }
        definition = (Path(__file__).with_name("data") / "pizza-shop.yaml").read_bytes()
        api = client.import_api(publisher, definition, properties).expect(201).json
    if api.get("lifeCycleStatus") == "CREATED":
        # Publishing makes and deploys a revision where there is none.
        client.change_state(publisher, api["id"], "Publish").expect(200)
    made: dict[str, Any] = api
    return made


def _subscribed_keys(store: client.Http, api_id: str, site: Site) -> dict[str, str]:
    query = {"query": APPLICATION, "limit": "100"}
    application = client.find(store.get("/applications", query=query), name=APPLICATION)
    if application is None:
        application = (
            store.post(
                "/applications",
                {"name": APPLICATION, "throttlingPolicy": "Unlimited", "tokenType": "JWT"},
            )
            .expect(201)
            .json
        )
    of_application = {"applicationId": application["applicationId"], "limit": "100"}
    if client.find(store.get("/subscriptions", query=of_application), apiId=api_id) is None:
        store.post(
            "/subscriptions",
            {
                "applicationId": application["applicationId"],
                "apiId": api_id,
                "throttlingPolicy": "Unlimited",
            },
        ).expect(201)
    known: dict[str, str] = {}
    with suppress(LocalError):
        # A consumer secret is shown once, when it is made; a lost one is replaced.
        known = read_kept(site.demo_file)
    if known.get("applicationId") != application["applicationId"]:
        path = f"/applications/{application['applicationId']}/oauth-keys"
        made = client.find(store.get(path), keyType="PRODUCTION")
        if made is None:
            made = client.generate_keys(store, application["applicationId"])
        else:
            again = store.post(f"{path}/{made['keyMappingId']}/regenerate-secret").expect(200).json
            made = {**made, **again}
        known = {
            "applicationId": application["applicationId"],
            "consumerKey": made["consumerKey"],
            "consumerSecret": made["consumerSecret"],
        }
        write_atomically(site.demo_file, json.dumps(known), private=True)
    return known


def _curl(site: Site, keys: dict[str, str]) -> list[str]:
    gateway, key = site.url("gateway"), f"{keys['consumerKey']}:{keys['consumerSecret']}"
    return [
        f"TOKEN=$(curl -s -u {key} -d grant_type=client_credentials {gateway}/oauth2/token \\",
        "  | python3 -c 'import json,sys; print(json.load(sys.stdin)[\"access_token\"])')",
        f'curl -H "Authorization: Bearer $TOKEN" {gateway}{CONTEXT}/{VERSION}/menu',
    ]


def write_endpoints(site: Site, demo: dict[str, Any]) -> None:
    """`endpoints.json`: base URLs and users for scripts; `demo` is what `seed` returned."""
    known = passwords(site)
    gateway = site.url("gateway")
    content = {
        **{service: site.url(service) for service in SERVICES},
        "token": gateway,
        "dcr": gateway,
        "stack": site.stack,
        "region": "us-east-1",
        "users": [
            {
                "name": name,
                "password": known[name],
                "roles": roles,
                "email": f"{name}@example.com",
            }
            for name, roles in USERS.items()
        ],
        "demo": demo,
    }
    write_atomically(site.endpoints_file, json.dumps(content, indent=2), private=True)


def table(site: Site) -> str:
    """The addresses, users and a command to paste, for the terminal."""
    endpoints = site.read_endpoints()
    rows = [
        ("gateway", endpoints["gateway"]),
        ("token endpoint", f"{endpoints['token']}/oauth2/token"),
        ("publisher", endpoints["publisher"]),
        ("store", endpoints["store"]),
        ("admin", endpoints["admin"]),
        ("demo back end", endpoints["backend"]),
        ("embedded AWS", endpoints["aws"]),
    ]
    lines = [f"  {name:<16} {url}" for name, url in rows]
    lines += ["", f"  {'user':<16} {'password':<20} roles"]
    lines += [
        f"  {user['name']:<16} {user['password']:<20} {', '.join(user['roles'])}"
        for user in endpoints["users"]
    ]
    demo = endpoints.get("demo", {})
    if demo.get("curl"):
        lines += ["", "Call the demo API:", "", *demo["curl"]]
    lines += ["", "  Mails that are sent stay here: make mails shows them."]
    lines += ["", f"  The same stands in {site.endpoints_file}"]
    return "\n".join(lines)
