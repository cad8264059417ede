//! Types that parse at the door, so that nobody downstream checks again.

mod currency;
mod figure;
mod ids;
mod money;
mod period;
mod symbol;

pub use currency::{Currency, CurrencyError};
pub use figure::{Figure, Undefined};
pub use ids::{AccountId, ConnectionId, PortfolioId, RunId, TransactionId, UserId};
pub use money::Money;
pub use period::{Benchmark, KNOWABLE, Range, Scope};
pub use symbol::{Symbol, SymbolError};
