"""`make demo`: the main journey over real HTTP, each request and its outcome shown.

Makes an API, an application and a policy of its own, and takes them away at the end. Steps as in
docs: credentials, APIs, publishing, subscribing, calling, refusals, pass-through.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.local import client
from tools.local.client import Answer, Http, Portico
from tools.local.site import LocalError, Site

DEFINITION = Path(__file__).with_name("data") / "pizza-shop.yaml"
VERSION = "1.0.0"
# A change may take this long to reach the gateway (its caches hold for five seconds).
PATIENCE_SECONDS = 12.0
_SECRET = re.compile(
    r'("(?:access_token|refresh_token|id_token|consumerSecret|clientSecret|password|accessToken)"'
    r'\s*:\s*")([^"]{6})[^"]*'
)


class Mismatch(Exception):
    """An answer that the journey does not have here."""


class Screen:
    """Prints steps, and each request with the first lines of its answer; secrets are cut."""

    def __init__(self) -> None:
        self.quiet = False
        self.calls = 0

    def step(self, number: int, text: str) -> None:
        print(f"\n{number}. {text}\n")

    def say(self, text: str) -> None:
        print(f"   {text}")

    def watch(self, method: str, url: str, sent: Any, answer: Answer) -> None:
        self.calls += 1
        if self.quiet:
            return
        print(f"   {method} {url.partition('?')[0]}  ->  {answer.status}")
        text = _SECRET.sub(r"\1\2...", " ".join(answer.text.split()))
        if text:
            print(f"      {text[:150]}{'...' if len(text) > 150 else ''}")


class Journey:
    """One walk; what earlier steps made stays for the later ones."""

    def __init__(self, site: Site, screen: Screen) -> None:
        self._screen = screen
        self._endpoints = site.read_endpoints()
        self._backend = site.url("backend")
        self._portico = Portico(self._endpoints, screen.watch)
        self._mark = f"{int(time.time()) % 1_000_000:06d}"
        self._context = f"/pizza-{self._mark}"
        self._made: list[Callable[[], Any]] = []
        self._gateway = self._portico.http("gateway")

    def walk(self) -> None:
        self._credentials()
        self._apis()
        self._publish()
        self._subscribe()
        self._call()
        self._refusals()
        self._pass_through()

    def clean_up(self) -> None:
        """Takes away what the walk made; what is gone already does not matter."""
        self._screen.quiet = True
        while self._made:
            self._made.pop()()

    # The steps

    def _credentials(self) -> None:
        self._screen.step(1, "A publisher registers a REST client and gets a token")
        self._publisher = self._portico.publisher()
        self._screen.say("A developer asks for the same scopes, and gets none of them:")
        registered = self._portico.register("developer")
        answer = self._portico.token(
            registered,
            grant_type="password",
            username="developer",
            password=self._portico.password("developer"),
            scope="apim:api_create apim:api_publish apim:subscribe",
        ).expect(200)
        self._demand("apim:api_create" not in answer.json.get("scope", ""), "no publisher's scope")

    def _apis(self) -> None:
        self._screen.step(2, "The publisher makes an API from OpenAPI, and another from JSON")
        about = {
            "name": f"PizzaDemo{self._mark}",
            "version": VERSION,
            "context": self._context,
            "policies": ["Unlimited"],
            "endpointConfig": client.endpoint_config(self._backend),
        }
        imported = client.import_api(self._publisher, DEFINITION.read_bytes(), about).expect(201)
        self._api: str = imported.json["id"]
        self._remove_later(self._publisher, f"/apis/{self._api}")
        plain = {
            **about,
            "name": f"SmallDemo{self._mark}",
            "context": f"/small-{self._mark}",
            "operations": [{"target": "/*", "verb": "GET"}],
        }
        self._small: str = self._publisher.post("/apis", plain).expect(201).json["id"]
        self._remove_later(self._publisher, f"/apis/{self._small}")
        self._screen.say("The same context again is refused:")
        self._publisher.post("/apis", {**plain, "name": f"Thief{self._mark}"}).expect(409)

    def _publish(self) -> None:
        self._screen.step(3, "A revision, its deployment, and Publish")
        client.deploy_revision(self._publisher, self._api)
        client.change_state(self._publisher, self._api, "Publish").expect(200)
        self._screen.say("The other one gets its revision by being published:")
        client.change_state(self._publisher, self._small, "Publish").expect(200)
        listed = self._publisher.get(f"/apis/{self._small}/revisions").expect(200).json
        self._demand(listed["count"] == 1, "one revision")
        self._publisher.get(f"/apis/{self._api}/lifecycle-history").expect(200)

    def _subscribe(self) -> None:
        self._screen.step(4, "A developer finds it, subscribes and gets keys and tokens")
        self._store = self._portico.store()
        found = self._store.get("/apis", query={"query": f"PizzaDemo{self._mark}"})
        self._demand(client.find(found, id=self._api) is not None, "the API in the store")
        application = {"name": f"Demo {self._mark}", "throttlingPolicy": "Unlimited"}
        self._application: str = (
            self._store.post("/applications", application).expect(201).json["applicationId"]
        )
        self._remove_later(self._store, f"/applications/{self._application}")
        self._subscription = self._subscribe_to(self._api, "Unlimited")
        keys = client.generate_keys(self._store, self._application)
        self._keys = keys["consumerKey"], keys["consumerSecret"]
        self._token = self._fetch_token(grant_type="client_credentials")
        user = self._portico.token(
            self._keys,
            grant_type="password",
            username="developer",
            password=self._portico.password("developer"),
            scope="order_pizza",
        ).expect(200)
        refreshed = self._portico.token(
            self._keys, grant_type="refresh_token", refresh_token=user.json["refresh_token"]
        ).expect(200)
        self._user_token: str = refreshed.json["access_token"]

    def _call(self) -> None:
        self._screen.step(5, "Calls through the gateway reach the back end with a signed JWT")
        menu = self._get("/menu", self._token).expect(200)
        claims = self._claims(menu)
        self._demand(claims["usertype"] == "APPLICATION", "usertype APPLICATION")
        received = menu.json["_received"]["headers"]
        self._demand("authorization" not in received, "the access token stays at the gateway")
        self._screen.say("The same with a user's token, and an order:")
        order = self._get(
            "/order", self._user_token, "POST", json_body={"pizza": "Funghi", "quantity": 2}
        ).expect(201)
        self._demand(self._claims(order)["usertype"] == "APPLICATION_USER", "APPLICATION_USER")
        self._get(f"/order/{order.json['id']}/delivery", self._user_token).expect(200)

    def _refusals(self) -> None:
        self._screen.step(6, "Refusals, each with its status and code")
        ours, small = self._token, f"/small-{self._mark}"
        head, _, signature = ours.rpartition(".")
        tampered = f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"
        self._refused("no token", self._get("/menu"), 401, "900902")
        self._refused("nonsense", self._get("/menu", "nonsense"), 401, "900901")
        self._refused("tampered token", self._get("/menu", tampered), 401, "900901")
        self._refused("expired token", self._get("/menu", self._expired()), 401, "900903")
        gone = self._fetch_token(grant_type="client_credentials", scope="device_1")
        self._revoke(gone)
        self._until("revoked token", lambda: self._get("/menu", gone), 401)
        other = self._gateway_call(f"{small}/{VERSION}/menu", ours)
        self._refused("another API's token", other, 403, "900908")
        self._refused("unknown API", self._gateway_call("/nowhere/1/x", ours), 404)
        self._refused("unknown path", self._get("/nothing", ours), 404)
        self._refused("verb not in the API", self._get("/menu", ours, "DELETE"), 405)
        order = self._get("/order", ours, "POST", json_body={"pizza": "Funghi"})
        self._refused("missing scope", order, 403, "900910")
        self._refused("only for users", self._get("/order/1/delivery", ours), 401, "900905")
        self._blocked_subscription(ours)
        self._over_the_limit(ours, small)
        client.change_state(self._publisher, self._api, "Block").expect(200)
        self._until("blocked API", lambda: self._get("/menu", ours), 503, code="700700")
        client.change_state(self._publisher, self._api, "Re-Publish").expect(200)
        self._until("published again", lambda: self._get("/menu", ours), 200)
        for action in ("Deprecate", "Retire"):
            client.change_state(self._publisher, self._small, action).expect(200)
        self._until("retired", lambda: self._gateway_call(f"{small}/{VERSION}/menu", ours), 404)
        xml = self._get("/menu", headers={"Accept": "application/xml"})
        self._demand(xml.text.lstrip().startswith("<") and "900902" in xml.text, "an XML fault")

    def _pass_through(self) -> None:
        self._screen.step(7, "The same API as pass-through: API Gateway calls the back end itself")
        api = self._publisher.get(f"/apis/{self._api}").expect(200).json
        api["additionalProperties"] = [
            {"name": "portico_delivery", "value": "pass-through", "display": False}
        ]
        api.pop("additionalPropertiesMap", None)
        self._publisher.call("PUT", f"/apis/{self._api}", json_body=api).expect(200)
        client.deploy_revision(self._publisher, self._api)
        forged = {"X-JWT-Assertion": "forged"}
        passed = self._until(
            "call with a forged assertion",
            lambda: self._get("/menu", self._token, headers=forged),
            200,
            accept=lambda answer: "via" in answer.json["_received"]["headers"],
        )
        self._demand(self._claims(passed)["usertype"] == "APPLICATION", "our assertion, not theirs")
        self._screen.say("Demoted, its route is gone and the gateway knows it no more:")
        client.change_state(self._publisher, self._api, "Demote to Created").expect(200)
        self._until("after demotion", lambda: self._get("/menu", self._token), 401, 403, 404, 503)

    # What the steps need

    def _blocked_subscription(self, ours: str) -> None:
        query = {"subscriptionId": self._subscription, "blockState": "BLOCKED"}
        block, unblock = "/subscriptions/block-subscription", "/subscriptions/unblock-subscription"
        self._publisher.call("POST", block, query=query).expect(200)
        self._until("blocked subscription", lambda: self._get("/menu", ours), 401, code="900907")
        self._publisher.call("POST", unblock, query={"subscriptionId": self._subscription}).expect(
            200
        )
        self._until("unblocked", lambda: self._get("/menu", ours), 200)

    def _over_the_limit(self, ours: str, context: str) -> None:
        name = f"Three{self._mark}"
        admin = self._portico.admin()
        policy = {
            "policyName": name,
            "displayName": name,
            "description": "three calls a day",
            "defaultLimit": {
                "type": "REQUESTCOUNTLIMIT",
                "requestCount": {"timeUnit": "days", "unitTime": 1, "requestCount": 3},
            },
            "stopOnQuotaReach": True,
        }
        made = admin.post("/throttling/policies/subscription", policy).expect(201).json
        api = self._publisher.get(f"/apis/{self._small}").expect(200).json
        api["policies"] = ["Unlimited", name]
        self._publisher.call("PUT", f"/apis/{self._small}", json_body=api).expect(200)
        self._subscribe_to(self._small, name)
        # Removed before the API and the application, so not last in, first out.
        self._made.insert(
            0,
            lambda: admin.call("DELETE", f"/throttling/policies/subscription/{made['policyId']}"),
        )
        path = f"{context}/{VERSION}/menu"
        self._until("within the limit", lambda: self._gateway_call(path, ours), 200)
        refused = self._until(
            "over the limit", lambda: self._gateway_call(path, ours), 429, code="900804"
        )
        self._demand(int(refused.headers["retry-after"]) > 0, "Retry-After")

    def _expired(self) -> str:
        made = self._store.post(
            f"/applications/{self._application}/generate-keys",
            {
                "keyType": "SANDBOX",
                "grantTypesToBeSupported": ["client_credentials"],
                "additionalProperties": {"application_access_token_expiry_time": 1},
            },
        ).expect(200)
        keys = made.json["consumerKey"], made.json["consumerSecret"]
        answer = self._portico.token(keys, grant_type="client_credentials").expect(200)
        time.sleep(1.5)
        token: str = answer.json["access_token"]
        return token

    def _revoke(self, token: str) -> None:
        authorization = client.basic(*self._keys)
        http = self._portico.http("token", authorization=authorization)
        http.post("/oauth2/revoke", form={"token": token}).expect(200)

    def _subscribe_to(self, api_id: str, policy: str) -> str:
        wish = {
            "applicationId": self._application,
            "apiId": api_id,
            "throttlingPolicy": policy,
        }
        made = self._store.post("/subscriptions", wish).expect(201).json
        subscription: str = made["subscriptionId"]
        self._remove_later(self._store, f"/subscriptions/{subscription}")
        return subscription

    def _fetch_token(self, **form: str) -> str:
        token: str = self._portico.token(self._keys, **form).expect(200).json["access_token"]
        return token

    def _get(self, path: str, token: str = "", method: str = "GET", **more: Any) -> Answer:
        return self._gateway_call(f"{self._context}/{VERSION}{path}", token, method, **more)

    def _gateway_call(self, path: str, token: str = "", method: str = "GET", **more: Any) -> Answer:
        headers = {**more.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return self._gateway.call(method, path, headers=headers, **more)

    def _claims(self, answer: Answer) -> dict[str, Any]:
        """The short names of the claims that the back end received; the signature is checked."""
        import jwt

        token = answer.json["_received"]["headers"]["x-jwt-assertion"]
        keys = self._portico.http("token").get("/oauth2/jwks").expect(200).json
        key_id = jwt.get_unverified_header(token)["kid"]
        key = jwt.PyJWKSet.from_dict(keys)[key_id]
        claims = jwt.decode(
            token, key.key, algorithms=["ES256", "RS256"], options={"verify_aud": False}
        )
        self._screen.say(f"X-JWT-Assertion verified against /oauth2/jwks, {len(claims)} claims")
        return {name.rpartition("/")[2]: value for name, value in claims.items()}

    def _refused(self, what: str, answer: Answer, status: int, code: str = "") -> None:
        right = answer.status == status and (not code or str(answer.json["code"]) == code)
        self._demand(right, f"{what}: {status} {code}", answer)

    def _until(
        self,
        what: str,
        call: Callable[[], Answer],
        *statuses: int,
        code: str = "",
        accept: Callable[[Answer], bool] = lambda _: True,
    ) -> Answer:
        """The first answer as wanted; a change may need a moment to reach the gateway."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        self._screen.quiet = True
        try:
            while True:
                answer = call()
                right = answer.status in statuses
                right = right and (not code or str(answer.json["code"]) == code) and accept(answer)
                if right or time.monotonic() > deadline:
                    break
                time.sleep(0.3)
        finally:
            self._screen.quiet = False
        self._screen.watch("GET", answer.url, None, answer)
        self._demand(right, f"{what}: {answer.status if right else statuses[0]} {code}", answer)
        return answer

    def _remove_later(self, http: Http, path: str) -> None:
        self._made.append(lambda: http.call("DELETE", path))

    def _demand(self, true: bool, what: str, answer: Answer | None = None) -> None:
        if not true:
            got = f"; got {answer.status}: {answer.text[:500]}" if answer else ""
            raise Mismatch(f"expected {what}{got}")
        self._screen.say(f"as expected: {what}")


def run(site: Site) -> int:
    """Walks the journey on the running platform; 0 when every step went as it should."""
    if not site.read_endpoints():
        raise LocalError("Nothing runs yet. Start it with: make up")
    screen = Screen()
    journey = Journey(site, screen)
    started = time.monotonic()
    try:
        journey.walk()
    except (Mismatch, client.Unexpected, OSError) as error:
        print(f"\nThe demo stops here: {error}", file=sys.stderr)
        return 1
    finally:
        journey.clean_up()
    seconds = time.monotonic() - started
    print(f"\nAll seven steps went as they should: {screen.calls} requests in {seconds:.0f} s.")
    return 0
