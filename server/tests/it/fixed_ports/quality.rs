//! Fixed answers of the data quality page: one example of each card.

use super::{Fixed, State, now, on};
use app::{domain::*, error::AppError, ports::DataQuality, quality::model::*};
use async_trait::async_trait;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

fn check(name: &str, passed: bool) -> CheckRow {
    let fields =
        |fields: &[(&str, &str)]| fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>();
    CheckRow {
        name: name.into(),
        kind: "range".into(),
        dataset: "positions".into(),
        dimension: "consistency".into(),
        scope: "portfolio".into(),
        severity: "warn".into(),
        action: "record".into(),
        portfolio: 1,
        symbol: None,
        passed,
        observed: "2 positions differ".into(),
        expected: "none".into(),
        elements: 26,
        missing: u64::from(!passed),
        failures: if passed { 0 } else { 2 },
        message:
            "The broker reports other quantities than the transactions explain. Confirm the opening balances, or enter what is missing."
                .into(),
        samples: vec![
            fields(&[("symbol", "MSFT"), ("broker", "12"), ("transactions", "0")]),
            fields(&[("symbol", "<b>XOM</b>"), ("broker", "1")]),
        ],
        unexpected: vec!["12".into(), "1".into()],
        query: Some("select symbol from positions where broker <> transactions".into()),
        thresholds: fields(&[("most", "0")]),
        repairs: vec![Repair::Fetch { symbol: "MSFT".into(), from: on("2026-11-16"), to: on("2026-11-20") }, Repair::Accept],
        failing_runs: if passed { 0 } else { 3 },
        failing_since: Some("2026-11-18T22:04:00Z".parse().unwrap()),
        accepted: None,
    }
}

fn waiting() -> QuarantineRow {
    QuarantineRow {
        key: QuarantineKey {
            dataset: "bars".into(),
            symbol: "XOM".into(),
            session_date: on("2026-11-20"),
            row_key: String::new(),
            response_id: 812,
        },
        checks: vec!["jumps_are_explained".into()],
        reason: "The close fell 48 % without a split.".into(),
        vendor: Some("polygon".into()),
        run_id: 7,
        refused: BTreeMap::from([("close".to_owned(), "61.20".to_owned())]),
        quarantined_at: "2026-11-20T22:04:00Z".parse().unwrap(),
    }
}

#[async_trait]
impl DataQuality for Fixed {
    async fn quality(&self, _: UserId, _: Scope) -> Result<Quality, AppError> {
        let source = |source: &str, is_fresh: bool| FreshnessRow {
            source: source.into(),
            latest: Some(on("2026-11-20")),
            expected: on("2026-11-20"),
            fetched_at: Some("2026-11-20T22:03:00Z".parse().unwrap()),
            is_fresh,
        };
        let is_empty = self.0 == State::Empty;
        self.fail(Quality {
            run_id: Some(7),
            checked_at: Some("2026-11-20T22:04:00Z".parse().unwrap()),
            passed: 40,
            total: 42,
            checks: if is_empty {
                vec![]
            } else {
                let accepted = CheckRow { accepted: Some(3), ..check("session_is_there", false) };
                vec![check("positions_reconcile", false), accepted, check("prices_are_in_range", true)]
            },
            scores: vec![ScoreRow { dataset: "bars".into(), score: 0.96, checks: 11, trend: vec![1.0, 1.0, 0.9, 0.96] }],
            quarantine: vec![waiting()],
            quarantined_elsewhere: 2,
            reconciliation: vec![ReconciliationRow {
                portfolio: 1,
                portfolio_name: "Growth".into(),
                account_name: "Alpaca".into(),
                symbol: Some("MSFT".into()),
                derived: Decimal::ZERO,
                reported: 12.into(),
                since: on("2026-11-18"),
                cause: "missing_transaction".into(),
                explanation: "Cash differs as well: a purchase of 12 MSFT at about 505 that isn't on file explains both.".into(),
                repair: Some(Repair::Transaction(Transaction {
                    portfolio: 1,
                    account: 1,
                    what: "buy".into(),
                    traded_on: on("2026-11-18"),
                    symbol: Some("MSFT".into()),
                    quantity: Some(12.into()),
                    price: Some(505.into()),
                    amount: None,
                })),
            }],
            prices: vec![PriceRow {
                symbol: "XOM".into(),
                session_date: on("2026-11-19"),
                version: 1,
                close: "117.5".parse().unwrap(),
                note: "from the exchange's list".into(),
                entered_by: "Ada".into(),
                entered_at: now(),
                is_used: true,
            }],
            acceptances: vec![AcceptanceRow {
                id: 3,
                check: "session_is_there".into(),
                portfolio: 0,
                symbol: None,
                note: "the vendor is late this week".into(),
                expires_on: on("2026-11-27"),
                accepted_by: "Ada".into(),
                accepted_at: now(),
                is_active: true,
                may_revoke: true,
            }],
            rules: vec![],
            unbooked: vec![UnbookedRow {
                session_date: on("2026-11-19"),
                symbol: Some("NVDA".into()),
                message: "12 NVDA leave on 2026-11-19 but only 4 are held; enter the missing purchase or opening balance, or correct the quantity."
                    .into(),
            }],
            freshness: vec![source("Prices (Polygon)", true), source("Broker (Alpaca)", false), source("Risk-free rate (FRED)", true)],
            may_decide: true,
            may_change: true,
            latest_expiry: on("2027-11-22"),
            today: on("2026-11-22"),
            rendered_at: now(),
        })
    }
    async fn history(&self, _: UserId, _: Scope, check: String) -> Result<History, AppError> {
        let run = |run_id: i64, failures| HistoryRow {
            run_id,
            checked_at: now(),
            severity: "warn".into(),
            passed: failures == 0,
            elements: 26,
            failures,
            message: "Two positions differ.".into(),
        };
        if check == "nowhere" {
            return Err(AppError::NotFound);
        }
        let runs = vec![run(9, 2), run(8, 1), run(7, 0)];
        self.fail(History {
            name: check,
            expected: "none".into(),
            dimension: "consistency".into(),
            dataset: "positions".into(),
            runs,
            rendered_at: now(),
        })
    }
    async fn release(&self, _: UserId, _: QuarantineKey, _: Word) -> Result<(), AppError> {
        Ok(())
    }
    async fn discard(&self, _: UserId, _: QuarantineKey, _: Word) -> Result<(), AppError> {
        Ok(())
    }
    async fn enter_price(&self, _: UserId, _: PriceForm) -> Result<(), AppError> {
        Ok(())
    }
    async fn remove_price(&self, _: UserId, _: String, _: NaiveDate, _: i32) -> Result<(), AppError> {
        Ok(())
    }
    async fn accept(&self, _: UserId, _: AcceptanceForm) -> Result<(), AppError> {
        Ok(())
    }
    async fn revoke(&self, _: UserId, _: i64) -> Result<(), AppError> {
        Ok(())
    }
    async fn rule(&self, _: UserId, form: RuleForm, tried: bool) -> Result<RulePage, AppError> {
        let kinds = vec![KindRow {
            name: "range".into(),
            description: "values lie between two edges".into(),
            parameters: vec![("min".into(), "the least value".into())],
        }];
        let fired =
            vec![FiredRow { session: on("2026-11-18"), failures: 3, sample: BTreeMap::from([("symbol".to_owned(), "MSFT".to_owned())]) }];
        self.fail(RulePage { form, kinds, tried: tried.then_some(Ok(Tried { sessions: 250, fired })) })
    }
    async fn save_rule(&self, _: UserId, _: RuleForm) -> Result<(), AppError> {
        Ok(())
    }
    async fn remove_rule(&self, _: UserId, _: i64, _: i32) -> Result<(), AppError> {
        Ok(())
    }
    async fn fetch(&self, _: UserId, _: String, _: NaiveDate, _: NaiveDate) -> Result<i64, AppError> {
        Ok(10)
    }
    async fn fetch_activities(&self, _: UserId, _: PortfolioId, _: NaiveDate) -> Result<i64, AppError> {
        Ok(10)
    }
}
