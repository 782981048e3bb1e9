"""What uses throttling policies: it keeps them from being deleted, and must be able to use them."""

from collections.abc import Collection, Iterable

from portico.domain.api import Api, Delivery, Revision
from portico.domain.errors import InvalidInput, Problem
from portico.domain.policy import UNLIMITED, Level, Policy, PolicyUse
from portico.domain.records import Change, Discard, Put
from portico.ports import Records

API = "API"  # the kind of use of an API and its revisions
BANDWIDTH = (
    "the policy '{}' limits bandwidth, which nobody sees on a pass-through API: its calls go from "
    "API Gateway to the back end. Choose a policy that counts calls, or the delivery 'mediated'"
)


def policy_uses(
    tenant: str,
    level: str,
    kind: str,
    subject: str,
    before: Collection[str],
    after: Collection[str],
) -> list[Change]:
    """Changes to commit with what uses policies; their names go from `before` to `after`.

    `kind` is "application", "subscription" or "API", `subject` its id. They make `Policies.delete`
    refuse a policy that is in use; repeating them is harmless.
    """
    uses = {
        name: PolicyUse(
            tenant=tenant, level=Level(level).value, policy=name, kind=kind, subject=subject
        )
        for name in {*before, *after}
        if name
    }
    return [
        Put(use) if name in after else Discard(use)
        for name, use in sorted(uses.items())
        if (name in after) != (name in before)
    ]


def api_uses(
    before: Iterable[Api | None], after: Iterable[Api | None], tenant: str, api_id: str
) -> list[Change]:
    """Changes for an API: each side is the API and the snapshots of its revisions, as they were and
    will be. A policy that any of them names is in use.
    """
    was = [one for one in before if one is not None]
    becomes = [one for one in after if one is not None]
    changes: list[Change] = []
    for level, names in ((Level.SUBSCRIPTION, offered), (Level.API, limiting)):
        sides = [{name for one in side for name in names(one)} for side in (was, becomes)]
        changes += policy_uses(tenant, level, API, api_id, sides[0], sides[1])
    return changes


def snapshots(records: Records, api: Api) -> list[Api]:
    """The API as each of its revisions has it."""
    found = records.list(Revision, tenant=api.tenant, api_id=api.id)
    return [revision.api for revision in found]


def drops(before: Api, after: Api) -> bool:
    """Whether an API names a policy no longer."""
    return bool(offered(before) - offered(after) or limiting(before) - limiting(after))


def offered(api: Api) -> set[str]:
    """The subscription policies that an API names."""
    return set(api.policies)


def limiting(api: Api) -> set[str]:
    """The advanced policies that an API and its resources name."""
    return {api.api_throttling_policy, *(one.throttling_policy for one in api.resources)} - {""}


def check_choices(records: Records, api: Api, *, offering: bool = True) -> None:
    """InvalidInput when the API names a policy that is gone, or one that cannot be applied to how
    it is delivered. Unless it is `offering`, subscription policies may be gone: the gateway applies
    the one of a caller's subscription.
    """
    problems = choice_problems(records, api, offering=offering)
    if problems:
        text = "; ".join(f"{problem.field}: {problem.message}" for problem in problems[:5])
        raise InvalidInput(text, problems)


def choice_problems(records: Records, api: Api, *, offering: bool = True) -> list[Problem]:
    """What is wrong with the policies that an API names, by the contract's field."""
    wanted = [("policies", Level.SUBSCRIPTION, name) for name in api.policies]
    if api.api_throttling_policy:
        wanted.append(("apiThrottlingPolicy", Level.API, api.api_throttling_policy))
    named = dict.fromkeys(one.throttling_policy for one in api.resources if one.throttling_policy)
    wanted += [("operations.throttlingPolicy", Level.API, name) for name in named]
    keys = [{"tenant": api.tenant, "level": level.value, "name": name} for _, level, name in wanted]
    found = {(one.level, one.name): one for one in records.get_many(Policy, keys)} if keys else {}
    problems = []
    for field, level, name in wanted:
        policy = found.get((level.value, name))
        if policy is not None:
            if policy.measures_bandwidth and api.delivery == Delivery.PASS_THROUGH:
                problems.append(Problem(field, BANDWIDTH.format(name)))
        elif (level == Level.API and name != UNLIMITED) or (
            level == Level.SUBSCRIPTION and offering
        ):
            problems.append(Problem(field, f"there is no {level.value} policy '{name}'"))
    return problems
