//! What fields refer to, and the lists in which a name is looked up.

use super::{Row, rows};
use crate::authentik::fields::{Field, Type};

/// A list of objects that others refer to.
#[derive(Clone, Copy, Debug)]
pub struct Listing {
    /// Its path, as a row has it.
    pub path: &'static str,
    /// The field that a reference holds.
    pub id: &'static str,
    /// The fields by which people name one.
    pub names: &'static [&'static str],
    /// The filter that finds one by the first of them.
    pub filter: &'static str,
    /// A filter that every list is asked with.
    pub query: &'static str,
}

const fn all(path: &'static str, names: &'static [&'static str]) -> Listing {
    Listing { path, id: "pk", names, filter: "", query: "" }
}

/// Lists over several kinds, which can only be read.
const FAMILIES: &[Listing] = &[
    all("stages/all", &["name"]),
    all("policies/all", &["name"]),
    all("providers/all", &["name"]),
    all("sources/all", &["slug", "name"]),
    all("propertymappings/all", &["managed", "name"]),
    all("outposts/service_connections/all", &["name"]),
    Listing { path: "endpoints/connectors", id: "connector_uuid", names: &["name"], filter: "", query: "" },
    // A codename without its application stands for several kinds of objects in few cases only.
    Listing { path: "rbac/permissions", id: "id", names: &["codename"], filter: "", query: "" },
    // By uuid and not by number: reviewers of life cycles are named so.
    Listing { path: "core/users#uuid", id: "uuid", names: &["username"], filter: "username", query: "" },
];

/// The list of that path.
pub fn listing(path: &str) -> Option<Listing> {
    FAMILIES.iter().find(|list| list.path == path).copied().or_else(|| {
        let row = rows().find(|row| row.path == path)?;
        Some(Listing { path: row.path, id: row.id, names: row.names, filter: row.filter, query: row.query })
    })
}

/// The list that a field's references are looked up in; `None` for one that refers to nothing.
pub fn target(row: &Row, field: &Field) -> Option<&'static str> {
    if let Some((_, list)) = row.references.iter().find(|(name, _)| *name == field.name) {
        return (!list.is_empty()).then_some(*list);
    }
    if !matches!(field.kind.item(), Type::Uuid | Type::Int) {
        return None;
    }
    Some(match field.name {
        "authentication_flow"
        | "authorization_flow"
        | "invalidation_flow"
        | "enrollment_flow"
        | "recovery_flow"
        | "passwordless_flow"
        | "pre_authentication_flow"
        | "configure_flow"
        | "target_flow"
        | "flow"
        | "flow_authentication"
        | "flow_device_code"
        | "flow_invalidation"
        | "flow_recovery"
        | "flow_unenrollment"
        | "flow_user_settings" => "flows/instances",
        "certificate"
        | "certificate_authorities"
        | "challenge_key"
        | "client_certificate"
        | "client_certificates"
        | "encryption_key"
        | "encryption_kp"
        | "peer_certificate"
        | "signing_key"
        | "signing_kp"
        | "tls_authentication"
        | "tls_verification"
        | "verification_kp"
        | "web_certificate"
        | "webhook_ca" => "crypto/certificatekeypairs",
        "group" | "groups" | "parents" | "create_users_group" | "destination_group" | "filter_group"
        | "group_filters" | "sync_parent_group" | "reviewer_groups" => "core/groups",
        "user" | "users" => "core/users",
        "reviewers" => "core/users#uuid",
        "role" | "roles" => "rbac/roles",
        "provider" | "providers" | "backchannel_providers" => "providers/all",
        "jwt_federation_providers" | "oidc_auth_providers" => "providers/oauth2",
        "jwt_federation_sources" | "auth_oauth" => "sources/oauth",
        "source" | "sources" => "sources/all",
        "policy" | "validation_policies" => "policies/all",
        "stage" | "configuration_stages" => "stages/all",
        "captcha_stage" => "stages/captcha",
        "password_stage" => "stages/password",
        "webauthn_stage" => "stages/authenticator/validate",
        "fields" => "stages/prompt/prompts",
        "app" | "default_application" => "core/applications",
        "service_connection" => "outposts/service_connections/all",
        "transports" | "notification_transports" => "events/transports",
        "webhook_mapping_body" | "webhook_mapping_headers" | "mapping" | "headers_mapping" => {
            "propertymappings/notification"
        }
        "name_id_mapping" | "authn_context_class_ref_mapping" => "propertymappings/provider/saml",
        "property_mappings" | "user_property_mappings" | "group_property_mappings" | "property_mappings_group" => {
            "propertymappings/all"
        }
        "connector" => "endpoints/connectors",
        "access_group" | "device_group" => "endpoints/device_access_groups",
        "permissions" => "rbac/permissions",
        _ => return None,
    })
}
