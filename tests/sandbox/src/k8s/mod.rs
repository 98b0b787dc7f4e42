//! The /apis side of folders and dashboards (grafana.md facts 31, 41-45).

/// A version of the dashboard API that is known.
pub(crate) fn known_version(name: &str) -> Option<&'static str> {
    ["v0alpha1", "v1beta1", "v2alpha1", "v2beta1"].into_iter().find(|v| *v == name)
}

use crate::call::Context;
use crate::reply::{Answer, unsupported};

/// Answers a path below /apis.
pub(crate) fn route(_cx: &mut Context, _path: &[&str]) -> Answer {
    Err(unsupported("/apis yet"))
}
