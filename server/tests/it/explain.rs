//! What was shown can be shown again: pages as known on earlier days, restatements with their reasons, figures down to the bytes.

pub mod abroad;
mod answers;
mod bobs;
mod bytes;
mod figures;
pub mod known;
mod walk;
pub mod world;
