//! How the results of checks are asked for, and what people decide about them. The page's forms are plain ones.

use crate::{
    error::AppError,
    quality::model::{AcceptanceForm, PriceForm, QuarantineKey, RuleForm, Word},
};
use chrono::NaiveDate;
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page as the server draws it.
#[server(endpoint = "quality/show", input = GetUrl)]
pub async fn draw_quality(#[server(default)] scope: String) -> Result<String, AppError> {
    use crate::{domain::Scope, drawn, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let scope = Scope::parse(&scope);
    let mut html = drawn::quality(&ports.quality.quality(user, scope).await?, &scope);
    crate::ui::Options::put_aside(super::page::QUALITY, &mut html);
    Ok(html)
}

/// One check, run by run, as the server draws it.
#[server(endpoint = "quality/check", input = GetUrl)]
pub async fn draw_check(name: String, #[server(default)] scope: String) -> Result<String, AppError> {
    use crate::{domain::Scope, drawn, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let mut html = drawn::check(&ports.quality.history(user, Scope::parse(&scope), name).await?);
    crate::ui::Options::put_aside(super::page::CHECK, &mut html);
    Ok(html)
}

/// Judges a row in quarantine once more, and lets it be used if it passes, or if a note says why it may be until when.
#[server(endpoint = "quality/release")]
pub async fn release(row: QuarantineKey, #[server(default)] word: Word) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.release(user, row, word).await
}

/// Never uses a row in quarantine, and waits for it no longer.
#[server(endpoint = "quality/discard")]
pub async fn discard(row: QuarantineKey, #[server(default)] word: Word) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.discard(user, row, word).await
}

/// Enters a close for a session without a good one.
#[server(endpoint = "quality/enter-price")]
pub async fn enter_price(form: PriceForm) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.enter_price(user, form).await
}

#[server(endpoint = "quality/remove-price")]
pub async fn remove_price(symbol: String, session_date: NaiveDate, version: i32) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.remove_price(user, symbol, session_date, version).await
}

/// Says that a failing check is known and bearable until a day.
#[server(endpoint = "quality/accept")]
pub async fn accept(form: AcceptanceForm) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.accept(user, form).await
}

#[server(endpoint = "quality/revoke")]
pub async fn revoke(acceptance: i64) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.revoke(user, acceptance).await
}

/// Asks the vendor for a symbol and its days once more; answers the run's number.
#[server(endpoint = "quality/fetch")]
pub async fn fetch(symbol: String, from: NaiveDate, to: NaiveDate) -> Result<i64, AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.fetch(user, symbol, from, to).await
}

/// Asks a portfolio's brokers for activities since a day once more; answers the run's number.
#[server(endpoint = "quality/fetch-activities")]
pub async fn fetch_activities(portfolio: i64, from: NaiveDate) -> Result<i64, AppError> {
    use crate::{domain::PortfolioId, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.fetch_activities(user, PortfolioId(portfolio), from).await
}

/// The page of a new rule as the server draws it; `tried`: with what the rule in the address would have done. The address is its query.
#[server(endpoint = "quality/rule", input = GetUrl)]
pub async fn draw_rule(#[server(default)] rule: RuleForm, #[server(default)] tried: bool) -> Result<String, AppError> {
    use crate::{drawn, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let mut html = drawn::rule(&ports.quality.rule(user, rule, tried).await?);
    crate::ui::Options::put_aside(super::page::RULE, &mut html);
    Ok(html)
}

/// Keeps a rule: it is checked from the next run on.
#[server(endpoint = "quality/save-rule")]
pub async fn save_rule(rule: RuleForm) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.save_rule(user, rule).await
}

#[server(endpoint = "quality/remove-rule")]
pub async fn remove_rule(rule: i64, version: i32) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.quality.remove_rule(user, rule, version).await
}
