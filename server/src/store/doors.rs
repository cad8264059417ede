//! What a visitor can do at the door.

use super::{Result, Store};
use crate::auth::setup;
use app::{account::model::Door, domain::UserId, error::AppError, ports::Doors};
use async_trait::async_trait;

pub(super) struct PgDoors(pub Store);

#[async_trait]
impl Doors for PgDoors {
    async fn door(&self, user: Option<UserId>) -> Result<Door, AppError> {
        Ok(self.0.door(user).await?)
    }
}

impl Store {
    /// What a visitor can do at the door.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn door(&self, user: Option<UserId>) -> Result<Door> {
        Ok(Door { needs_setup: setup::is_open(&self.pool).await?, has_demo: self.has_demo, is_signed_in: user.is_some() })
    }
}
