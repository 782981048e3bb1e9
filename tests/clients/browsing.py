"""A stand-in for a user with a browser: it keeps cookies, follows redirects, and fills in and sends
the forms of the real pages.
"""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from lxml import html

MOST_STEPS = 15


@dataclass
class Browser:
    """One user at one browser. `decision` is their answer to every question."""

    name: str
    password: str
    decision: str = "allow"
    headings: list[str] = field(default_factory=list)  # of the pages seen, in order
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=40))

    @property
    def subject(self) -> str:
        """How tokens name the user."""
        return f"{self.name}@carbon.super"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        self.http.close()

    def authorize(self, address: str, redirect_uri: str) -> str:
        """From an application to the pages and back: where the browser is sent in the end."""
        answer = self._walk(self.http.get(address), redirect_uri, "")
        location = answer.headers.get("Location", "")
        assert location.startswith(redirect_uri), f"{answer.status_code} {answer.text}"
        return str(location)

    def connect(self, address: str, user_code: str) -> str:
        """Type the code of a device in: the heading of the last page."""
        self._walk(self.http.get(address), "", user_code)
        return self.headings[-1]

    def leave(self, address: str, redirect_uri: str) -> str:
        """The same for signing out."""
        return self.authorize(address, redirect_uri)

    def _walk(self, answer: httpx.Response, stop: str, user_code: str) -> httpx.Response:
        """On through redirects and forms, up to the address `stop` or a page that asks nothing."""
        for _ in range(MOST_STEPS):
            if answer.has_redirect_location:
                location = answer.headers["Location"]
                if stop and location.startswith(stop):
                    return answer
                answer = self.http.get(answer.url.join(location))
                continue
            assert answer.status_code == 200, f"{answer.url}: {answer.status_code} {answer.text}"
            page = html.fromstring(answer.text, base_url=str(answer.url))
            self.headings.append(str(page.xpath("string(//h1)")).strip())
            sent = self._send(page, str(answer.url), user_code)
            if sent is None:
                return answer
            answer = sent
        raise AssertionError(f"no end of pages: {self.headings}")

    def _send(self, page: Any, address: str, user_code: str) -> httpx.Response | None:
        """The form of the page that somebody would use, filled in; None when there is none."""
        typed = {"username": self.name, "password": self.password, "user_code": user_code}
        for form in page.forms:
            fields = dict(form.form_values())
            asked = {one for one in typed if one in form.fields}
            buttons = {
                (one.get("name"), one.get("value"))
                for one in form.iter("button")
                if one.get("name")
            }
            if asked:
                fields |= {name: typed[name] for name in asked}
            elif ("decision", self.decision) in buttons:
                fields["decision"] = self.decision
            else:
                continue
            target = httpx.URL(address).join(form.get("action") or "")
            parts = urlsplit(address)
            # What a browser says of itself, and a program would not think of.
            headers = {
                "Origin": f"{parts.scheme}://{parts.netloc}",
                "Sec-Fetch-Site": "same-origin",
            }
            return self.http.post(target, data=fields, headers=headers)
        return None
