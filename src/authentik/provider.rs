//! What the modules of providers share: the flows that every provider has, and what is pruned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{engine::Prune, options::PrefixPrune};
use crate::module::Return;

/// The flows of a provider.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
pub struct Flows {
    /// The flow for users who are not logged in yet, by slug; empty for that of the brand.
    pub authentication_flow: Option<String>,
    /// The flow by which access is granted, by slug. Needed for a new one.
    pub authorization_flow: Option<String>,
    /// The flow to log out by, by slug. Needed for a new one.
    pub invalidation_flow: Option<String>,
}

/// Options of the run.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
pub struct ProviderSettings {
    /// Deletes providers of this kind in a stated scope that the task does not declare.
    pub prune: Option<PrefixPrune>,
}

impl ProviderSettings {
    /// The same for the engine.
    pub fn of(&self, path: &'static str) -> Option<Prune> {
        self.prune.as_ref()?.of(path)
    }
}

/// What comes back of a provider, with an example of it.
pub const fn returned(sample: &'static str) -> Return {
    Return {
        name: "object",
        description: "The provider as it is after the task.",
        kind: "dict",
        returned: "for a single provider",
        sample,
    }
}
