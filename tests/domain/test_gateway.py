"""What a revocation ends."""

import pytest

from portico.domain.gateway import Revocation


@pytest.mark.parametrize(
    ("since", "issued", "now", "ended"),
    [
        (0, 500, 600, True),
        (0, 500, 999, True),
        (0, 500, 1000, False),
        (500, 499, 600, True),
        (500, 500, 600, True),
        (500, 501, 600, False),
    ],
)
def test_it_ends_tokens_up_to_its_moment_and_lasts_its_time(
    since: int, issued: int, now: float, ended: bool
) -> None:
    revocation = Revocation(tenant="carbon.super", subject="client:x", expires=1000, since=since)

    assert revocation.ends(issued, now) is ended
