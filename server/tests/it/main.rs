//! Tests of the whole in one binary: the real program, a real Postgres, the tree itself.

#![allow(clippy::unwrap_used, reason = "a test that can't go on says where; clippy's own exception stops at helpers")]

mod environment;
mod tidy;
