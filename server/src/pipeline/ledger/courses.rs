//! Courses of holdings as rows: a quarter's values stand in one, so that ten years of a holding are forty rows. What replaces values that were
//! shown leaves these beside itself.

use super::moves;
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

/// Where a row stands that nothing has replaced: behind every publication.
pub const STANDS: i64 = i64::MAX;

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

/// What a landing belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub portfolio: PortfolioId,
    /// The publication that is being made.
    pub publication_id: i64,
    /// Of the sessions up to this one somebody may have seen values.
    pub through: Option<NaiveDate>,
}

impl Shown {
    /// What a portfolio's pages may have shown before this publication.
    pub async fn before(connection: &mut PgConnection, portfolio: PortfolioId, publication_id: i64) -> Result<Self, sqlx::Error> {
        let through = sqlx::query_scalar!(
            "select max(session_date) from ops.published_portfolio_day
             where portfolio_id = $1 and exists (select from ops.publication where keeps_courses and $1 = any(portfolios))",
            portfolio.get()
        );
        Ok(Self { portfolio, publication_id, through: through.fetch_one(connection).await? })
    }

    /// Does a quarter say of sessions that were shown what it said before? What wasn't held is 0, whether it is written down or not.
    fn agree(self, quarter: NaiveDate, old: &Packed, new: &Packed) -> bool {
        let of_quarter = self.through.and_then(|through| usize::try_from((through - quarter).num_days() + 1).ok()).unwrap_or_default();
        let days = of_quarter.min(old.market_value.len().max(new.market_value.len()));
        let values =
            |of: &Packed| -> Vec<Option<i64>> { (0..days).map(|at| of.market_value.get(at).copied().unwrap_or(Some(0))).collect() };
        let gains = |of: &Packed| -> Option<Vec<i64>> {
            of.currency_gain.as_ref().map(|gains| (0..days).map(|at| gains.get(at).copied().unwrap_or_default()).collect())
        };
        values(old) == values(new) && (days == 0 || gains(old) == gains(new))
    }
}

/// Lands what holdings were worth and what moved in them. A booking that goes on adds to the quarter that it began in. What is there already
/// is read and compared here: an edit changes few of many quarters.
pub(super) async fn land(
    connection: &mut PgConnection,
    shown: Shown,
    courses: &[HoldingCourse],
    from_scratch: bool,
) -> Result<u64, sqlx::Error> {
    let begun: BTreeSet<NaiveDate> = courses.iter().filter_map(|course| Some(quarter_of(course.closes.first()?.0))).collect();
    let known = quarters(connection, shown.portfolio, (!from_scratch).then_some(begun)).await?;
    let all = packed(courses, if from_scratch { BTreeMap::new() } else { known.clone() });
    let gone: Vec<_> = known.keys().filter(|key| !all.contains_key(key)).collect();
    let changed: Vec<_> = all.iter().filter(|(key, packed)| known.get(key) != Some(packed)).collect();
    let nothing = Packed::default();
    let replaced: Vec<_> = gone
        .iter()
        .map(|key| (*key, &nothing))
        .chain(changed.iter().copied())
        .filter(|((symbol, quarter), new)| {
            let old = known.get(&(symbol.clone(), *quarter)).unwrap_or(&nothing);
            !shown.agree(*quarter, old, new)
        })
        .map(|(key, _)| key)
        .collect();
    if !replaced.is_empty() {
        keep(connection, shown, &replaced).await?;
    }
    if !gone.is_empty() {
        forget(connection, shown.portfolio, &gone).await?;
    }
    let mut rows = 0;
    if !changed.is_empty() {
        rows += write(connection, shown.portfolio, &changed).await?;
    }
    if from_scratch || courses.iter().any(|course| !course.moves.is_empty()) {
        rows += moves::land(connection, shown, courses, from_scratch).await?;
    }
    Ok(rows)
}

fn columns<'a>(keys: impl Iterator<Item = &'a (Symbol, NaiveDate)>) -> (Vec<String>, Vec<NaiveDate>) {
    keys.map(|(symbol, quarter)| (symbol.as_str().to_owned(), *quarter)).unzip()
}

/// What stands, or that nothing does, as what this publication replaces.
async fn keep(connection: &mut PgConnection, shown: Shown, replaced: &[&(Symbol, NaiveDate)]) -> Result<(), sqlx::Error> {
    let (symbols, quarters) = columns(replaced.iter().copied());
    sqlx::query!(
        "insert into ops.published_holding_quarter (portfolio_id, symbol, quarter, replaced_by, market_value, currency_gain)
         select $1, symbol, quarter, $2, old.market_value, old.currency_gain
         from unnest($3::text[], $4::date[]) as replaced (symbol, quarter)
         left join (select * from ops.published_holding_quarter where portfolio_id = $1 and replaced_by = $5) as old using (symbol, quarter)",
        shown.portfolio.get(),
        shown.publication_id,
        &symbols,
        &quarters,
        STANDS,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn forget(connection: &mut PgConnection, portfolio: PortfolioId, gone: &[&(Symbol, NaiveDate)]) -> Result<(), sqlx::Error> {
    let (symbols, quarters) = columns(gone.iter().copied());
    sqlx::query!(
        "delete from ops.published_holding_quarter as old using unnest($2::text[], $3::date[]) as gone (symbol, quarter)
         where old.portfolio_id = $1 and old.symbol = gone.symbol and old.quarter = gone.quarter and old.replaced_by = $4",
        portfolio.get(),
        &symbols,
        &quarters,
        STANDS,
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
    let (symbols, quarters) = columns(changed.iter().map(|(key, _)| *key));
    let written = sqlx::query!(
        "insert into ops.published_holding_quarter (portfolio_id, symbol, quarter, replaced_by, market_value, currency_gain)
         select $1, symbol, quarter, $6, market_value::bigint[], currency_gain::bigint[]
         from unnest($2::text[], $3::date[], $4::text[], $5::text[]) as held (symbol, quarter, market_value, currency_gain)
         on conflict (portfolio_id, symbol, quarter, replaced_by) do update
         set market_value = excluded.market_value, currency_gain = excluded.currency_gain",
        portfolio.get(),
        &symbols,
        &quarters,
        &changed.iter().map(|(_, packed)| written(packed.market_value.iter().copied())).collect::<Vec<_>>(),
        &changed
            .iter()
            .map(|(_, packed)| packed.currency_gain.as_ref().map(|gains| written(gains.iter().copied().map(Some))))
            .collect::<Vec<_>>() as &[Option<String>],
        STANDS,
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

/// What stands of these quarters; `None`: of all.
async fn quarters(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    of: Option<BTreeSet<NaiveDate>>,
) -> Result<Quartered, sqlx::Error> {
    let of: Option<Vec<NaiveDate>> = of.map(|of| of.into_iter().collect());
    let rows = sqlx::query!(
        r#"select symbol, quarter, market_value as "market_value!: Vec<Option<i64>>", currency_gain from ops.published_holding_quarter
           where portfolio_id = $1 and replaced_by = $3 and ($2::date[] is null or quarter = any($2))"#,
        portfolio.get(),
        of.as_deref(),
        STANDS,
    );
    let rows = rows.fetch_all(connection).await?.into_iter();
    let packed = |row: (String, NaiveDate, Vec<Option<i64>>, Option<Vec<i64>>)| {
        let (symbol, quarter, market_value, currency_gain) = row;
        Some(((Symbol::parse(&symbol).ok()?, quarter), Packed { market_value, currency_gain }))
    };
    Ok(rows.filter_map(|row| packed((row.symbol, row.quarter, row.market_value, row.currency_gain))).collect())
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
        let empty = |symbol: &Symbol| HoldingCourse {
            symbol: symbol.clone(),
            closes: Vec::new(),
            currency: Vec::new(),
            owed: Vec::new(),
            moves: Vec::new(),
        };
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
        let course = HoldingCourse { symbol: symbol.clone(), closes, currency, owed: Vec::new(), moves: Vec::new() };
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
    fn what_is_added_behind_the_last_session_shown_replaces_nothing() {
        let quarter = on("2026-04-01");
        let packed = |values: &[i64], gains: Option<&[i64]>| Packed {
            market_value: values.iter().copied().map(Some).collect(),
            currency_gain: gains.map(<[i64]>::to_vec),
        };
        let agree = |through: Option<&str>, old: &Packed, new: &Packed| {
            let shown = Shown { portfolio: PortfolioId(1), publication_id: 7, through: through.map(on) };
            assert_eq!(shown.agree(quarter, old, new), shown.agree(quarter, new, old));
            shown.agree(quarter, old, new)
        };
        let (old, longer, other) = (packed(&[5, 6], None), packed(&[5, 6, 7], None), packed(&[5, 4, 7], None));
        assert!(agree(Some("2026-04-02"), &old, &longer), "a session more");
        assert!(!agree(Some("2026-04-03"), &old, &longer), "held in a session that was shown without it");
        assert!(!agree(Some("2026-04-02"), &old, &other) && !agree(Some("2027-01-04"), &old, &other));
        assert!(agree(Some("2026-04-01"), &old, &other) && agree(Some("2026-03-31"), &old, &other) && agree(None, &old, &other));
        assert!(agree(Some("2026-06-30"), &old, &packed(&[5, 6, 0], None)), "0 is what wasn't held");
        assert!(agree(Some("2026-06-30"), &Packed::default(), &packed(&[0, 0], None)));
        assert!(!agree(Some("2026-06-30"), &old, &packed(&[5, 6], Some(&[0, 0]))), "it has another currency now");
        assert!(!agree(Some("2026-04-02"), &packed(&[5, 6], Some(&[0, 1])), &packed(&[5, 6], Some(&[0, 2]))));
        assert!(agree(Some("2026-04-01"), &packed(&[5, 6], Some(&[0, 1])), &packed(&[5, 6], Some(&[0, 2]))));
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
