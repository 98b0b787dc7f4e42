//! What every kind of object of authentik has in common: names instead of ids, comparison of what was declared,
//! writes that send what belongs together, and the way back. The table says in what the kinds differ.
//!
//! A module gives a [`Wanted`] for each declared object, in the words of the API; the rest is here.

mod after;
mod credentials;
mod form;
mod guards;
mod kind;
mod names;
mod order;
mod parts;
mod plan;
mod read;
mod rotation;
mod wanted;
mod write;

#[cfg(test)]
mod credential_tests;
#[cfg(test)]
mod tests;

pub use credentials::{Memory, Secrets, Source, Verdict};
pub use kind::Declares;
pub use names::Names;
pub use read::{Snapshot, candidates};
pub use rotation::{Noted, Rotation, What};
pub use wanted::{Call, Part, Proof, Prune, Send, Wanted, plain};
