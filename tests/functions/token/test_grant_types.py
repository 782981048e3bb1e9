"""The grant types that keys may have are those that the token endpoint answers."""

from functions.token.grants import GRANTS
from portico.domain.grant_types import GRANT_TYPES, offered
from portico.domain.token_rules import TokenRules


def test_the_grant_types_offered_are_those_answered() -> None:
    assert set(GRANT_TYPES) == set(GRANTS)


def test_a_tenant_offers_what_its_rules_name_and_its_plug_ins() -> None:
    plugin = "https://acme.example/grants/badge"
    rules = TokenRules(tenant="acme.example", plugins={plugin: "acme:Badge"})
    assert offered(rules) == (*GRANT_TYPES, plugin)
    few = TokenRules(tenant="acme.example", grants=("password", plugin), plugins=rules.plugins)
    assert offered(few) == ("password", plugin)
