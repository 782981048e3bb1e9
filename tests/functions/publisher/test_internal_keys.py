"""Internal keys, by REST: for an API in any state, by those who make APIs."""

from tests.functions.publisher.conftest import Publisher


def test_a_key_for_an_api_that_is_not_published(publisher: Publisher) -> None:
    api_id = publisher.create()["id"]
    answer = publisher.call("POST", f"/apis/{api_id}/generate-key", expect=200)
    ((kind, claims),) = publisher.wiring.internal_keys.signer.asked  # type: ignore[attr-defined]
    assert kind == "internal_key"
    assert answer.json == {"apikey": f"signed.{claims['jti']}", "validityTime": 900}
    assert claims["api"] == api_id
    assert claims["sub"] == "jane@carbon.super"
    assert claims["exp"] - claims["iat"] == 900
    assert answer.headers["cache-control"] == "no-store"


def test_not_for_an_api_that_is_not_there(publisher: Publisher) -> None:
    publisher.call("POST", "/apis/nowhere/generate-key", expect=404)


def test_not_for_a_subscriber(publisher: Publisher) -> None:
    api_id = publisher.create()["id"]
    reader = publisher.as_user("sue", "Internal/subscriber")
    reader.call("POST", f"/apis/{api_id}/generate-key", expect=401)
