"""Roles that a tenant knows beyond those that every deployment has."""

import uuid
from dataclasses import dataclass

from portico.domain.records import Record

NAMESPACE = uuid.UUID("7d0cf3f1-3f0f-5f6a-9a53-0f6b5a3d2c11")


@dataclass(frozen=True, kw_only=True)
class Role(Record):
    """A role; who has it is told by the users. `id` never changes, the name may."""

    name: str
    id: str
    created: int = 0  # epoch seconds


def standing(tenant: str, name: str) -> Role:
    """The role of this name as it is when nobody ever made or renamed it."""
    return Role(tenant=tenant, name=name, id=str(uuid.uuid5(NAMESPACE, f"{tenant}/{name}")))
