"""What `make deploy` gives `sam deploy`."""

import re

from tools.build.deploying import overrides


def test_parameters_win_over_samconfig_and_join_it() -> None:
    given = overrides("dev", ["CacheSeconds=9"])
    assert (given["Stage"], given["CacheSeconds"]) == ("dev", "9")
    assert re.fullmatch(r"[0-9a-f]{64}", given["SourceHash"])


def test_a_new_setting_alone_publishes_new_versions() -> None:
    hashes = {
        overrides("dev", parameters)["SourceHash"][:10]
        for parameters in ([], ["CacheSeconds=9"], ["CacheSeconds=8"])
    }
    assert len(hashes) == 3
    assert overrides("dev")["SourceHash"] == overrides("dev")["SourceHash"]


def test_the_hash_tells_nothing_of_the_password() -> None:
    assert (
        overrides("dev", ["AdminPassword=one"])["SourceHash"]
        == overrides("dev", ["AdminPassword=two"])["SourceHash"]
    )
