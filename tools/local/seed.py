"""Passwords, users and the demo API of a fresh platform, made through the product's own REST."""

from __future__ import annotations

import json
import secrets
from typing import Any

from tools.local.site import SERVICES, Site, write_atomically

# Roles as the product names them. The admin is made by the deployment itself.
USERS: dict[str, list[str]] = {
    "admin": ["admin"],
    "publisher": ["Internal/publisher", "Internal/creator"],
    "creator": ["Internal/creator"],
    "developer": ["Internal/subscriber"],
}


def passwords(site: Site) -> dict[str, str]:
    """One for each demo user, made once for this machine and kept in a file only its owner reads."""
    known: dict[str, str] = {}
    if site.passwords_file.exists():
        known = json.loads(site.passwords_file.read_text())
    made = {name: known.get(name) or secrets.token_urlsafe(12) for name in USERS}
    if made != known:
        write_atomically(site.passwords_file, json.dumps(made, indent=2), private=True)
    return made


def seed(site: Site) -> dict[str, Any]:
    """Makes what is missing of users and demo API; tells how to call the API."""
    return {}


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
    lines += ["", f"  The same stands in {site.endpoints_file}"]
    return "\n".join(lines)
