//! Tests of the whole in one binary: the real program, a real Postgres, the tree itself.

mod environment;
mod tidy;
