"""The operations of a REST contract as data: method, path, operation id and scopes, so that routes,
scope checks and 501s agree.

The tables in `contracts/` list the operations of WSO2 API Manager 4.x's publisher v4, devportal v3
and admin v4 contracts.
"""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

BASES = {
    "publisher": "/api/am/publisher/v4",
    "devportal": "/api/am/devportal/v3",
    "admin": "/api/am/admin/v4",
}
_PARAMETER = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Operation:
    """One operation of a contract; `path` is relative to the contract's base. No scopes: anonymous
    callers may.
    """

    method: str
    path: str
    id: str = ""
    scopes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it: the operation id, or else method and path."""
        return self.id or f"{self.method} {self.path}"


@dataclass(frozen=True)
class Contract:
    """All operations of one REST API."""

    name: str
    base: str
    operations: tuple[Operation, ...]

    def operation(self, method: str, path: str) -> Operation:
        """The operation as the contract writes it; KeyError when it has none."""
        for operation in self.operations:
            if (operation.method, operation.path) == (method, path):
                return operation
        raise KeyError(f"{self.name}: {method} {path}")

    def match(self, method: str, path: str) -> Operation | None:
        """The operation that a request means, most literal path first."""
        if not path.startswith(self.base):
            return None
        found = [
            operation
            for operation in self.operations
            if operation.method == method
            and _pattern(operation.path).fullmatch(path.removeprefix(self.base))
        ]
        return min(found, key=lambda operation: operation.path.count("{"), default=None)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(
        "".join(
            "[^/]+" if i % 2 else re.escape(part) for i, part in enumerate(_PARAMETER.split(path))
        )
    )


@cache
def contract(name: str) -> Contract:
    """`publisher`, `devportal` or `admin`."""
    rows = (Path(__file__).parent / "contracts" / f"{name}.tsv").read_text().splitlines()
    operations = tuple(
        Operation(method, path, id_, tuple(scope for scope in scopes.split(",") if scope))
        for method, path, id_, scopes in (row.split("\t") for row in rows)
    )
    return Contract(name, BASES[name], operations)
