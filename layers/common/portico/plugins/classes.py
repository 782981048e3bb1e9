"""Classes of the plug-in layer, named `package.module.Class`.

Only packages that the operator has allowed are imported: a document is data, and may not run what
happens to be installed.
"""

import importlib
import re
from collections.abc import Collection
from typing import Any

from portico.domain.errors import NotFound

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*){1,9}", re.ASCII)
_FUNCTION = re.compile(
    r"(arn:aws[a-z-]*:lambda:[a-z0-9-]+:\d{12}:function:)?[A-Za-z0-9_-]{1,64}"
    r"(:(\$LATEST|[A-Za-z0-9_-]{1,128}))?",
    re.ASCII,
)
MAX_NAME = 200  # characters


def is_class_name(name: str) -> bool:
    """Whether this could name a class of a module."""
    return len(name) <= MAX_NAME and _NAME.fullmatch(name) is not None


def is_function_name(name: str) -> bool:
    """Whether this could be the name or ARN of a Lambda function, with or without a version."""
    return _FUNCTION.fullmatch(name) is not None


def allowed(name: str, packages: Collection[str]) -> bool:
    """Whether the name is of a class in one of the packages."""
    return is_class_name(name) and name.partition(".")[0] in packages


def load(name: str, packages: Collection[str], method: str) -> type[Any]:
    """The class, which has the method. NotFound when there is none or it is not allowed.

    What the module itself raises at its import comes through.
    """
    if not allowed(name, packages):
        raise NotFound("Class", name)
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError as exc:
        raise NotFound("Class", name) from exc
    if not isinstance(found, type) or not callable(getattr(found, method, None)):
        raise NotFound("Class", name)
    return found
