//! "This is known and bearable until then": a portfolio's failures by its owner, all others by administrators.

use super::super::{Error, Result, Store, entries::audit};
use crate::auth::Role;
use app::{
    domain::{PortfolioId, Symbol, UserId},
    error::AppError,
    quality::model::{AcceptanceForm, AcceptanceRow},
};
use serde_json::json;

/// On the page; ended ones after those that hold.
const SHOWN: i64 = 50;

impl Store {
    pub(super) async fn acceptances(&self, mine: &[i64], symbols: &[String], role: Role) -> Result<Vec<AcceptanceRow>> {
        let rows = sqlx::query!(
            r#"select acceptance_id, check_name, portfolio_id, symbol, note, expires_on, coalesce(display_name, 'a person who left') as "accepted_by!",
                      accepted_at, revoked_at is null and expires_on >= $3 as "is_active!"
               from book.acceptance left join auth."user" on user_id = accepted_by
               where portfolio_id = any(0 || $1::bigint[]) and (symbol is null or symbol = any($2))
               order by 9 desc, acceptance_id desc limit $4"#,
            mine,
            symbols,
            self.today(),
            SHOWN,
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| AcceptanceRow {
                id: row.acceptance_id,
                check: row.check_name,
                portfolio: row.portfolio_id,
                symbol: row.symbol,
                note: row.note,
                expires_on: row.expires_on,
                accepted_by: row.accepted_by,
                accepted_at: row.accepted_at,
                is_active: row.is_active,
                may_revoke: role == Role::Administrator || (role == Role::Member && row.portfolio_id != 0),
            })
            .collect())
    }

    pub(super) async fn accept(&self, user: UserId, form: &AcceptanceForm) -> Result<()> {
        self.may_decide_about(user, form.portfolio).await?;
        let (note, expires_on) = self.word(&form.note, &form.expires_on)?;
        let symbol = match form.symbol.trim() {
            "" => None,
            text => Some(Symbol::parse(text).map_err(|error| Error::invalid("symbol", format!("{error}.")))?),
        };
        let symbol = symbol.as_ref().map(Symbol::as_str);
        let fails = sqlx::query_scalar!(
            r#"select exists (
                   select from ops.check_result
                   where check_name = $1 and portfolio_id = $2 and ($3::text is null or symbol = $3) and not passed
                     and run_id >= (select max(run_id) from ops.check_result where check_name = $1 and portfolio_id = $2)) as "fails!""#,
            form.check,
            form.portfolio,
            symbol,
        )
        .fetch_one(&self.pool)
        .await?;
        if !fails {
            return Err(Error::refused("This check doesn't fail at present, so there is nothing to accept. Reload the page."));
        }
        let mut tx = self.pool.begin().await?;
        let id = sqlx::query_scalar!(
            "insert into book.acceptance (check_name, portfolio_id, symbol, note, expires_on, accepted_by) values ($1, $2, $3, $4, $5, $6)
             returning acceptance_id",
            form.check,
            form.portfolio,
            symbol,
            note,
            expires_on,
            user.get(),
        )
        .fetch_one(&mut *tx)
        .await?;
        let details = json!({ "check": form.check, "portfolio": form.portfolio, "symbol": symbol, "note": note, "until": expires_on });
        audit(&mut tx, user, "accept_check", &format!("acceptance:{id}"), details).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Takes the word back: the failure counts again, and a price that was used on it waits again.
    pub(super) async fn revoke(&self, user: UserId, acceptance: i64) -> Result<()> {
        let portfolio = sqlx::query_scalar!("select portfolio_id from book.acceptance where acceptance_id = $1", acceptance)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(AppError::NotFound)?;
        self.may_decide_about(user, portfolio).await?;
        let mut tx = self.pool.begin().await?;
        let revoked = sqlx::query!(
            "update book.acceptance set revoked_at = clock_timestamp() where acceptance_id = $1 and revoked_at is null",
            acceptance
        )
        .execute(&mut *tx)
        .await?;
        if revoked.rows_affected() == 0 {
            return Err(Error::refused("This was revoked already. Reload the page."));
        }
        let lapsed = crate::quality::lapse(&mut tx, None, self.today()).await?;
        audit(&mut tx, user, "revoke_acceptance", &format!("acceptance:{acceptance}"), json!({ "prices": lapsed })).await?;
        tx.commit().await?;
        if lapsed > 0 {
            self.republish_all(user).await;
        }
        Ok(())
    }

    /// Another person's portfolio isn't found, for administrators neither.
    async fn may_decide_about(&self, user: UserId, portfolio: i64) -> Result<()> {
        if portfolio == 0 { self.decider(user).await } else { self.own_portfolio(user, PortfolioId(portfolio)).await }
    }
}
