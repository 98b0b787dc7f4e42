//! The harness that every module stands in: arguments, check mode, diff, masking, rollback, audit
//! and the result are here, once. A kind of object gives its options and read, plan and apply
//! ([`kind::Kind`]); [`run::main`] does the rest.

pub mod about;
pub mod apply;
pub mod audit;
pub mod coerce;
pub mod common;
pub mod diff;
pub mod docs;
pub mod error;
pub mod kind;
pub mod nearest;
pub mod output;
pub mod parallel;
pub mod plan;
pub mod prefix;
pub mod result;
pub mod run;
pub mod schema;
pub mod secret;
pub mod signal;
pub mod sounding;
pub mod spec;
pub mod task;

pub use about::{About, Return};
pub use error::{Context as ErrorContext, Error, ErrorKind, Result};
pub use kind::{Context, Declared, Kind, Options, Task};
pub use plan::{Action, Applied, Change};
pub use secret::Secret;
pub use spec::{Object, Spec};
