//! Checks on what was fetched and on what is about to be published. What fails blocks its own scope: a price goes into quarantine
//! and the last good one is carried, a difference to the broker warns its portfolio, a missing session holds everything.
//!
//! Declared in `server/quality/suite.yml` and by people. SQL gathers, pure rules judge, one transaction keeps: results, quarantine and how
//! far was judged commit together.

mod anomaly;
mod audit;
mod backtest;
mod bars;
mod books;
mod catalog;
mod check;
pub mod commands;
mod compile;
mod dataset;
mod entries;
mod examine;
mod expression;
mod generic;
mod held;
mod jumps;
mod keep;
mod kind;
mod load;
mod mutate;
mod outcome;
mod own;
mod parse;
mod reconcile;
mod repairs;
mod scan;
mod sessions;
mod sql;
mod stored;
mod suite;
mod trial;
mod verdict;
mod watermark;
mod words;

pub use audit::audit;
pub use backtest::{Fired, UNTOLD, backtest};
pub use check::{Action, Check, CheckError, Scope, Severity};
pub use dataset::is_personal;
pub use examine::{Error, Verdict, validate};
pub use jumps::follow;
pub use kind::{KindInfo, Parameter, kinds};
pub use mutate::{Mutation, Report, mutate};
pub use outcome::{Outcome, Said, accepted, keep, without_reason};
pub use sql::reason;
pub use stored::{StoredBar, far_from, faults_of, lapse};
pub use suite::{own as own_checks, suite};
pub use trial::attempt;
