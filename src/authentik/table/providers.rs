//! Providers, outposts and what they reach. The names of providers are unique over all kinds of providers.

use super::Row;

const SCOPE: &str = "propertymappings/provider/scope";

pub const ROWS: &[Row] = &[
    Row {
        references: &[("property_mappings", SCOPE)],
        ..Row::of("providers/oauth2", "OAuth2 provider", "provider_oauth2")
    },
    Row {
        filter: "name__iexact",
        references: &[("property_mappings", SCOPE)],
        // The mode is taken for `proxy` where it is left out, and wants its own fields (trap 15). The mappings are
        // the service's own five, whatever is sent (trap 17).
        always: &["mode", "internal_host", "external_host"],
        // Switched on, basic authentication wants both attributes in the same body.
        together: &["basic_auth_enabled", "basic_auth_user_attribute", "basic_auth_password_attribute"],
        moving: &["property_mappings"],
        ..Row::of("providers/proxy", "proxy provider", "provider_proxy")
    },
    Row {
        references: &[("property_mappings", "propertymappings/provider/saml")],
        ..Row::of("providers/saml", "SAML provider", "provider_saml")
    },
    Row { filter: "name__iexact", ..Row::of("providers/ldap", "LDAP provider", "provider_ldap") },
    Row {
        filter: "name__iexact",
        references: &[("property_mappings", "propertymappings/provider/radius")],
        ..Row::of("providers/radius", "RADIUS provider", "provider_radius")
    },
    Row {
        filter: "name__iexact",
        references: &[("property_mappings", "propertymappings/provider/rac")],
        merged: &["settings"],
        ..Row::of("providers/rac", "RAC provider", "provider_rac")
    },
    Row {
        references: &[
            ("property_mappings", "propertymappings/provider/scim"),
            ("property_mappings_group", "propertymappings/provider/scim"),
        ],
        ..Row::of("providers/scim", "SCIM provider", "provider_scim")
    },
    Row {
        fixed: true,
        address: "id",
        id: "id",
        key: &["provider", "user"],
        names: &["scim_id"],
        filter: "provider__id",
        references: &[("provider", "providers/scim")],
        ..Row::of("providers/scim_users", "SCIM user", "")
    },
    Row {
        fixed: true,
        address: "id",
        id: "id",
        key: &["provider", "group"],
        names: &["scim_id"],
        filter: "",
        references: &[("provider", "providers/scim")],
        ..Row::of("providers/scim_groups", "SCIM group", "")
    },
    Row {
        enterprise: true,
        references: &[
            ("property_mappings", "propertymappings/provider/google_workspace"),
            ("property_mappings_group", "propertymappings/provider/google_workspace"),
        ],
        ..Row::of("providers/google_workspace", "Google Workspace provider", "provider_google_workspace")
    },
    Row {
        enterprise: true,
        references: &[
            ("property_mappings", "propertymappings/provider/microsoft_entra"),
            ("property_mappings_group", "propertymappings/provider/microsoft_entra"),
        ],
        ..Row::of("providers/microsoft_entra", "Microsoft Entra provider", "provider_microsoft_entra")
    },
    Row {
        enterprise: true,
        filter: "name__iexact",
        ..Row::of("providers/ssf", "shared signals provider", "provider_ssf")
    },
    Row { enterprise: true, ..Row::of("providers/wsfed", "WS-Federation provider", "provider_ws_federation") },
    Row {
        names: &["name"],
        query: "superuser_full_list=true",
        references: &[("provider", "providers/rac"), ("property_mappings", "propertymappings/provider/rac")],
        merged: &["settings"],
        ..Row::of("rac/endpoints", "RAC endpoint", "rac_endpoint")
    },
    Row {
        filter: "name__iexact",
        // Providers are checked against the type only when it is in the same body (trap 15).
        together: &["type", "providers"],
        merged: &["config"],
        ..Row::of("outposts/instances", "outpost", "outpost")
    },
    Row::of("outposts/service_connections/docker", "Docker connection", "service_connection_docker"),
    Row {
        // An empty `kubeconfig` without `local` makes the server fail (trap 33).
        together: &["kubeconfig", "local"],
        ..Row::of("outposts/service_connections/kubernetes", "Kubernetes connection", "service_connection_kubernetes")
    },
];
