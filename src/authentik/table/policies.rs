//! Policies, and what they are bound to. Their names are unique over all kinds of policies.

use super::Row;

pub const ROWS: &[Row] = &[
    Row::of("policies/dummy", "dummy policy", "policy_dummy"),
    Row {
        // Without all five the server fails; empty text is refused (trap 31).
        always: &["action", "client_ip", "app", "model", "query"],
        blank: &["action", "client_ip", "app", "model", "query"],
        ..Row::of("policies/event_matcher", "event matcher policy", "policy_event_matcher")
    },
    Row::of("policies/expression", "expression policy", "policy_expression"),
    Row { sets: &["countries"], ..Row::of("policies/geoip", "GeoIP policy", "policy_geoip") },
    Row::of("policies/password", "password policy", "policy_password"),
    Row::of("policies/password_expiry", "password expiry policy", "policy_expiry"),
    Row {
        // One of them has to be in every body (authentik-kinds.md).
        always: &["check_ip", "check_username"],
        ..Row::of("policies/reputation", "reputation policy", "policy_reputation")
    },
    Row { enterprise: true, ..Row::of("policies/unique_password", "unique password policy", "policy_unique_password") },
    Row {
        key: &["target", "policy", "group", "user"],
        names: &[],
        filter: "target",
        references: &[("target", "core/applications")],
        // Target and one of the others, or the server fails (trap 15).
        always: &["target", "policy", "group", "user", "order"],
        ..Row::of("policies/bindings", "policy binding", "policy_binding")
    },
];
