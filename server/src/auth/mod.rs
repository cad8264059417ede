//! Who may: passwords, sign-in sessions, the first administrator, and the forms at the door.

mod backend;
pub mod commands;
pub mod door;
mod next;
pub mod password;
pub mod people;
mod session;
pub mod setup;
mod throttle;

pub use backend::{AuthSession, Backend, Credentials, Person, Refusal, Role};
pub use next::same_site_path;
pub use session::{COOKIE, PgSessions, end_all, is_live, layer, sweep};
