//! Flows and which stages they have in which order.

use super::Row;

pub const ROWS: &[Row] = &[
    Row {
        address: "slug",
        key: &["slug"],
        names: &["slug", "name"],
        filter: "slug",
        ..Row::of("flows/instances", "flow", "flow")
    },
    Row {
        // Policies are bound to another id than its own.
        bound_as: "policybindingmodel_ptr_id",
        key: &["target", "stage", "order"],
        names: &[],
        filter: "target",
        references: &[("target", "flows/instances")],
        ..Row::of("flows/bindings", "stage binding", "flow_stage_binding")
    },
];
