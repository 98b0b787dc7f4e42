//! What happens on events.

use super::Row;

pub const ROWS: &[Row] = &[
    Row { ..Row::of("events/rules", "event rule", "event_rule") },
    Row { ..Row::of("events/transports", "event transport", "event_transport") },
];
