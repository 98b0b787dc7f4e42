//! Users, groups, roles and what belongs to them.

use super::Row;

pub const ROWS: &[Row] = &[
    Row {
        key: &["username"],
        names: &["username"],
        filter: "username",
        merged: &["attributes"],
        moving: &["last_login"],
        ..Row::of("core/users", "user", "user")
    },
    Row { names: &["name"], merged: &["attributes"], ..Row::of("core/groups", "group", "group") },
    Row { ..Row::of("rbac/roles", "role", "rbac_role") },
    Row { ..Row::of("rbac/initial_permissions", "set of initial permissions", "rbac_initial_permissions") },
];
