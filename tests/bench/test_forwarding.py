"""The forwarder's figure is of calls that were made."""

import pytest

from tools.bench import forwarding


def test_what_is_added_is_the_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarding, "CALLS", 20)
    monkeypatch.setattr(forwarding, "ROUNDS", 3)
    found = forwarding.forwarding()
    assert found.keys() == {"bare", "forwarded", "added"}
    assert 0 < found["bare"] < 0.1
    assert 0 < found["forwarded"] < 0.1
    assert abs(found["added"]) < 0.1
