//! Devices and the agents on them.

use super::Row;

pub const ROWS: &[Row] = &[
    Row {
        address: "connector_uuid",
        id: "connector_uuid",
        moving: &["connector_uuid"],
        ..Row::of("endpoints/agents/connectors", "agent connector", "endpoints_connector_agent")
    },
    Row {
        enterprise: true,
        address: "connector_uuid",
        id: "connector_uuid",
        moving: &["connector_uuid"],
        ..Row::of("endpoints/fleet/connectors", "Fleet connector", "endpoints_connector_fleet")
    },
    Row {
        enterprise: true,
        address: "connector_uuid",
        id: "connector_uuid",
        moving: &["connector_uuid"],
        ..Row::of("endpoints/google_chrome/connectors", "Google Chrome connector", "endpoints_google_chrome_connector")
    },
    Row {
        address: "token_uuid",
        id: "token_uuid",
        // The list has no filter by name that is documented.
        filter: "",
        moving: &["expires"],
        references: &[("connector", "endpoints/agents/connectors")],
        ..Row::of("endpoints/agents/enrollment_tokens", "enrolment token", "endpoints_connector_agent_enrollment_token")
    },
    Row {
        address: "pbm_uuid",
        id: "pbm_uuid",
        bound_as: "pbm_uuid",
        merged: &["attributes"],
        ..Row::of("endpoints/device_access_groups", "device access group", "endpoints_device_access_group")
    },
    Row {
        address: "device_uuid",
        id: "device_uuid",
        bound_as: "pbm_uuid",
        server_made: true,
        merged: &["attributes"],
        moving: &["device_uuid"],
        ..Row::of("endpoints/devices", "device", "")
    },
    Row {
        // PATCH makes the server fail, and the target comes back as another id (trap 34).
        by_put: true,
        key: &["target", "policy", "group", "user"],
        names: &[],
        filter: "",
        references: &[("target", "endpoints/devices")],
        ..Row::of("endpoints/device_bindings", "device binding", "")
    },
];
