//! Hearth.
pub mod module;
pub mod registry;
