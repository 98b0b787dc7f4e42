//! What every kind of object of authentik has in common: names instead of ids, comparison of what was declared,
//! writes that send what belongs together, and the way back. The table says in what the kinds differ.
//!
//! A module gives a [`Wanted`] for each declared object, in the words of the API; the rest is here.

mod form;
mod guards;
mod kind;
mod names;
mod plan;
mod read;
mod wanted;
mod write;

#[cfg(test)]
mod tests;

pub use kind::Declares;
pub use names::Names;
pub use wanted::{Call, Part, Proof, Prune, Send, Wanted, plain};
