"""The public keys that a client registers to prove itself by (`private_key_jwt`, RFC 7523).

Fetching and using them is the token endpoint's business.
"""

from collections.abc import Callable, Mapping
from typing import Any

from portico.domain.redirect_uris import web_problem

PRIVATE_KEY_JWT = "private_key_jwt"
MAX_KEYS = 10
MAX_MEMBER = 2000  # characters of a key's member
# What only private and symmetric keys have (RFC 7518 section 6).
PRIVATE = ("d", "p", "q", "dp", "dq", "qi", "oth", "k")
# What is kept of a key: what verifying a signature takes.
KEPT = ("kty", "crv", "x", "y", "n", "e", "kid", "use", "alg")
NEEDED = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
MIN_MODULUS = 342  # base64url characters of 2048 bits

Wrong = Callable[[str, str], Exception]


def keys_of(
    given: Mapping[str, Any], method: str, wrong: Wrong
) -> tuple[list[dict[str, Any]], str]:
    """The keys of `jwks`, or the address in `jwks_uri`; raises what `wrong` makes of a fault.

    Never both (RFC 7591 section 2), and one of them for private_key_jwt.
    """
    if "jwks" in given and "jwks_uri" in given:
        raise wrong("jwks", "and jwks_uri exclude each other")
    if method == PRIVATE_KEY_JWT and not given.keys() & {"jwks", "jwks_uri"}:
        raise wrong("jwks", f"or jwks_uri is needed for {PRIVATE_KEY_JWT}")
    if "jwks_uri" in given:
        return [], _address(given["jwks_uri"], wrong)
    if "jwks" in given:
        return _keys(given["jwks"], wrong), ""
    return [], ""


def _address(value: Any, wrong: Wrong) -> str:
    problem = web_problem(value) if isinstance(value, str) else "must be a text"
    if not problem and not str(value).lower().startswith("https://"):
        problem = "must be https"
    if problem:
        raise wrong("jwks_uri", problem)
    return str(value)


def _keys(value: Any, wrong: Wrong) -> list[dict[str, Any]]:
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= MAX_KEYS:
        raise wrong("jwks", f"must have 1 to {MAX_KEYS} keys (RFC 7517 section 5)")
    for key in keys:
        problem = _problem(key)
        if problem:
            raise wrong("jwks", problem)
    return [{name: key[name] for name in KEPT if isinstance(key.get(name), str)} for key in keys]


def _problem(key: Any) -> str:
    if not isinstance(key, dict) or key.get("kty") not in NEEDED:
        return f"has a key that is not one of the types {', '.join(NEEDED)}"
    if any(name in key for name in PRIVATE):
        return "has a private or symmetric key, which nobody else may know; register a new pair"
    texts = [key.get(name) for name in NEEDED[key["kty"]]]
    if not all(isinstance(text, str) and 0 < len(text) <= MAX_MEMBER for text in texts):
        return f"has a {key['kty']} key without {', '.join(NEEDED[key['kty']])}"
    if key["kty"] == "RSA" and len(key["n"]) < MIN_MODULUS:
        return "has an RSA key of less than 2048 bits"
    if any(len(str(key.get(name, ""))) > MAX_MEMBER for name in KEPT):
        return "has a key that is too long"
    return ""
