//! Stages: the steps of flows. Their names are unique over all kinds of stages.

use super::Row;

pub const ROWS: &[Row] = &[
    Row::of("stages/authenticator/duo", "Duo set-up stage", "stage_authenticator_duo"),
    Row::of("stages/authenticator/email", "e-mail authenticator stage", "stage_authenticator_email"),
    Row {
        enterprise: true,
        ..Row::of("stages/authenticator/endpoint_gdtc", "Google endpoint stage", "stage_authenticator_endpoint_gdtc")
    },
    Row::of("stages/authenticator/sms", "SMS authenticator stage", "stage_authenticator_sms"),
    Row::of("stages/authenticator/static", "static codes stage", "stage_authenticator_static"),
    Row::of("stages/authenticator/totp", "TOTP stage", "stage_authenticator_totp"),
    Row {
        sets: &["device_classes"],
        references: &[("webauthn_allowed_device_types", "")],
        ..Row::of("stages/authenticator/validate", "authenticator check stage", "stage_authenticator_validate")
    },
    Row {
        // Kinds of devices are named by their own ids, and come back in another order (trap 41).
        references: &[("device_type_restrictions", "")],
        sets: &["device_type_restrictions"],
        ..Row::of("stages/authenticator/webauthn", "WebAuthn stage", "stage_authenticator_webauthn")
    },
    Row::of("stages/captcha", "captcha stage", "stage_captcha"),
    Row::of("stages/consent", "consent stage", "stage_consent"),
    Row::of("stages/deny", "deny stage", "stage_deny"),
    Row::of("stages/dummy", "dummy stage", "stage_dummy"),
    Row::of("stages/email", "e-mail stage", "stage_email"),
    Row::of("stages/endpoints", "endpoint stage", "stage_endpoints"),
    Row {
        // User fields or sources: the validator sees only the body (trap 15).
        always: &["user_fields", "sources"],
        ..Row::of("stages/identification", "identification stage", "stage_identification")
    },
    Row {
        address: "pk",
        // Not unique (authentik-kinds.md).
        moving: &[],
        merged: &["fixed_data"],
        ..Row::of("stages/invitation/invitations", "invitation", "invitation")
    },
    Row::of("stages/invitation/stages", "invitation stage", "stage_invitation"),
    Row { enterprise: true, ..Row::of("stages/mtls", "mutual TLS stage", "stage_mutual_tls") },
    Row::of("stages/password", "password stage", "stage_password"),
    Row::of("stages/prompt/prompts", "prompt", "stage_prompt_field"),
    Row::of("stages/prompt/stages", "prompt stage", "stage_prompt"),
    Row {
        together: &["mode", "target_static", "target_flow"],
        ..Row::of("stages/redirect", "redirect stage", "stage_redirect")
    },
    Row { enterprise: true, ..Row::of("stages/source", "source stage", "stage_source") },
    Row::of("stages/user_delete", "user deletion stage", "stage_user_delete"),
    Row::of("stages/user_login", "user log-in stage", "stage_user_login"),
    Row::of("stages/user_logout", "user log-out stage", "stage_user_logout"),
    Row::of("stages/user_write", "user write stage", "stage_user_write"),
];
