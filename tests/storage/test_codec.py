"""Records to stored bodies and back: every kind, what newer and older writers leave, and sizes."""

import json
import random
from dataclasses import MISSING, dataclass, fields, is_dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, get_args, get_origin, get_type_hints

import pytest

import portico.domain
from portico.domain.application import Client, Secret
from portico.domain.authorization import DeviceGrant, SignIn
from portico.domain.errors import TooLarge
from portico.domain.records import Record
from portico.storage.codec import decode, encode
from portico.storage.keys import PLACES


def kinds() -> list[type[Record]]:
    """Every kind of record that has a place."""
    for module in iter_modules(portico.domain.__path__):
        import_module(f"portico.domain.{module.name}")
    return [kind for kind in Record.__subclasses__() if kind.__name__ in PLACES]


def sample(hint: Any) -> Any:
    """A value of a type that is not its default."""
    if hint is Any:
        return {"any": [1, None, True, 1.5, "x"]}
    if isinstance(hint, type) and is_dataclass(hint):
        return hint(**{name: sample(one) for name, one in get_type_hints(hint).items()})
    plain = {str: "text \u2603", int: 7, float: 0.25, bool: True}
    if hint in plain:
        return plain[hint]
    inner = get_args(hint)
    if get_origin(hint) is tuple:
        return (sample(inner[0]), sample(inner[0]))
    if get_origin(hint) is list:
        return [sample(inner[0])]
    if get_origin(hint) is dict:
        return {"key": sample(inner[1])}
    return sample(inner[0])  # X | None


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_kind_comes_back_as_it_was(kind: type[Record]) -> None:
    record = sample(kind)

    assert decode(kind, encode(record), record.stamp) == record


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_what_an_older_writer_did_not_know_has_its_default(kind: type[Record]) -> None:
    needed = {
        one.name: sample(get_type_hints(kind)[one.name])
        for one in fields(kind)
        if one.default is MISSING and one.default_factory is MISSING
    }
    record = kind(**needed)

    body = encode(record)

    assert isinstance(body, str)
    assert set(json.loads(body)) == set(needed), "and what has its default takes no room"
    assert decode(kind, body, 0) == record


def test_fields_of_a_newer_writer_are_left_out() -> None:
    device = sample(DeviceGrant)
    told = json.loads(encode(device))
    told["later"] = 1
    told["sign_in"]["later"] = 1

    assert decode(DeviceGrant, json.dumps(told), device.stamp) == device


def test_a_field_that_may_be_absent_comes_back_absent() -> None:
    client = Client(
        tenant="t", client_id="c", name="n", owner="o", secrets=(Secret("1", "d"),), grant_types=()
    )

    found = decode(Client, encode(client), 3)

    assert (found.scopes, found.secrets, found.stamp) == (None, (Secret("1", "d"),), 3)


def test_numbers_are_whole_where_the_record_says_so() -> None:
    told = {"at": 5.0, "nonce": "n"}
    device = json.loads(encode(sample(DeviceGrant))) | {"sign_in": told, "expires": 9.0}

    found = decode(DeviceGrant, json.dumps(device), 1)

    assert (found.sign_in, found.expires) == (SignIn(5, "n"), 9)
    assert isinstance(found.expires, int)


@dataclass(frozen=True, kw_only=True)
class Strange(Record):
    """What nobody should store."""

    value: Any


def test_a_value_that_json_has_not_is_refused_and_not_made_text() -> None:
    with pytest.raises(TypeError):
        encode(Strange(tenant="t", value=object()))


def test_what_is_too_large_even_compressed_is_refused() -> None:
    noise = random.Random(1).randbytes(400_000).hex()  # noqa: S311 - the same noise each time

    assert isinstance(encode(Strange(tenant="t", value="x" * 20_000)), bytes)
    with pytest.raises(TooLarge):
        encode(Strange(tenant="t", value=noise))
