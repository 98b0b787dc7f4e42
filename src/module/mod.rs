//! The harness that every module stands in: arguments, check mode, diff, masking, rollback, audit
//! and the result are here, once. A kind of object gives its options and read, plan and apply.

pub mod about;
pub mod run;
pub mod spec;

pub use about::{About, Module, Return};
pub use spec::{Object, Spec};
