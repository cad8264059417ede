//! The real year 2014, where `../shared/data` exists: a 7:1 split, dividends, a late listing, a withdrawal.

use crate::support::{Process, Scratch};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::{collections::BTreeMap, path::Path, time::Duration};

const HISTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/us-2014");

/// AAPL closed at 645.57 before its 7:1 split and at 93.70 after it.
const SPLIT_DAY: &str = "2014-06-09";

struct Day {
    date: NaiveDate,
    value: Decimal,
    inflow: Decimal,
    outflow: Decimal,
    daily_return: f64,
    benchmark: f64,
}

async fn days(database: &Scratch) -> Vec<Day> {
    let rows: Vec<(NaiveDate, Decimal, Decimal, Decimal, f64, f64)> = sqlx::query_as(
        "select session_date, value, inflow, outflow, daily_return, benchmark_total_return from marts.portfolio_daily order by session_date",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(date, value, inflow, outflow, daily_return, benchmark)| Day { date, value, inflow, outflow, daily_return, benchmark })
        .collect()
}

/// What the broker told, as it came.
#[derive(sqlx::FromRow)]
struct Activity {
    activity_type: String,
    activity_date: NaiveDate,
    symbol: Option<String>,
    side: Option<String>,
    quantity: Option<Decimal>,
    price: Option<Decimal>,
    net_amount: Option<Decimal>,
}

/// The recording, read by the test itself.
struct History {
    closes: BTreeMap<(String, NaiveDate), Decimal>,
    dividends: Vec<(String, NaiveDate)>,
    spy: Vec<f64>,
}

impl History {
    fn read() -> Self {
        let lines = |file: &str| -> Vec<Vec<String>> {
            let mut reader = csv::Reader::from_path(format!("{HISTORY}/{file}")).unwrap();
            reader.records().map(|line| line.unwrap().iter().map(str::to_owned).collect()).collect()
        };
        let closes = lines("bars.csv").into_iter().map(|line| ((line[0].clone(), line[1].parse().unwrap()), line[5].parse().unwrap()));
        let dividends = lines("corporate_actions.csv").into_iter().filter(|line| line[2] == "cash_dividend");
        Self {
            closes: closes.collect(),
            dividends: dividends.map(|line| (line[0].clone(), line[1].parse().unwrap())).collect(),
            spy: lines("spy_total_return.csv").into_iter().map(|line| line[1].parse().unwrap()).collect(),
        }
    }

    /// Shares at the day's close × their close + cash + dividends that have gone ex and aren't paid yet: worked out from
    /// nothing but the recording and what the broker told.
    fn value(&self, activities: &[Activity], date: NaiveDate) -> Decimal {
        let split: NaiveDate = SPLIT_DAY.parse().unwrap();
        let mut shares: BTreeMap<&str, Decimal> = BTreeMap::new();
        let mut cash = Decimal::ZERO;
        let mut due = Decimal::ZERO;
        for activity in activities {
            let symbol = activity.symbol.as_deref();
            match (activity.activity_type.as_str(), symbol) {
                ("FILL", Some(symbol)) if activity.activity_date <= date => {
                    let sign = if activity.side.as_deref() == Some("sell") { -Decimal::ONE } else { Decimal::ONE };
                    let quantity = sign * activity.quantity.unwrap();
                    cash -= quantity * activity.price.unwrap();
                    let is_split = symbol == "AAPL" && activity.activity_date < split && date >= split;
                    *shares.entry(symbol).or_default() += if is_split { quantity * Decimal::from(7) } else { quantity };
                }
                ("DIV", Some(symbol)) if activity.activity_date > date => {
                    let ex = self.dividends.iter().filter(|(of, ex)| of == symbol && *ex < activity.activity_date).map(|(_, ex)| *ex).max();
                    due += if ex.unwrap() <= date { activity.net_amount.unwrap() } else { Decimal::ZERO };
                }
                (_, _) if activity.activity_date <= date => cash += activity.net_amount.unwrap(),
                _ => {}
            }
        }
        cash + due + shares.into_iter().map(|(symbol, quantity)| quantity * self.closes[&(symbol.to_owned(), date)]).sum::<Decimal>()
    }
}

fn linked(returns: impl Iterator<Item = f64>) -> f64 {
    returns.map(|daily| 1.0 + daily).product::<f64>() - 1.0
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_year_passes_through_a_split_without_a_jump() {
    if !Path::new(HISTORY).exists() {
        println!("skipped: ../shared/data isn't here");
        return;
    }
    let database = Scratch::create("replay").await;
    let mut server = Process::start(database.plumbline(&["serve", "--replay", HISTORY, "--now", "2014-12-31T22:00:00Z"]), "replay");
    server
        .until("the publication of 2014", Duration::from_secs(120), async || {
            sqlx::query("select 1 / count(*) from ops.publication").execute(&database.pool).await.is_ok()
        })
        .await;

    // Every session's value, worked out a second time.
    let (history, days) = (History::read(), days(&database).await);
    assert_eq!((days.len(), days.last().unwrap().date.to_string().as_str()), (252, "2014-12-31"), "every session of the year");
    let activities: Vec<Activity> = sqlx::query_as(
        "select activity_type, activity_date, symbol, side, quantity, price, net_amount from raw.broker_activity order by activity_id",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    for day in &days {
        assert_eq!(day.value, history.value(&activities, day.date), "the value of {}", day.date);
    }
    for pair in days.windows(2) {
        let ratio = (pair[1].value + pair[1].outflow) / (pair[0].value + pair[1].inflow) - Decimal::ONE;
        let expected: f64 = ratio.try_into().unwrap();
        assert!((pair[1].daily_return - expected).abs() < 1e-12, "the return of {}", pair[1].date);
    }

    // The split: as many dollars as before, and no more than a market's move.
    let split = days.iter().find(|day| day.date.to_string() == SPLIT_DAY).expect("the session of the split");
    assert!(split.daily_return.abs() < 0.02, "AAPL's split moved the value by {}", split.daily_return);
    assert!(days.iter().all(|day| day.daily_return.abs() < 0.04), "a daily return is out of any market of 2014");
    let held = database.rows("(select symbol, quantity::int from marts.holdings)").await;
    assert_eq!(held, ["(AAPL,511)", "(BRK.A,1)", "(MSFT,555)", "(ZEN,2301)"], "73 shares of AAPL became 511");

    // Dividends are credited: four of each, for the shares held on the ex-date.
    let dividends = database.rows("(select symbol, amount::numeric(9,2) from staging.transactions where type = 'dividend')").await;
    assert_eq!(
        dividends,
        [
            "(AAPL,222.65)",
            "(AAPL,240.17)",
            "(AAPL,240.17)",
            "(AAPL,240.17)",
            "(MSFT,172.05)",
            "(MSFT,310.52)",
            "(MSFT,310.52)",
            "(MSFT,310.52)"
        ]
    );

    // The portfolio's return and SPY's with dividends, side by side from the same session to the same session.
    let spy = linked(days.iter().map(|day| day.benchmark));
    let recorded = history.spy.last().unwrap() / history.spy.first().unwrap() - 1.0;
    assert!((spy - recorded).abs() < 1e-9, "SPY made {spy}, and {recorded} by the recording");
    let own = linked(days.iter().map(|day| day.daily_return));
    assert!((0.29..0.30).contains(&own), "the portfolio made {own}");

    assert_eq!(database.rows("ledger.finding").await, [""; 0], "nothing was left unbooked");
    assert_eq!(database.rows("(select check_name, message from ops.check_result where not passed)").await, [""; 0]);
    let reconciled = database.rows("(select check_name from ops.check_result where dimension = 'consistency' and passed)").await;
    assert_eq!(
        reconciled,
        ["(cash_reconciles)", "(positions_reconcile)", "(value_is_positions_and_cash)"],
        "what is booked is what the broker reports"
    );
    drop(server);
    database.drop().await;
}
