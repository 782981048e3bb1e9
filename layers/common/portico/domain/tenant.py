"""Tenants, and how user names and API contexts carry them."""

from dataclasses import dataclass, field

from portico.domain.records import Record

SUPER_TENANT = "carbon.super"


@dataclass(frozen=True, kw_only=True)
class Tenant(Record):
    """One organisation's own space of APIs, users and policies."""

    created: int = 0  # epoch seconds
    settings: dict[str, str] = field(default_factory=dict)


def split_user(name: str) -> tuple[str, str]:
    """`jane@acme.com` -> (`jane`, `acme.com`); a name without tenant belongs to the super tenant.

    An e-mail address as user name keeps its own `@`: only the part after the last one is the
    tenant.
    """
    user, at, tenant = name.rpartition("@")
    return (user, tenant) if at and user else (name, SUPER_TENANT)


def join_user(user: str, tenant: str) -> str:
    """The full name as tokens carry it: `jane@carbon.super`."""
    return f"{user}@{tenant}"


def shown_user(user: str, tenant: str) -> str:
    """The name as REST resources show it: without `@carbon.super`."""
    return user if tenant == SUPER_TENANT else join_user(user, tenant)


def tenant_of_path(path: str) -> str:
    """`/t/acme.com/shop/1.0/menu` belongs to `acme.com`, everything else to the super tenant."""
    parts = path.split("/", 3)
    return parts[2] if len(parts) > 3 and parts[1] == "t" and parts[2] else SUPER_TENANT
