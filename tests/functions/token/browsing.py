"""A browser before the token function: it keeps cookies by path, and fills in forms."""

import base64
import re
from dataclasses import dataclass, field
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from functions.token import handler as function
from tests.events import Context

FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass
class Seen:
    """What the browser got."""

    status: int
    headers: dict[str, str]
    text: str
    cookies: list[str] = field(default_factory=list)

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def query(self) -> dict[str, str]:
        """The parameters in the address that it is sent to."""
        return dict(parse_qsl(urlsplit(self.location).query))

    @property
    def hidden(self) -> dict[str, str]:
        """The hidden fields of the page's forms."""
        return {unescape(name): unescape(value) for name, value in FIELD.findall(self.text)}


@dataclass
class Browser:
    """One browser: another one has other cookies."""

    jar: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> value, path
    address: str = "203.0.113.7"

    def get(self, address: str, **query: str) -> Seen:
        parts = urlsplit(address)
        text = "&".join(part for part in (parts.query, urlencode(query)) if part)
        return self.send("GET", parts.path, text)

    def post(self, address: str, fields: dict[str, str], **headers: str) -> Seen:
        """A form of the page before."""
        given = {"sec-fetch-site": "same-origin", **headers}
        return self.send("POST", urlsplit(address).path, "", urlencode(fields), given)

    def send(
        self,
        method: str,
        path: str,
        query: str,
        body: str = "",
        headers: dict[str, str] | None = None,
    ) -> Seen:
        cookies = [
            f"{name}={value}" for name, (value, home) in self.jar.items() if path.startswith(home)
        ]
        event: dict[str, Any] = {
            "version": "2.0",
            "rawPath": path,
            "rawQueryString": query,
            "headers": {
                "host": "127.0.0.1:8280",
                "content-type": "application/x-www-form-urlencoded",
                **(headers or {}),
            },
            "cookies": cookies,
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": self.address},
                "stage": "$default",
            },
            "body": base64.b64encode(body.encode()).decode(),
            "isBase64Encoded": True,
        }
        answered = function.handler(event, Context("token"))
        set_cookies = list(answered.get("cookies", []))
        for cookie in set_cookies:
            self._keep(cookie)
        return Seen(answered["statusCode"], answered["headers"], answered["body"], set_cookies)

    def _keep(self, cookie: str) -> None:
        first, *attributes = cookie.split("; ")
        name, _, value = first.partition("=")
        if "Max-Age=0" in attributes:
            self.jar.pop(name, None)
            return
        path = next(one.removeprefix("Path=") for one in attributes if one.startswith("Path="))
        self.jar[name] = (value, path)
