//! An explanation and a restatement, fixed.

use super::{Fixed, now, on, usd};
use app::{
    domain::{PortfolioId, Scope, UserId},
    error::AppError,
    explain::{
        figures::described,
        model::{Asked, Explanation, Input, Quote, Row, Trail},
        recipe::{Answer, DatedReturn, Exact, Recipe},
        restated::{Moved, Reason, RestatedDay, Restatement, Restatements},
    },
    ports::Explanations,
};
use async_trait::async_trait;

#[async_trait]
impl Explanations for Fixed {
    async fn explain(&self, _: UserId, asked: Asked) -> Result<Explanation, AppError> {
        let described = described(&asked.figure).ok_or(AppError::NotFound)?;
        let body = r#"{"T":"AAPL","v":1.1e+06,"o":266,"c":266.25,"h":268,"l":264}"#;
        self.fail(Explanation {
            figure: asked.figure,
            name: described.name.into(),
            portfolio: PortfolioId(1),
            currency: "USD".into(),
            symbol: asked.symbol,
            about: Vec::new(),
            opens_on: Some(on("2025-11-20")),
            as_of: on("2026-11-20"),
            as_known_on: asked.scope.as_known_on,
            value: Ok(Answer::Number(Exact(0.25))),
            shown: "+25.00 %".into(),
            method: described.method.into(),
            formula: described.formula.into(),
            conventions: described.conventions.iter().map(|text| (*text).into()).collect(),
            recipe: Recipe::Linked { returns: vec![DatedReturn { session: on("2026-11-20"), r: Some(Exact(0.25)) }] },
            inputs: vec![
                Input::new("Opening value, 20 Nov 2025", "212,000.00").to("session_value", None, on("2025-11-20")),
                Input::new("Day, 10 Nov 2026", "−2.31 %").to("daily_return", None, on("2026-11-10")).noting(Some("restated".into())),
            ],
            rows: vec![Row { table: "marts.portfolio_daily".into(), columns: vec![("session_date".into(), "2026-11-20".into())] }],
            quotes: vec![Quote {
                response_id: 7,
                vendor: "polygon".into(),
                endpoint: "polygon.grouped".into(),
                request: "/v2/aggs/grouped/locale/us/market/stocks/2026-11-20?adjusted=false".into(),
                status: 200,
                fetched_at: now(),
                run_id: Some(3),
                task: Some("extract_prices".into()),
                sha256: "00".repeat(32),
                is_intact: true,
                body_bytes: body.len(),
                field: Some((37, 43)),
                shown_from: 0,
                before: body[..37].into(),
                marked: body[37..43].into(),
                after: body[43..].into(),
                bytes_at: Some("/api/explain/response/7?portfolio=1&symbol=AAPL&session=2026-11-20".into()),
            }],
            publication: Some(Trail {
                publication_id: 5,
                published_at: now(),
                published_on: on("2026-11-20"),
                program: "0.1.0".into(),
                run_id: 3,
                dag: "daily".into(),
                task: Some("publish".into()),
                checks_passed: 41,
                checks_total: 42,
                failed: vec!["jumps_are_explained".into()],
            }),
        })
    }

    async fn restatements(&self, _: UserId, _: Scope, _: u32) -> Result<Restatements, AppError> {
        let reason = Reason {
            kind: "bar".into(),
            said: "AAPL closed at 266.25 on 10 Nov 2026, not at 262.65.".into(),
            symbol: Some("AAPL".into()),
            from: Some(on("2026-11-10")),
            at: Some(now()),
            run_id: Some(3),
            response_id: Some(7),
            who: None,
        };
        let moved = Moved { figure: "Value".into(), old: "283,115.85".into(), new: format!("{:.2}", usd(283_400.0).0) };
        let days = vec![RestatedDay { session_date: on("2026-11-10"), moved: vec![moved] }];
        let row = Restatement {
            publication_id: 5,
            published_at: now(),
            run_id: 3,
            sessions: 1,
            benchmark_sessions: 0,
            first: on("2026-11-10"),
            last: on("2026-11-10"),
            days,
            reasons: vec![reason],
        };
        self.fail(Restatements { currency: "USD".into(), rows: vec![row], has_more: false })
    }
}
