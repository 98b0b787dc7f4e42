//! Applications, brands, tokens, certificates, blueprints and settings.

use super::Row;

pub const ROWS: &[Row] = &[
    Row {
        address: "slug",
        key: &["slug"],
        names: &["slug", "name"],
        filter: "slug",
        // Without it the list is cached per user and page, whatever the filter (trap 11).
        query: "superuser_full_list=true",
        ..Row::of("core/applications", "application", "application")
    },
    Row {
        address: "pbm_uuid",
        id: "pbm_uuid",
        bound_as: "pbm_uuid",
        key: &["app", "name"],
        filter: "app",
        merged: &["attributes"],
        ..Row::of("core/application_entitlements", "entitlement", "application_entitlement")
    },
    Row {
        address: "brand_uuid",
        id: "brand_uuid",
        key: &["domain"],
        names: &["domain"],
        filter: "domain",
        merged: &["attributes"],
        ..Row::of("core/brands", "brand", "brand")
    },
    Row {
        address: "identifier",
        key: &["identifier"],
        names: &["identifier"],
        filter: "identifier",
        // Left out, the token goes to the caller and becomes one for the API (trap 13).
        always: &["user", "intent"],
        ..Row::of("core/tokens", "token", "token")
    },
    Row { ..Row::of("crypto/certificatekeypairs", "certificate", "certificate_key_pair") },
    Row {
        // Path or content: the validator sees only the body (trap 15).
        always: &["path", "content"],
        merged: &["context"],
        ..Row::of("managed/blueprints", "blueprint", "blueprint")
    },
    Row {
        single: true,
        key: &[],
        names: &[],
        filter: "",
        ..Row::of("admin/settings", "system settings", "system_settings")
    },
    Row {
        server_made: true,
        key: &["rel_obj_id"],
        names: &["description"],
        filter: "",
        address: "id",
        id: "id",
        ..Row::of("tasks/schedules", "schedule", "task_schedule")
    },
    Row {
        enterprise: true,
        by_schema: true,
        address: "license_uuid",
        id: "license_uuid",
        key: &["key"],
        names: &["name"],
        filter: "",
        ..Row::of("enterprise/license", "licence", "enterprise_license")
    },
    Row {
        address: "id",
        id: "id",
        filter: "",
        query: "",
        // PATCH with object_id and no content_type fails; PUT without object_id takes all objects (trap 36).
        together: &["content_type", "object_id"],
        sets: &["reviewers", "reviewer_groups", "notification_transports"],
        ..Row::of("lifecycle/rules", "life cycle rule", "lifecycle_rule")
    },
];
