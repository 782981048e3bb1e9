"""The admin console's pages: a service call and a template each."""

from pathlib import Path

from portico.web.pages import Pages

PAGES = Pages(
    "Admin",
    Path(__file__).parent.parent / "templates",
    {
        "Users": "/",
        "Policies": "/policies",
        "Life cycles": "/lifecycles",
        "Tokens": "/tokens",
        "Backend JWT": "/backend-jwt",
    },
)
ADMIN_SCOPE = "apim:admin"
