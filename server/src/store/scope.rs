//! Who asks and which portfolio is meant: the one place where ownership is decided.

use super::{Error, Result, Store};
use crate::auth::Role;
use app::{
    domain::{Currency, PortfolioId, Scope, UserId},
    error::AppError,
};

/// A portfolio that belongs to who asks.
pub(super) struct Owned {
    pub id: PortfolioId,
    pub currency: String,
    pub name: String,
}

impl Owned {
    /// The currency in which its value is reckoned.
    pub fn base(&self) -> Result<Currency> {
        Currency::parse(&self.currency).map_err(|error| Error::Decode(error.to_string()))
    }
}

impl Store {
    /// The portfolio of the scope, or the person's first; what belongs to somebody else isn't found, whoever asks.
    pub(super) async fn owned(&self, user: UserId, scope: Scope) -> Result<Owned> {
        self.shown(user, scope).await?.ok_or_else(|| Error::refused("You have no portfolio yet. Create one first."))
    }

    /// As [`Self::owned`]; `None` while the person has no portfolio at all, and asked for none.
    pub(super) async fn shown(&self, user: UserId, scope: Scope) -> Result<Option<Owned>> {
        let row = sqlx::query!(
            "select portfolio_id, base_currency, name from book.portfolio
             where owner_id = $1 and ($2::bigint is null or portfolio_id = $2) order by portfolio_id limit 1",
            user.get(),
            scope.portfolio.map(PortfolioId::get),
        )
        .fetch_optional(&self.pool)
        .await?;
        if row.is_none() && scope.portfolio.is_some() {
            return Err(AppError::NotFound.into());
        }
        Ok(row.map(|row| Owned { id: PortfolioId(row.portfolio_id), currency: row.base_currency, name: row.name }))
    }

    /// Numbers of all portfolios of a person.
    pub(super) async fn portfolios_of(&self, user: UserId) -> Result<Vec<i64>> {
        Ok(sqlx::query_scalar!("select portfolio_id from book.portfolio where owner_id = $1 order by portfolio_id", user.get())
            .fetch_all(&self.pool)
            .await?)
    }

    pub(super) async fn role(&self, user: UserId) -> Result<Role> {
        let role = sqlx::query_scalar!(r#"select role from auth."user" where user_id = $1 and disabled_at is null"#, user.get())
            .fetch_optional(&self.pool)
            .await?
            .ok_or(AppError::SignInRequired)?;
        Role::parse(&role).ok_or_else(|| Error::Decode(format!("role {role}")))
    }

    /// Refuses the demo's visitor: everybody at once is that person, so nothing of theirs can change.
    pub(super) async fn may_change(&self, user: UserId) -> Result<()> {
        match self.role(user).await? {
            Role::Demo => Err(Error::refused("This is the demo; sign in with an own account to change things.")),
            Role::Administrator | Role::Member => Ok(()),
        }
    }

    pub(super) async fn administrator(&self, user: UserId) -> Result<()> {
        match self.role(user).await? {
            Role::Administrator => Ok(()),
            Role::Member | Role::Demo => Err(AppError::NotAllowed.into()),
        }
    }
}
