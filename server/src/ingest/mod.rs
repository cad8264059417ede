//! Vendors' bytes → `raw`: one HTTP client, one parser a vendor, one way to land.

/// Alpaca: the broker's account, positions and activities, and closes to compare with.
pub mod alpaca;
mod answer;
mod bars;
mod binary;
mod budget;
mod connection;
mod error;
/// FRED: the yield of the 3-month Treasury bill.
pub mod fred;
mod http;
mod land;
mod number;
mod pages;
mod pause;
/// Polygon.io, now Massive: bars, details, splits, dividends.
pub mod polygon;
mod queue;

pub use bars::{Bar, Row, copy as copy_bars};
pub use connection::{Connection, Credentials, Vendor};
pub use error::{At, VendorError};
pub use http::{Http, Limits};
