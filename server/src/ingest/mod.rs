//! Vendors' bytes → `raw`: one HTTP client, one parser a vendor, one way to land.

mod connection;

pub use connection::{Connection, Credentials, Vendor};
