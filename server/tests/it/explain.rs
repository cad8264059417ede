//! What was shown can be shown again: pages as known on earlier days, restatements with their reasons, figures down to the bytes.

mod bytes;
mod figures;
mod known;
mod walk;
