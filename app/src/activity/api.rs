//! How transactions are asked for, entered, corrected, deleted and imported.

use crate::{
    activity::model::{Activity, ImportReport, TransactionForm},
    domain::{AccountId, TransactionId},
    error::AppError,
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[server(endpoint = "activity/list", input = GetUrl)]
pub async fn list_activity(scope: String, page: u32) -> Result<Activity, AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.activities.list(user, Scope::parse(&scope), page.max(1)).await
}

#[server(endpoint = "activity/enter")]
pub async fn enter(scope: String, form: TransactionForm) -> Result<TransactionId, AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.activities.enter(user, Scope::parse_strictly(&scope).ok_or(AppError::NotFound)?, form).await
}

#[server(endpoint = "activity/correct")]
pub async fn correct(scope: String, transaction: TransactionId, version: i32, form: TransactionForm) -> Result<(), AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.activities.correct(user, Scope::parse_strictly(&scope).ok_or(AppError::NotFound)?, transaction, version, form).await
}

#[server(endpoint = "activity/delete")]
pub async fn delete(scope: String, transaction: TransactionId, version: i32) -> Result<(), AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.activities.delete(user, Scope::parse_strictly(&scope).ok_or(AppError::NotFound)?, transaction, version).await
}

/// `mode` is "try" or "import". `is_plain` comes from a form without scripts, which can show a report only as a refusal's
/// sentence: there a dry run and refused rows are answered that way.
#[server(endpoint = "activity/import")]
pub async fn import(scope: String, account: AccountId, csv: String, mode: String, is_plain: bool) -> Result<ImportReport, AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let report =
        ports.activities.import(user, Scope::parse_strictly(&scope).ok_or(AppError::NotFound)?, account, csv, mode != "import").await?;
    if is_plain && (report.is_dry_run || !report.refused.is_empty()) {
        return Err(AppError::Refused(report.in_words()));
    }
    Ok(report)
}

#[server(endpoint = "activity/decide-openings")]
pub async fn decide_openings(scope: String, account: AccountId, confirm: bool) -> Result<(), AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.activities.decide_openings(user, Scope::parse_strictly(&scope).ok_or(AppError::NotFound)?, account, confirm).await
}

#[server(endpoint = "activity/create-portfolio")]
pub async fn create_portfolio(name: String, #[server(default)] currency: String) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.activities.create_portfolio(user, name, currency).await
}

#[server(endpoint = "activity/create-account")]
pub async fn create_account(scope: String, name: String) -> Result<(), AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.activities.create_account(user, Scope::parse_strictly(&scope).ok_or(AppError::NotFound)?, name).await
}
