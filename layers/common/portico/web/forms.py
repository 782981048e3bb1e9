"""Bodies of HTML forms (application/x-www-form-urlencoded)."""

from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler.api_gateway import Router

from portico.domain.errors import InvalidInput
from portico.web.rest import header, raw_body

MAX_FIELDS = 2000  # the longest form, of a policy, has 20 groups of conditions


def form(router: Router) -> dict[str, str]:
    """The fields of a form; of a repeated field the last value counts."""
    if not header(router, "content-type").startswith("application/x-www-form-urlencoded"):
        raise InvalidInput.of("Content-Type", "application/x-www-form-urlencoded is expected")
    try:
        text = raw_body(router).decode()
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError as exc:
        raise InvalidInput.of("body", f"is not a form that can be read: {exc}") from exc
