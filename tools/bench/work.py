"""What a call costs in a warm environment: decisions of the authorizer, and token issue."""

import json
from dataclasses import replace
from statistics import median

from tools.bench.packages import Packages
from tools.bench.stand import Stand
from tools.bench.starts import authorizer_event, run, starts

CALLS = 3000


def decisions(stand: Stand, packages: Packages) -> dict[str, float]:
    """Processor seconds of one decision in a process that has answered before.

    `warm` is the mean with everything cached, leases and renewals of the cache included;
    `warm_median` the usual one. `new_token`: each call brings a token that was not seen before.
    `no_cache`: every record is read again each time, in one request.
    """
    name = "AuthorizerFunction"
    paths, handler = packages.paths(name), packages.handler(name)
    given = authorizer_event(stand.token())
    warm = run(stand, paths, handler, given, [given] * CALLS)["warm"]
    tokens = [authorizer_event(stand.token()) for _ in range(CALLS // 10)]
    new = run(stand, paths, handler, given, tokens)["warm"]
    never = replace(stand, environment={**stand.environment, "PORTICO_CACHE_SECONDS": "0.000001"})
    uncached = run(never, paths, handler, given, [given] * (CALLS // 10))["warm"]
    return {
        "warm": sum(warm) / len(warm),
        "warm_median": median(warm),
        "new_token": median(new),
        "no_cache": median(uncached),
    }


def token_issue(stand: Stand, packages: Packages) -> dict[str, float]:
    """Processor seconds of one token by client_credentials, with the database call it needs."""
    name = "TokenFunction"
    start = next(each for each in starts(stand) if each.function == name)
    result = run(
        stand,
        packages.paths(name),
        packages.handler(name),
        start.event,
        [start.event] * (CALLS // 10),
    )
    assert "access_token" in json.loads(result["answer"]["body"])  # noqa: S101 - a sanity check
    taken = median(result["warm"])
    return {"client_credentials": taken, "per_second_of_cpu": 1 / taken}
