//! The documentation of a module, made from its options.

use super::{about::About, spec::Spec};

/// The sidecar that ansible-doc reads.
pub fn sidecar(_name: &str, _about: &About, _spec: &Spec) -> String {
    String::new()
}
