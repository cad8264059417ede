//! Courses of holdings as rows of the schema `ledger`: a quarter's values stand in one, so that ten years of a holding are forty rows.

use app::{
    analytics::ledger::HoldingCourse,
    domain::{Money, PortfolioId, Symbol},
};
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// Decimals of money.
const PLACES: u32 = 4;

/// The first day of a day's quarter.
pub fn quarter_of(day: NaiveDate) -> NaiveDate {
    NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1).unwrap_or(day)
}

/// A day's place in its quarter.
fn place(day: NaiveDate) -> usize {
    usize::try_from((day - quarter_of(day)).num_days()).unwrap_or_default()
}

/// Where a day's value stands in its quarter's row, counted from 1 as Postgres does, and how it is written there; `None`: more than can be
/// counted.
pub fn stored(day: NaiveDate, value: Money) -> Option<(usize, i64)> {
    Some((place(day) + 1, units(value)?))
}

/// In ten-thousandths; `None`: more than can be counted.
fn units(amount: Money) -> Option<i64> {
    let shift = PLACES.checked_sub(amount.0.scale())?;
    i64::try_from(amount.0.mantissa().checked_mul(10_i128.pow(shift))?).ok()
}

/// One symbol's values of a quarter, by the day's place in it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Packed {
    market_value: Vec<Option<i64>>,
    currency_gain: Option<Vec<i64>>,
}

impl Packed {
    fn put(&mut self, day: NaiveDate, value: Option<Money>, currency: Option<Money>) {
        let at = place(day);
        self.market_value.resize((at + 1).max(self.market_value.len()), Some(0));
        self.market_value[at] = value.and_then(units);
        if let Some(gain) = currency {
            let gains = self.currency_gain.get_or_insert_default();
            gains.resize((at + 1).max(gains.len()), 0);
            gains[at] = units(gain).unwrap_or_default();
        }
    }
}

/// By symbol and quarter, on top of what is there.
fn packed(courses: &[HoldingCourse], mut all: Quartered) -> Quartered {
    for course in courses {
        let currency = course.currency.iter().copied().map(Some).chain(std::iter::repeat(None));
        let mut closes = course.closes.iter().zip(currency).peekable();
        while let Some(((first, _), _)) = closes.peek() {
            let quarter = quarter_of(*first);
            let packed = all.entry((course.symbol.clone(), quarter)).or_default();
            while let Some(((day, value), gain)) = closes.next_if(|((day, _), _)| quarter_of(*day) == quarter) {
                packed.put(*day, *value, gain);
            }
        }
    }
    all
}

/// As Postgres reads an array.
fn written(numbers: impl Iterator<Item = Option<i64>>) -> String {
    let mut text = String::from("{");
    for (at, number) in numbers.enumerate() {
        let comma = if at == 0 { "" } else { "," };
        // Into a String nothing fails.
        _ = match number {
            Some(number) => write!(text, "{comma}{number}"),
            None => write!(text, "{comma}NULL"),
        };
    }
    text + "}"
}

type Quartered = BTreeMap<(Symbol, NaiveDate), Packed>;

/// Lands what holdings were worth and what moved in them. A booking that goes on adds to the quarter that it began in. What is there already
/// is read and compared here: an edit changes few of many quarters.
pub(super) async fn land(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    courses: &[HoldingCourse],
    from_scratch: bool,
) -> Result<u64, sqlx::Error> {
    let begun: BTreeSet<NaiveDate> = courses.iter().filter_map(|course| Some(quarter_of(course.closes.first()?.0))).collect();
    let known = quarters(connection, portfolio, (!from_scratch).then_some(begun)).await?;
    let all = packed(courses, if from_scratch { BTreeMap::new() } else { known.clone() });
    let gone: Vec<_> = known.keys().filter(|key| !all.contains_key(key)).collect();
    let changed: Vec<_> = all.iter().filter(|(key, packed)| known.get(key) != Some(packed)).collect();
    if !gone.is_empty() {
        forget(connection, portfolio, &gone).await?;
    }
    let mut rows = 0;
    if !changed.is_empty() {
        rows += write(connection, portfolio, &changed).await?;
    }
    if from_scratch || courses.iter().any(|course| !course.moves.is_empty()) {
        rows += moves(connection, portfolio, courses, from_scratch).await?;
    }
    Ok(rows)
}

async fn forget(connection: &mut PgConnection, portfolio: PortfolioId, gone: &[&(Symbol, NaiveDate)]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "delete from ledger.holding_quarter as old using unnest($2::text[], $3::date[]) as gone (symbol, quarter)
         where old.portfolio_id = $1 and old.symbol = gone.symbol and old.quarter = gone.quarter",
        portfolio.get(),
        &gone.iter().map(|(symbol, _)| symbol.as_str().to_owned()).collect::<Vec<_>>(),
        &gone.iter().map(|(_, quarter)| *quarter).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    changed: &[(&(Symbol, NaiveDate), &Packed)],
) -> Result<u64, sqlx::Error> {
    let written = sqlx::query!(
        "insert into ledger.holding_quarter
         select $1, symbol, quarter, market_value::bigint[], currency_gain::bigint[]
         from unnest($2::text[], $3::date[], $4::text[], $5::text[]) as held (symbol, quarter, market_value, currency_gain)
         on conflict (portfolio_id, symbol, quarter) do update
         set market_value = excluded.market_value, currency_gain = excluded.currency_gain",
        portfolio.get(),
        &changed.iter().map(|((symbol, _), _)| symbol.as_str().to_owned()).collect::<Vec<_>>(),
        &changed.iter().map(|((_, quarter), _)| *quarter).collect::<Vec<_>>(),
        &changed.iter().map(|(_, packed)| written(packed.market_value.iter().copied())).collect::<Vec<_>>(),
        &changed
            .iter()
            .map(|(_, packed)| packed.currency_gain.as_ref().map(|gains| written(gains.iter().copied().map(Some))))
            .collect::<Vec<_>>() as &[Option<String>],
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

/// What was landed of these quarters; `None`: of all.
async fn quarters(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    of: Option<BTreeSet<NaiveDate>>,
) -> Result<Quartered, sqlx::Error> {
    let of: Option<Vec<NaiveDate>> = of.map(|of| of.into_iter().collect());
    let rows = sqlx::query!(
        r#"select symbol, quarter, market_value as "market_value: Vec<Option<i64>>", currency_gain from ledger.holding_quarter
           where portfolio_id = $1 and ($2::date[] is null or quarter = any($2))"#,
        portfolio.get(),
        of.as_deref(),
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    let packed = |row: (String, NaiveDate, Vec<Option<i64>>, Option<Vec<i64>>)| {
        let (symbol, quarter, market_value, currency_gain) = row;
        Some(((Symbol::parse(&symbol).ok()?, quarter), Packed { market_value, currency_gain }))
    };
    Ok(rows.filter_map(|row| packed((row.symbol, row.quarter, row.market_value, row.currency_gain))).collect())
}

/// Rows that are there already are found by a join: to run into each as a conflict locks it, and logs that.
async fn moves(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    courses: &[HoldingCourse],
    from_scratch: bool,
) -> Result<u64, sqlx::Error> {
    let all = || courses.iter().flat_map(|course| course.moves.iter().map(move |(day, moved)| (&course.symbol, *day, moved)));
    let written = sqlx::query!(
        "with incoming as (
             select * from unnest($3::text[], $4::date[], $5::numeric(28, 4)[], $6::numeric(28, 4)[], $7::numeric(28, 4)[], $8::numeric(28, 4)[],
                                  $9::numeric(28, 4)[], $10::boolean[])
             as moved (symbol, session_date, net, income, costs, realized, invested, is_unconverted)
         ), gone as (
             delete from ledger.holding_move as old where portfolio_id = $1 and $2 and not exists (
                 select from incoming where incoming.symbol = old.symbol and incoming.session_date = old.session_date)
         )
         insert into ledger.holding_move
         select $1, incoming.* from incoming
         left join ledger.holding_move as known
             on known.portfolio_id = $1 and known.symbol = incoming.symbol and known.session_date = incoming.session_date
         where known.portfolio_id is null
            or (known.net, known.income, known.costs, known.realized, known.invested, known.is_unconverted)
               is distinct from
               (incoming.net, incoming.income, incoming.costs, incoming.realized, incoming.invested, incoming.is_unconverted)
         on conflict (portfolio_id, symbol, session_date) do update
         set net = excluded.net, income = excluded.income, costs = excluded.costs, realized = excluded.realized,
             invested = excluded.invested, is_unconverted = excluded.is_unconverted",
        portfolio.get(),
        from_scratch,
        &all().map(|(symbol, ..)| symbol.as_str().to_owned()).collect::<Vec<_>>(),
        &all().map(|(_, day, _)| day).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.net.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.income.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.costs.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.realized.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.invested.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.is_unconverted).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

/// Rows of quarters back as courses, for the sessions that a reader knows of.
#[derive(Debug)]
pub struct Quarters<'a> {
    /// Ascending.
    sessions: &'a [NaiveDate],
    courses: BTreeMap<Symbol, HoldingCourse>,
}

impl<'a> Quarters<'a> {
    pub fn of(sessions: &'a [NaiveDate]) -> Self {
        Self { sessions, courses: BTreeMap::new() }
    }

    /// The course of a symbol, empty at first.
    pub fn course(&mut self, symbol: Symbol) -> &mut HoldingCourse {
        let empty = |symbol: &Symbol| HoldingCourse { symbol: symbol.clone(), closes: Vec::new(), currency: Vec::new(), moves: Vec::new() };
        self.courses.entry(symbol).or_insert_with_key(empty)
    }

    /// A symbol's quarters come in their order. A value is written down while it is held, and a 0 behind it.
    pub fn add(&mut self, symbol: Symbol, quarter: NaiveDate, market_value: &[Option<i64>], currency_gain: Option<&[i64]>) {
        let sessions = self.sessions;
        let of_quarter = sessions.partition_point(|day| *day < quarter);
        let course = self.course(symbol);
        let mut was_held = course.closes.last().is_some_and(|(_, value)| *value != Some(Money::ZERO));
        for day in sessions[of_quarter..].iter().take_while(|day| quarter_of(**day) == quarter) {
            let at = place(*day);
            let Some(value) = market_value.get(at) else { break };
            let gain = currency_gain.map(|gains| gains.get(at).copied().unwrap_or_default());
            let is_held = *value != Some(0);
            if is_held || was_held || gain.is_some_and(|gain| gain != 0) {
                course.closes.push((*day, value.map(|units| Money(Decimal::new(units, PLACES)))));
                course.currency.extend(gain.map(|gain| Money(Decimal::new(gain, PLACES))));
            }
            was_held = is_held;
        }
    }

    /// By symbol.
    pub fn courses(self) -> Vec<HoldingCourse> {
        self.courses.into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn usd(text: &str) -> Option<Money> {
        Some(Money(text.parse().unwrap()))
    }

    #[test]
    fn what_is_written_down_reads_back() {
        let sessions: Vec<NaiveDate> = ["2026-03-30", "2026-03-31", "2026-04-01", "2026-04-02", "2026-04-06"].map(on).to_vec();
        let symbol = Symbol::parse("SAP").unwrap();
        let closes = vec![
            (sessions[0], usd("1234.5678")),
            (sessions[1], None),
            (sessions[2], usd("-0.0001")),
            (sessions[3], Some(Money(Decimal::new(0, PLACES)))),
        ];
        let currency = [0, -7, 12, 3].map(|gain| Money(Decimal::new(gain, PLACES))).to_vec();
        let course = HoldingCourse { symbol: symbol.clone(), closes, currency, moves: Vec::new() };
        // In two steps, as two publications would: the second adds to a quarter that is there.
        let (mut first, mut second) = (course.clone(), course.clone());
        (first.closes, first.currency) = (course.closes[..3].to_vec(), course.currency[..3].to_vec());
        (second.closes, second.currency) = (course.closes[3..].to_vec(), course.currency[3..].to_vec());
        let all = packed(&[second], packed(&[first], BTreeMap::new()));
        assert_eq!(all, packed(std::slice::from_ref(&course), BTreeMap::new()));
        assert_eq!(written(all[&(symbol.clone(), on("2026-04-01"))].market_value.iter().copied()), "{-1,0}");
        let mut read = Quarters::of(&sessions);
        for ((symbol, quarter), packed) in &all {
            read.add(symbol.clone(), *quarter, &packed.market_value, packed.currency_gain.as_deref());
        }
        assert_eq!(read.courses(), [course]);
    }

    #[test]
    fn a_quarter_begins_with_its_first_month() {
        for (day, quarter, at) in [("2026-01-01", "2026-01-01", 0), ("2026-03-31", "2026-01-01", 89), ("2028-12-31", "2028-10-01", 91)] {
            assert_eq!((quarter_of(on(day)), place(on(day))), (on(quarter), at));
        }
        assert_eq!(units(Money(Decimal::MAX)), None);
        assert_eq!(written([Some(1), None].into_iter()), "{1,NULL}");
    }
}
