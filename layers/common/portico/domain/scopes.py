"""The scopes of the REST APIs and the roles whose users may have them, by WSO2's defaults.

Scopes that an API declares are not here: they belong to their API (`portico.domain.api.Scope`).
"""

from collections.abc import Iterable

from portico.domain.user import ADMIN, CREATOR, PUBLISHER, SUBSCRIBER

DEFAULT = "default"  # what a token carries when no scope was granted
DEVOPS = "Internal/devops"
OBSERVER = "Internal/observer"
ANALYTICS = "Internal/analytics"
INTEGRATION = "Internal/integration_dev"

# One row a set of roles; an administrator may have every scope and is not repeated. The source is
# the `RESTAPIScopes` of WSO2's tenant configuration. Scopes of the contracts which that leaves out
# (organizations, approval of subscriptions, client registration) go to the roles that do such work.
_ROWS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        (),
        """
        apim:admin apim:admin_alert_manage apim:admin_application_view apim:admin_operations
        apim:admin_settings apim:admin_tier_manage apim:admin_tier_view apim:api_category
        apim:api_manage apim:api_provider_change apim:api_workflow_approve apim:api_workflow_view
        apim:app_owner_change apim:app_settings_change apim:bl_manage apim:bl_view apim:bot_data
        apim:environment_manage apim:environment_read apim:gateway_policy_manage
        apim:gov_policy_manage apim:gov_rule_manage apim:keymanagers_manage
        apim:llm_provider_manage apim:mcp_server_manage apim:organization_manage
        apim:organization_read apim:role_manage apim:scope_manage apim:shared_scope_manage
        apim:tenantInfo apim:tenant_theme_manage apim:tier_manage
        """,
    ),
    (
        (CREATOR,),
        """
        apim:api_create apim:api_delete apim:api_mediation_policy_manage
        apim:client_certificates_add apim:client_certificates_manage
        apim:client_certificates_update apim:client_certificates_view
        apim:common_operation_policy_manage apim:ep_certificates_add apim:ep_certificates_manage
        apim:ep_certificates_update apim:ep_certificates_view apim:mcp_server_create
        apim:mcp_server_delete apim:mediation_policy_create apim:mediation_policy_manage
        apim:mediation_policy_view apim:pub_alert_manage apim:threat_protection_policy_create
        apim:threat_protection_policy_manage service_catalog:service_write
        """,
    ),
    (
        (PUBLISHER,),
        """
        apim:api_publish apim:mcp_server_publish apim:monetization_usage_publish
        apim:subscription_approval_manage apim:subscription_approval_view
        apim:subscription_block apim:subscription_manage
        """,
    ),
    (
        (CREATOR, PUBLISHER),
        """
        apim:api_generate_key apim:comment_manage apim:comment_view apim:comment_write
        apim:document_create apim:document_manage apim:llm_provider_read
        apim:mcp_server_generate_key apim:publisher_organization_read apim:subscription_view
        apim:tier_view service_catalog:service_view
        """,
    ),
    (
        (CREATOR, PUBLISHER, OBSERVER),
        """
        apim:common_operation_policy_view apim:gateway_policy_view apim:gov_policy_read
        apim:gov_result_read apim:gov_rule_read apim:publisher_settings
        """,
    ),
    ((CREATOR, PUBLISHER, ANALYTICS, OBSERVER), "apim:api_view apim:mcp_server_view"),
    ((CREATOR, PUBLISHER, SUBSCRIBER), "apim:dcr:app_manage"),
    (
        (SUBSCRIBER,),
        "apim:api_key apim:app_update apim:store_settings apim:sub_alert_manage",
    ),
    ((SUBSCRIBER, DEVOPS), "apim:app_manage apim:sub_manage apim:subscribe"),
    (
        (DEVOPS,),
        """
        apim:api_import_export apim:api_product_import_export apim:app_import_export
        apim:mcp_server_import_export apim:policies_import_export
        """,
    ),
    (
        (INTEGRATION,),
        "apim:api_definition_view apim:api_list_view apim:mcp_server_list_view",
    ),
)

REST_SCOPES: dict[str, frozenset[str]] = {
    scope: frozenset((ADMIN, *roles)) for roles, scopes in _ROWS for scope in scopes.split()
}


def rest_scopes(asked: Iterable[str], roles: Iterable[str]) -> set[str]:
    """Those of the asked scopes that belong to the REST APIs and that these roles may have."""
    return set(asked) & scopes_of_roles(roles)


def scopes_of_roles(roles: Iterable[str]) -> set[str]:
    """All scopes of the REST APIs that users with these roles may have."""
    mine = frozenset(roles)
    return {scope for scope, allowed in REST_SCOPES.items() if allowed & mine}
