//! Ports with fixed answers, for page tests and the look of pages; long because it holds one example of all that pages show.
#![allow(dead_code, reason = "each of the two programs that include this file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "fixed data, read by tests and by people who look at pages")]

#[path = "fixed_ports/explain.rs"]
mod explain;
#[path = "fixed_ports/quality.rs"]
mod quality;
#[path = "fixed_ports/track_record.rs"]
mod track_record;

use app::{
    account::model::Door,
    activity::model::{AccountChoice, Activity, Entry, ImportReport, OpeningProposal, TransactionForm},
    analytics::returns::by_year,
    charts,
    domain::*,
    error::{AppError, FieldError},
    holdings::model::{Holding, Holdings},
    overview::model::*,
    performance::{figures::performance as worked_out, model::Performance},
    pipeline::model::*,
    ports::*,
    settings::model::*,
};
use async_trait::async_trait;
use chrono::{DateTime, Datelike, Days, NaiveDate, Utc, Weekday};
use rust_decimal::{Decimal, prelude::FromPrimitive};
use std::sync::Arc;

/// What the fixed ports answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Fresh,
    Stale,
    Empty,
    Failed,
}

pub struct Fixed(pub State);

pub fn ports(state: State) -> Ports {
    let fixed = Arc::new(Fixed(state));
    Ports {
        portfolios: fixed.clone(),
        activities: fixed.clone(),
        operations: fixed.clone(),
        quality: fixed.clone(),
        explanations: fixed.clone(),
        settings: fixed.clone(),
        doors: fixed,
    }
}

pub fn now() -> DateTime<Utc> {
    "2026-11-22T18:00:00Z".parse().unwrap()
}

fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn usd(amount: f64) -> Money {
    Money(Decimal::from_f64(amount).unwrap().round_dp(2))
}

impl Fixed {
    fn fail<T>(&self, answer: T) -> Result<T, AppError> {
        if self.0 == State::Failed { Err(AppError::Internal { reference: "7f3a".into() }) } else { Ok(answer) }
    }
}

/// Sessions of about `years`, with a wave for a market and a deposit each quarter.
fn days(years: u64) -> Vec<Day> {
    let last = on("2026-11-20");
    let first = last - Days::new(365 * years);
    let sessions = first.iter_days().take_while(|day| *day <= last).filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
    let (mut value, mut contributions, mut twr, mut spy, mut peak) = (212_000.0_f64, 205_000.0, 1.0_f64, 1.0_f64, 1.0_f64);
    let mut noise = 7_u64;
    let mut random = move || {
        noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((noise >> 33) as f64 / f64::from(1_u32 << 31)) - 0.5
    };
    let mut days = Vec::new();
    for (index, session_date) in sessions.enumerate() {
        let market = random() * 0.022 + 0.0003 + (index as f64 / 23.0).sin() * 0.001;
        let own = market * 0.9 + random() * 0.01 + 0.0002;
        let flow = if index > 0 && index % 62 == 40 { 8_000.0 } else { 0.0 };
        value = (value + flow) * (1.0 + own);
        contributions += flow;
        twr *= 1.0 + own;
        spy *= 1.0 + market;
        peak = peak.max(twr);
        days.push(Day {
            session_date,
            value: Some(usd(value)),
            net_contributions: usd(contributions),
            inflow: usd(flow),
            outflow: Money::ZERO,
            cumulative: Some(twr - 1.0),
            benchmark_cumulative: Some(spy - 1.0),
            drawdown: Some(twr / peak - 1.0),
        });
    }
    days
}

fn overview(scope: Scope) -> Overview {
    let days = days(if scope.range == Range::FiveYears { 5 } else { 1 });
    let (first, last) = (days[0].clone(), days[days.len() - 1].clone());
    let (opening, closing) = (first.value.unwrap(), last.value.unwrap());
    let inflows = last.net_contributions - first.net_contributions;
    let weights = [
        ("Technology", 0.342),
        ("Finance", 0.178),
        ("Health care and pharmaceuticals", 0.141),
        ("Consumer", 0.126),
        ("Energy", 0.094),
        ("Industrials", 0.073),
    ];
    let mut sectors: Vec<_> =
        weights.map(|(sector, weight)| SectorWeight { sector: sector.into(), value: usd(closing.ratio_base() * weight), weight }).into();
    sectors.push(SectorWeight { sector: "Cash".into(), value: usd(13_396.4), weight: 0.046 });
    let months: Vec<MonthReturn> = (0..45)
        .map(|index: i32| MonthReturn {
            year: 2023 + (index + 2) / 12,
            month: (index + 2) as u32 % 12 + 1,
            time_weighted: Ok(f64::from(index * 37 % 19 - 7) / 160.0),
        })
        .collect();
    let dated: Vec<_> = months.iter().filter_map(|month| Some((month.year, month.month, *month.time_weighted.as_ref().ok()?))).collect();
    let years = by_year(&dated).into_iter().map(|(year, r)| (year, Ok(r))).collect();
    let gain = closing - opening - inflows;
    let figures = OverviewFigures {
        as_of: last.session_date,
        opens_on: first.session_date,
        since: on("2023-03-14"),
        value: Ok(closing),
        positions: 26,
        carried: 2,
        day_change: Ok(usd(1_284.15)),
        day_return: Ok(0.0049),
        benchmark_day_return: Ok(0.0031),
        total_gain: Ok(Gain {
            total: usd(50_226.19),
            realized: usd(8_120.4),
            unrealized: usd(37_080.79),
            income: usd(5_411.0),
            costs: usd(386.0),
            currency: Money::ZERO,
            residual: Money::ZERO,
        }),
        time_weighted: Ok(last.cumulative.unwrap()),
        benchmark_return: Ok(last.benchmark_cumulative.unwrap()),
        excess_return: Ok(last.cumulative.unwrap() - last.benchmark_cumulative.unwrap()),
        money_weighted: Ok(0.1512),
        money_weighted_is_annual: true,
        risk: Risk {
            annualized_return: last.cumulative.ok_or_else(|| Undefined::because("")),
            volatility: Ok(0.1432),
            sharpe_ratio: Ok(1.08),
            max_drawdown: Ok(-0.0921),
            beta: Ok(0.93),
            jensen_alpha: Err(Undefined::because("needs 60 returns, has 41")),
            herfindahl_index: Ok(0.071),
            effective_positions: Ok(14.1),
            top_1_weight: Ok(0.156),
            top_5_weight: Ok(0.566),
            top_10_weight: Ok(0.81),
        },
        bridge: Ok(Bridge {
            opening,
            inflows,
            outflows: Money::ZERO,
            price: gain - usd(3_126.0),
            income: usd(3_412.0),
            costs: usd(286.0),
            closing,
        }),
        months,
        years,
        days: charts::table_days(days.clone()),
    };
    Overview {
        figures,
        currency: "USD".into(),
        range: scope.range,
        benchmark: scope.benchmark,
        sectors,
        value_chart: charts::value_chart(&days, "USD"),
        return_chart: charts::return_chart(&days, scope.benchmark.label()),
        drawdown_chart: charts::drawdown_chart(&days),
    }
}

fn holdings(count: usize) -> Holdings {
    let names = [
        ("AAPL", "Apple"),
        ("MSFT", "Microsoft"),
        ("JPM", "JPMorgan Chase"),
        ("LLY", "Eli Lilly"),
        ("XOM", "Exxon Mobil"),
        ("COST", "Costco Wholesale"),
        ("BRK.A", "Berkshire Hathaway"),
        ("CAT", "Caterpillar"),
    ];
    let rows = (0..count)
        .map(|index| {
            let (symbol, name) = names[index % names.len()];
            let wave = |at: usize| 100.0 + ((at * 7 + index * 13) % 11) as f64 + at as f64 * 0.3;
            Holding {
                symbol: Symbol::parse(symbol).unwrap(),
                name: name.into(),
                sector: "Technology".into(),
                quantity: Decimal::new(1_234_567 + index as i64 * 7_000, 4),
                price: Some(Decimal::new(33_437 - index as i64 * 910, 2)),
                price_currency: None,
                priced_on: Some(on(if index == 2 { "2026-11-19" } else { "2026-11-20" })),
                value: Ok(usd(41_280.12 - index as f64 * 1_400.0)),
                weight: Ok(0.156 - index as f64 * 0.006),
                day_return: if index == 5 {
                    Err(Undefined::because("no price of the session before"))
                } else {
                    Ok(0.0112 - index as f64 * 0.004)
                },
                cost_basis: Ok(usd(30_000.0)),
                unrealized_gain: Ok(usd(11_280.12 - index as f64 * 1_900.0)),
                unrealized_return: Ok(0.384 - index as f64 * 0.07),
                recent: (0..30).map(wave).collect(),
            }
        })
        .collect();
    Holdings {
        as_of: on("2026-11-20"),
        currency: "USD".into(),
        rows,
        cash: Ok(usd(13_396.4)),
        receivable: Ok(usd(84.2)),
        value: Ok(usd(291_226.19)),
        is_restated: false,
    }
}

#[async_trait]
impl Portfolios for Fixed {
    async fn frame(&self, _: UserId, _: Scope) -> Result<Frame, AppError> {
        let is_empty = self.0 == State::Empty;
        self.fail(Frame {
            display_name: "Ada Example".into(),
            is_administrator: true,
            portfolios: vec![PortfolioChoice { id: PortfolioId(1), name: "Family, all accounts".into() }],
            shown: Some(PortfolioId(1)),
            publication: (!is_empty).then(|| PublicationNote {
                session_date: on("2026-11-20"),
                published_at: "2026-11-20T22:04:00Z".parse().unwrap(),
                checks_passed: 42,
                checks_total: 42,
                is_stale: self.0 == State::Stale,
            }),
            is_demo: true,
            open_findings: 2,
            running: is_empty.then(|| RunningNote {
                run_id: 7,
                dag: "backfill".into(),
                task: "fetching daily bars".into(),
                done: 11,
                total: Some(26),
            }),
            rendered_at: now(),
        })
    }
    async fn overview(&self, _: UserId, scope: Scope) -> Result<Option<OverviewPage>, AppError> {
        let page = || {
            let holdings = holdings(8);
            let count = u32::try_from(holdings.rows.len()).unwrap();
            let top = holdings.rows.into_iter().take(TopHolding::SHOWN).map(short).collect();
            OverviewPage {
                overview: overview(scope),
                top,
                holdings: count,
                restated: Restated { is_last: false, in_range: 2, ever: 2, benchmark_in_range: 0 },
                since_yesterday: Ok(SinceYesterday {
                    since: on("2026-11-19"),
                    shown: usd(283_115.85),
                    now: usd(284_400.0),
                    restated: usd(-12.4),
                    market: usd(1_200.0),
                    inflow: usd(100.0),
                    outflow: usd(0.0),
                    income: usd(0.25),
                    costs: usd(3.7),
                    currency: usd(0.0),
                    residual: usd(0.0),
                    rounding: usd(0.0),
                }),
            }
        };
        self.fail((self.0 != State::Empty).then(page))
    }
    async fn performance(&self, _: UserId, scope: Scope) -> Result<Option<Performance>, AppError> {
        self.fail((self.0 != State::Empty).then(|| worked_out(&track_record::of(&days(5)), &scope)).flatten())
    }
    async fn holdings(&self, _: UserId, _: Scope) -> Result<Option<Holdings>, AppError> {
        self.fail((self.0 != State::Empty).then(|| holdings(8)))
    }
}

fn short(row: Holding) -> TopHolding {
    let Holding { symbol, name, value, weight, day_return, unrealized_return, recent, .. } = row;
    TopHolding { symbol, name, value, weight, day_return, unrealized_return, recent }
}

fn entry(index: i64) -> Entry {
    let by_hand = index % 3 == 0;
    let (kind, symbol) = if by_hand { ("deposit", None) } else { ("buy", Symbol::parse("AAPL").ok()) };
    Entry {
        key: index.to_string(),
        transaction: by_hand.then_some(TransactionId(index)),
        version: 1,
        traded_on: on("2026-11-20") - Days::new(index.unsigned_abs() * 3),
        account: AccountId(1),
        account_name: "Alpaca paper".into(),
        kind: kind.into(),
        quantity: symbol.as_ref().map(|_| Decimal::new(125, 1)),
        price: symbol.as_ref().map(|_| Decimal::new(33_437, 2)),
        symbol,
        amount: usd(4_179.63),
        fee: usd(0.5),
        tax: Money::ZERO,
        currency: "USD".into(),
        ratio: None,
        counter_symbol: None,
        cost_share: None,
        lot_id: None,
        opened_on: None,
        note: if by_hand { "monthly saving".into() } else { String::new() },
        source: if by_hand { "hand" } else { "broker" }.into(),
    }
}

#[async_trait]
impl Activities for Fixed {
    async fn list(&self, _: UserId, _: Scope, page: u32) -> Result<Activity, AppError> {
        let is_empty = self.0 == State::Empty;
        let rows = if is_empty { vec![] } else { (0..12).map(entry).collect() };
        let proposal = |symbol: Option<&str>| OpeningProposal {
            account: AccountId(1),
            account_name: "Alpaca paper".into(),
            symbol: symbol.and_then(|symbol| Symbol::parse(symbol).ok()),
            opened_on: on("2024-01-02"),
            quantity: symbol.map(|_| Decimal::from(12)),
            amount: usd(1_200.0),
        };
        self.fail(Activity {
            currency: "USD".into(),
            accounts: if is_empty {
                vec![]
            } else {
                vec![AccountChoice { id: AccountId(1), name: "Alpaca paper".into(), is_connected: true }]
            },
            total: rows.len() as u64,
            rows,
            page,
            pages: 3,
            proposals: if is_empty { vec![] } else { vec![proposal(Some("MSFT")), proposal(None)] },
        })
    }
    async fn enter(&self, _: UserId, _: Scope, form: TransactionForm) -> Result<TransactionId, AppError> {
        if form.quantity.parse::<Decimal>().is_ok() {
            return Ok(TransactionId(99));
        }
        Err(AppError::Invalid(vec![FieldError::new("quantity", "Give the number of shares, e.g. 12.5.")]))
    }
    async fn correct(&self, _: UserId, _: Scope, _: TransactionId, _: i32, _: TransactionForm) -> Result<(), AppError> {
        Ok(())
    }
    async fn delete(&self, _: UserId, _: Scope, _: TransactionId, _: i32) -> Result<(), AppError> {
        Ok(())
    }
    async fn import(&self, _: UserId, _: Scope, _: AccountId, _: String, is_dry_run: bool) -> Result<ImportReport, AppError> {
        let refused = vec![app::activity::model::RefusedRow { line: 4, reason: "The date is missing. Write it as 2026-11-20.".into() }];
        Ok(ImportReport { is_dry_run, new: 2, already_there: 1, refused, preview: vec![entry(0), entry(1)] })
    }
    async fn decide_openings(&self, _: UserId, _: Scope, _: AccountId, _: bool) -> Result<(), AppError> {
        Ok(())
    }
    async fn create_portfolio(&self, _: UserId, _: String, _: String) -> Result<(), AppError> {
        Ok(())
    }
    async fn create_account(&self, _: UserId, _: Scope, _: String) -> Result<(), AppError> {
        Err(AppError::Invalid(vec![FieldError::new("name", "There is an account of this name already: choose another.")]))
    }
}

fn row(run_id: i64, state: &str) -> RunRow {
    let started_at = now() - chrono::Duration::minutes(run_id);
    RunRow {
        run_id,
        dag: "daily".into(),
        trigger: "schedule".into(),
        covers: "session 2026-11-20".into(),
        state: state.into(),
        created_at: started_at,
        started_at: Some(started_at),
        ended_at: (state != "running").then(|| started_at + chrono::Duration::seconds(9)),
        held_by: None,
        error: (state == "failed")
            .then(|| "Extract failed: Polygon answered 500 three times. The last good numbers stay published.".into()),
    }
}

fn task(task_id: i64, name: &str, after: &[&str], state: &str, from: i64) -> TaskRow {
    let started_at = now() - chrono::Duration::minutes(8) + chrono::Duration::milliseconds(from);
    let is_failed = state == "failed";
    let attempt = |number: i32| AttemptRow {
        number,
        worker: "host:4242".into(),
        outcome: (state != "running").then(|| if is_failed { "error" } else { "success" }.into()),
        ready_at: Some(started_at - chrono::Duration::milliseconds(400)),
        started_at,
        ended_at: (state != "running").then(|| started_at + chrono::Duration::milliseconds(1_400)),
        rows_written: 6_300,
        error_class: is_failed.then(|| "final".into()),
        error_chain: if is_failed { vec!["the vendor answered 500".into(), "GET /v2/aggs".into()] } else { vec![] },
    };
    let line = |line: i32, level: &str, message: &str| LogLine {
        attempt: 1,
        line,
        at: started_at,
        level: level.into(),
        message: message.into(),
        fields: serde_json::json!({ "symbol": "AAPL", "status": 500 }),
    };
    TaskRow {
        task_id,
        name: name.into(),
        part: String::new(),
        purpose: "Fetching prices".into(),
        after: after.iter().map(|&name| name.into()).collect(),
        state: state.into(),
        rows_written: 6_300,
        done: 11,
        total: Some(26),
        not_before: now(),
        started_at: Some(started_at),
        ended_at: (state != "running").then(|| started_at + chrono::Duration::milliseconds(1_400)),
        attempts: if matches!(state, "waiting" | "upstream_failed") { vec![] } else { vec![attempt(1)] },
        lines: if is_failed { 2 } else { 0 },
        log: if is_failed { vec![line(1, "INFO", "task started"), line(2, "WARN", "task ended")] } else { vec![] },
    }
}

fn whole_run() -> Run {
    Run {
        run: row(8, "failed"),
        version: "abc".into(),
        backfill_id: None,
        deadline_at: None,
        is_cancelling: false,
        tasks: vec![
            task(1, "extract_broker", &[], "success", 0),
            task(2, "extract_prices", &["extract_broker"], "failed", 1_900),
            task(3, "extract_actions", &["extract_broker"], "success", 1_900),
            task(4, "extract_details", &["extract_broker"], "success", 3_600),
            task(5, "extract_rates", &[], "success", 0),
            task(6, "propose_openings", &["extract_broker", "extract_actions"], "success", 5_200),
            task(7, "validate", &["extract_prices", "extract_details", "extract_rates", "propose_openings"], "upstream_failed", 0),
            task(8, "publish", &["validate"], "upstream_failed", 0),
        ],
        notes: vec![NoteRow { at: now(), who: "Ada".into(), text: "Polygon is down since noon; clear this when it is back.".into() }],
        sees_causes: true,
        may_change: true,
        may_note: true,
        rendered_at: now(),
    }
}

fn grid() -> Grid {
    let tasks = ["extract_broker", "extract_prices", "extract_actions", "validate", "publish"];
    let line = |run_id: i64, state: &str, cells: [&str; 5]| GridRow {
        run_id,
        state: state.into(),
        covers: "session 2026-11-20".into(),
        cells: cells.iter().map(|&state| Some(state.into())).collect(),
    };
    Grid {
        dag: "daily".into(),
        tasks: tasks.map(String::from).to_vec(),
        rows: vec![
            line(9, "running", ["success", "running", "success", "waiting", "waiting"]),
            line(8, "failed", ["success", "failed", "success", "upstream_failed", "upstream_failed"]),
            line(7, "success", ["success"; 5]),
        ],
        next_before: Some(7),
    }
}

fn schedule() -> ScheduleRow {
    let tick = |outcome: &str, reason: &str, run_id: Option<i64>| TickRow {
        logical_at: now() - chrono::Duration::hours(8),
        outcome: outcome.into(),
        reason: reason.into(),
        run_id,
        decided_at: now(),
    };
    ScheduleRow {
        name: "daily_open".into(),
        dag: "daily".into(),
        expression: "0 9 * * Mon-Fri America/New_York".into(),
        description: "weekdays at 09:00 New York, on exchange sessions".into(),
        next: (23..28).map(|day| format!("2026-11-{day}T14:00:00Z").parse().unwrap()).collect(),
        decided: vec![tick("run", "It was due.", Some(8)), tick("skipped", "The exchange has no session on 2026-11-21.", None)],
    }
}

#[async_trait]
impl Operations for Fixed {
    async fn pipeline(&self, _: UserId, _: Question) -> Result<Pipeline, AppError> {
        let is_empty = self.0 == State::Empty;
        let times = |task: &str, median: f64| TaskTimes {
            task: task.into(),
            attempts: 98,
            median,
            p95: median * 1.8,
            queue_median: 0.004,
            queue_p95: 0.02,
            recent: vec![1.0, 1.2, 0.9, 1.4, 1.1, 2.0, 1.0],
        };
        let dag = |name: &str, is_paused: bool| DagRow {
            dag: name.into(),
            paused_at: is_paused.then(now),
            paused_by: is_paused.then(|| "Ada".into()),
            running: i64::from(name == "daily"),
            queued: 0,
            last_state: Some("failed".into()),
            last_ended_at: Some(now()),
        };
        let full = Pipeline {
            waiting_for: None,
            alerts: vec![AlertRow {
                alert_id: 1,
                kind: "run_failed".into(),
                subject: "8".into(),
                message: "Run 8 of daily failed: Fetching prices failed: the vendor answered 500.".into(),
                raised_at: now(),
            }],
            dags: vec![dag("daily", false), dag("backfill", true)],
            runs: vec![row(9, "running"), row(8, "failed"), row(7, "success"), row(6, "success")],
            schedules: vec![schedule()],
            asked: None,
            grid: grid(),
            durations: vec![times("extract_broker", 0.6), times("extract_prices", 1.3)],
            backfills: vec![BackfillRow {
                backfill_id: 1,
                dag: "daily".into(),
                from: "2026-11-02".parse().unwrap(),
                to: "2026-11-20".parse().unwrap(),
                runs: 15,
                ended: 6,
                failed: 1,
                most_at_once: 2,
                is_cancelled: false,
                created_at: now(),
            }],
            nodes: vec![NodeRow {
                node_id: 1,
                name: "host:4242".into(),
                role: "server".into(),
                started_at: now(),
                beat_at: now(),
                is_draining: false,
                running_tasks: 2,
            }],
            audit: vec![AuditRow {
                audit_id: 1,
                at: now(),
                who: "Ada".into(),
                action: "pause_dag".into(),
                subject: "dag backfill".into(),
                details: serde_json::json!({}),
            }],
            may_run: true,
            may_operate: true,
            rendered_at: now(),
        };
        self.fail(match is_empty {
            false => full,
            true => Pipeline {
                waiting_for: Some("Waiting for the first administrator: open /setup with the token printed at the start.".into()),
                alerts: vec![],
                runs: vec![],
                grid: Grid::default(),
                durations: vec![],
                backfills: vec![],
                audit: vec![],
                ..full
            },
        })
    }
    async fn run(&self, _: UserId, run_id: i64, _: Option<i64>) -> Result<Run, AppError> {
        if run_id == 8 { Ok(whole_run()) } else { Err(AppError::NotFound) }
    }
    async fn pause(&self, _: UserId, _: String) -> Result<(), AppError> {
        Ok(())
    }
    async fn resume(&self, _: UserId, _: String) -> Result<(), AppError> {
        Ok(())
    }
    async fn cancel(&self, _: UserId, _: i64) -> Result<(), AppError> {
        Ok(())
    }
    async fn cancel_backfill(&self, _: UserId, _: i64) -> Result<(), AppError> {
        Ok(())
    }
    async fn clear(&self, _: UserId, _: i64, _: String, _: bool) -> Result<(), AppError> {
        Ok(())
    }
    async fn note(&self, _: UserId, _: i64, _: String) -> Result<(), AppError> {
        Ok(())
    }
    async fn run_now(&self, _: UserId) -> Result<i64, AppError> {
        Ok(10)
    }
}

#[async_trait]
impl Settings for Fixed {
    async fn connections(&self, _: UserId) -> Result<Connections, AppError> {
        let row = |id, label: &str, last_error: Option<&str>| ConnectionRow {
            id: ConnectionId(id),
            vendor: "Alpaca".into(),
            label: label.into(),
            base_url: Some("https://paper-api.alpaca.markets".into()),
            key_hint: "X7QZ".into(),
            origin: "person".into(),
            tested_at: Some(now()),
            last_error: last_error.map(Into::into),
        };
        let rows = if self.0 == State::Empty {
            vec![]
        } else {
            vec![
                row(1, "Alpaca paper", None),
                row(2, "Old account", Some("Alpaca refused the keys (403). Make new ones on its site and add them again.")),
            ]
        };
        self.fail(Connections { rows, may_add: true })
    }
    async fn accounts(&self, _: UserId) -> Result<Accounts, AppError> {
        let row = AccountRow {
            id: AccountId(1),
            name: "Alpaca paper".into(),
            portfolio: "Main".into(),
            cost_basis: "fifo".into(),
            allows_short: false,
        };
        let rows = if self.0 == State::Empty { vec![] } else { vec![row] };
        self.fail(Accounts { rows, may_change: true })
    }
    async fn keep_account(&self, _: UserId, _: AccountId, _: String, _: bool) -> Result<(), AppError> {
        Ok(())
    }
    async fn add_connection(&self, _: UserId, _: ConnectionForm) -> Result<(), AppError> {
        Err(AppError::Invalid(vec![FieldError::new("secret_key", "Alpaca refused these keys. Copy both again.")]))
    }
    async fn test_connection(&self, _: UserId, _: ConnectionId) -> Result<(), AppError> {
        Ok(())
    }
    async fn remove_connection(&self, _: UserId, _: ConnectionId) -> Result<(), AppError> {
        Ok(())
    }
    async fn people(&self, _: UserId) -> Result<People, AppError> {
        let row = |id, name: &str, is_me| PersonRow {
            id: UserId(id),
            name: name.to_lowercase(),
            display_name: name.into(),
            role: if is_me { "administrator" } else { "member" }.into(),
            is_disabled: id == 3,
            is_me,
            created_at: now(),
        };
        self.fail(People { rows: vec![row(1, "Ada", true), row(2, "Grace", false), row(3, "Edsger", false)] })
    }
    async fn add_person(&self, _: UserId, _: String, _: String, _: String, _: String) -> Result<(), AppError> {
        Ok(())
    }
    async fn set_disabled(&self, _: UserId, _: UserId, _: bool) -> Result<(), AppError> {
        Ok(())
    }
    async fn change_password(&self, _: UserId, _: String, _: String) -> Result<(), AppError> {
        Err(AppError::Invalid(vec![FieldError::new("current", "This isn't the current password.")]))
    }
}

#[async_trait]
impl Doors for Fixed {
    async fn door(&self, user: Option<UserId>) -> Result<Door, AppError> {
        Ok(Door { needs_setup: self.0 == State::Empty, has_demo: true, is_signed_in: user.is_some() })
    }
}
