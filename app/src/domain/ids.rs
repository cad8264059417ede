//! Keys of rows, so that a portfolio's can't be passed for an account's.

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            pub fn get(self) -> i64 {
                self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

id! {
    /// A person: `auth.user`.
    UserId,
    /// `book.portfolio`.
    PortfolioId,
    /// An account within a portfolio: `book.account`.
    AccountId,
    /// A transaction within a portfolio, through all its versions: `book.transaction`.
    TransactionId,
    /// A vendor's credentials: `book.connection`.
    ConnectionId,
    /// `ops.run`.
    RunId,
}
