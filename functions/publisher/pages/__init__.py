"""The publisher console's pages: a service call and a template each."""

from pathlib import Path

from portico.web.pages import Pages

PAGES = Pages(
    "Publisher",
    Path(__file__).parent.parent / "templates",
    {"APIs": "/", "New API": "/apis/new"},
)
