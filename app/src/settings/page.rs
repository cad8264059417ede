//! Connections, people, and one's own settings.

mod accounts;
mod connections;
mod mine;
mod people;

pub use connections::ConnectionsPage;
pub use mine::SettingsPage;
pub use people::PeoplePage;
