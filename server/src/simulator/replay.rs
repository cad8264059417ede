//! Real history from a folder:
//!
//! - `bars.csv`: symbol,session_date,open,high,low,close,volume (raw prices)
//! - `corporate_actions.csv`: symbol,ex_date,type,value with type cash_dividend (USD per share) or split (new shares per old)
//! - `spy_total_return.csv`: session_date,adjusted_close; served as SPY's bars with open = high = low = close
//! - `treasury_3_month.csv`: date,yield_fraction; served as FRED's percent
//! - `activities.csv`, where there is one: see `broker::activities_file`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::SimulatorError;
use super::broker::small::usual_pay_date;
use super::market::{Bar, Dividend, History, Listing, Market, Profile, Rate, Series, Sessions, Split};
use super::universe::BENCHMARK;
use crate::calendar;
use crate::csv_lines::{Lines, quoted_well};

/// One line of a file, whose every complaint names the file and the line.
pub struct Line<'a> {
    path: &'a Path,
    number: u64,
    fields: BTreeMap<String, String>,
}

impl Line<'_> {
    pub fn wrong(&self, problem: impl Into<String>) -> SimulatorError {
        SimulatorError::Line { path: self.path.to_owned(), line: self.number, problem: problem.into() }
    }

    pub fn text(&self, column: &str) -> Result<&str, SimulatorError> {
        self.optional(column).ok_or_else(|| self.wrong(format!("{column} is missing")))
    }

    pub fn optional(&self, column: &str) -> Option<&str> {
        self.fields.get(column).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    pub fn date(&self, column: &str) -> Result<NaiveDate, SimulatorError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| self.wrong(format!("{column} is {text:?}, not a date like 2014-06-09")))
    }

    pub fn number(&self, column: &str) -> Result<Decimal, SimulatorError> {
        let text = self.text(column)?;
        text.parse().map_err(|_| self.wrong(format!("{column} is {text:?}, not a number")))
    }

    fn positive(&self, column: &str) -> Result<Decimal, SimulatorError> {
        let number = self.number(column)?;
        if number > Decimal::ZERO { Ok(number) } else { Err(self.wrong(format!("{column} is {number}, and must be positive"))) }
    }

    /// The place of a date that must be a session.
    fn session(&self, column: &str) -> Result<u32, SimulatorError> {
        let date = self.date(column)?;
        Sessions::all().find(date).ok_or_else(|| self.wrong(format!("{column} {date} is no session of the exchange between 2000 and 2040")))
    }
}

/// Calls `each` for every line after the header.
pub fn read_lines(path: &Path, mut each: impl FnMut(&Line) -> Result<(), SimulatorError>) -> Result<(), SimulatorError> {
    let text = std::fs::read_to_string(path).map_err(|source| SimulatorError::File { path: path.to_owned(), source })?;
    let text = text.trim_start_matches('\u{feff}');
    let broken = |line: u64, problem: String| SimulatorError::Line { path: path.to_owned(), line, problem };
    quoted_well(text).map_err(|wrong| broken(wrong.line, wrong.what.to_owned()))?;
    let mut lines = Lines::of(text);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let columns = reader.headers().map_err(|problem| broken(1, problem.to_string()))?.clone();
    for record in reader.records() {
        let record = record.map_err(|problem| broken(lines.row(problem.position()), problem.to_string()))?;
        let fields = columns.iter().map(str::to_owned).zip(record.iter().map(str::to_owned)).collect();
        each(&Line { path, number: lines.row(record.position()), fields })?;
    }
    Ok(())
}

/// What a bar's line says before its prices are brought to one number of digits.
struct Quote {
    session: u32,
    /// Open, high, low, close.
    prices: [Decimal; 4],
    volume: u64,
}

/// # Errors
/// A missing file, or the first line that can't be understood.
pub fn market(folder: &Path) -> Result<Market, SimulatorError> {
    let mut quotes = read_bars(&folder.join("bars.csv"))?;
    read_benchmark(&folder.join("spy_total_return.csv"), &mut quotes)?;
    let (mut dividends, mut splits) = read_actions(&folder.join("corporate_actions.csv"))?;
    let rates = read_rates(&folder.join("treasury_3_month.csv"))?;
    let mut listings = Vec::with_capacity(quotes.len());
    for (symbol, (path, quotes)) in quotes {
        let dividends = dividends.remove(&symbol).unwrap_or_default();
        let splits = splits.remove(&symbol).unwrap_or_default();
        listings.push(listing(&symbol, &path, &quotes, dividends, splits)?);
    }
    Ok(Market::new(listings, rates))
}

type Quotes = BTreeMap<String, (PathBuf, Vec<Quote>)>;

fn read_bars(path: &Path) -> Result<Quotes, SimulatorError> {
    let mut quotes = Quotes::new();
    read_lines(path, |line| {
        let prices = [line.positive("open")?, line.positive("high")?, line.positive("low")?, line.positive("close")?];
        let [open, high, low, close] = prices;
        if low > open.min(close) || high < open.max(close) {
            return Err(line.wrong("open and close must lie between low and high"));
        }
        let volume = line.number("volume")?.to_u64().ok_or_else(|| line.wrong("volume is no whole number"))?;
        add_quote(&mut quotes, line, line.text("symbol")?, Quote { session: line.session("session_date")?, prices, volume })
    })?;
    Ok(quotes)
}

fn read_benchmark(path: &Path, quotes: &mut Quotes) -> Result<(), SimulatorError> {
    read_lines(path, |line| {
        let close = line.positive("adjusted_close")?;
        /// The file says none; any number will do for an index.
        const VOLUME: u64 = 100_000_000;
        add_quote(quotes, line, BENCHMARK, Quote { session: line.session("session_date")?, prices: [close; 4], volume: VOLUME })
    })
}

fn add_quote(quotes: &mut Quotes, line: &Line, symbol: &str, quote: Quote) -> Result<(), SimulatorError> {
    let (_, known) = quotes.entry(symbol.to_owned()).or_insert_with(|| (line.path.to_owned(), Vec::new()));
    if known.last().is_some_and(|last| last.session >= quote.session) {
        return Err(line.wrong(format!("the bars of {symbol} must be in the order of their days, each day once")));
    }
    known.push(quote);
    Ok(())
}

type Dividends = BTreeMap<String, Vec<Dividend>>;
type Splits = BTreeMap<String, Vec<Split>>;

fn read_actions(path: &Path) -> Result<(Dividends, Splits), SimulatorError> {
    let (mut dividends, mut splits) = (Dividends::new(), Splits::new());
    read_lines(path, |line| {
        let (symbol, date, value) = (line.text("symbol")?.to_owned(), line.date("ex_date")?, line.positive("value")?);
        match line.text("type")? {
            "cash_dividend" => dividends.entry(symbol).or_default().push(Dividend {
                ex_date: date,
                declaration_date: calendar::session_on_or_before(date - chrono::Days::new(14)),
                record_date: calendar::session_on_or_after(date + chrono::Days::new(1)),
                pay_date: usual_pay_date(date),
                amount: value.normalize(),
            }),
            "split" => {
                let (from, to) = ratio(value).ok_or_else(|| line.wrong(format!("{value} is no ratio of a split")))?;
                splits.entry(symbol).or_default().push(Split { execution_date: date, from, to });
            }
            other => return Err(line.wrong(format!("type is {other:?}: use cash_dividend or split"))),
        }
        Ok(())
    })?;
    dividends.values_mut().for_each(|each| each.sort_by_key(|dividend| dividend.ex_date));
    splits.values_mut().for_each(|each| each.sort_by_key(|split| split.execution_date));
    Ok((dividends, splits))
}

/// New shares per old as old and new: 7 is 1 for 7, 0.125 is 8 for 1, 1.5 is 2 for 3.
fn ratio(value: Decimal) -> Option<(u32, u32)> {
    let value = value.normalize();
    let (from, to) = (10_i128.checked_pow(value.scale())?, value.mantissa());
    let (mut a, mut b) = (from, to);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Some((u32::try_from(from / a).ok()?, u32::try_from(to / a).ok()?))
}

fn read_rates(path: &Path) -> Result<Vec<Rate>, SimulatorError> {
    let mut rates = Vec::new();
    read_lines(path, |line| {
        let percent = match line.optional("yield_fraction") {
            None | Some(".") => ".".to_owned(),
            Some(_) => {
                let mut percent = (line.number("yield_fraction")? * Decimal::ONE_HUNDRED).normalize();
                percent.rescale(percent.scale().max(2));
                percent.to_string()
            }
        };
        rates.push(Rate { date: line.date("date")?, percent });
        Ok(())
    })?;
    rates.sort_by_key(|rate| rate.date);
    Ok(rates)
}

fn listing(symbol: &str, path: &Path, quotes: &[Quote], dividends: Vec<Dividend>, splits: Vec<Split>) -> Result<Listing, SimulatorError> {
    let decimals = quotes.iter().flat_map(|quote| quote.prices).map(|price| price.normalize().scale()).max().unwrap_or(2);
    let scale = Decimal::from(10_u64.pow(decimals.min(10)));
    let units = |price: Decimal| {
        let problem = || SimulatorError::Line {
            path: path.to_owned(),
            line: 1,
            problem: format!("the prices of {symbol} have too many digits: at most 4294967295 units of the smallest one are possible"),
        };
        (price * scale).to_u32().filter(|_| decimals <= 6).ok_or_else(problem)
    };
    let mut bars = Vec::with_capacity(quotes.len());
    for quote in quotes {
        let [open, high, low, close] = quote.prices;
        bars.push(Bar {
            session: quote.session,
            open: units(open)?,
            high: units(high)?,
            low: units(low)?,
            close: units(close)?,
            trades: (quote.volume / 140).clamp(1, 4_000_000) as u32,
            volume: quote.volume,
        });
    }
    let first = bars.first().map(|bar| Sessions::all().date(bar.session)).unwrap_or_default();
    let series = Arc::new(Series::recorded(bars, dividends));
    Ok(Listing { profile: profile(symbol, first), decimals, splits, history: History::Recorded(series) })
}

/// The companies of the known history by name, any other by its symbol.
fn profile(symbol: &str, first: NaiveDate) -> Profile {
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap_or(first);
    let software = Some(("7372", "SERVICES-PREPACKAGED SOFTWARE"));
    match symbol {
        "AAPL" => Profile::stock(symbol, "Apple Inc.", "XNAS", Some(("3571", "ELECTRONIC COMPUTERS")), day(1980, 12, 12)),
        "MSFT" => Profile::stock(symbol, "Microsoft Corp", "XNAS", software, day(1986, 3, 13)),
        "BRK.A" => {
            let industry = Some(("6331", "FIRE, MARINE & CASUALTY INSURANCE"));
            Profile::stock(symbol, "Berkshire Hathaway Inc.", "XNYS", industry, day(1980, 3, 17))
        }
        "ZEN" => Profile::stock(symbol, "Zendesk, Inc.", "XNYS", software, day(2014, 5, 15)),
        BENCHMARK => Profile::fund(symbol, "SPDR S&P 500 ETF Trust", day(1993, 1, 29)),
        _ => Profile::stock(symbol, &format!("{symbol} Inc."), "XNYS", None, first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(bars: &str, actions: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, header: &str, rows: &str| std::fs::write(folder.path().join(name), format!("{header}\n{rows}")).unwrap();
        write("bars.csv", "symbol,session_date,open,high,low,close,volume", bars);
        write("corporate_actions.csv", "symbol,ex_date,type,value", actions);
        write("spy_total_return.csv", "session_date,adjusted_close", "2014-01-02,163.383347\n");
        write("treasury_3_month.csv", "date,yield_fraction", "2014-01-02,0.0007\n2014-01-03,\n");
        folder
    }

    const BAR: &str = "AAPL,2014-01-02,555.68,557.03,552.021,553.13,8381600\n";

    #[test]
    fn prices_are_kept_to_the_last_digit() {
        let folder = folder(BAR, "AAPL,2014-06-09,split,7.0\nAAPL,2014-02-06,cash_dividend,3.05\n");
        let market = market(folder.path()).unwrap();
        let apple = market.listing("AAPL").unwrap();
        let series = apple.series(u32::MAX);
        assert_eq!(apple.money(series.latest(u32::MAX).unwrap().low).to_string(), "552.021");
        assert_eq!(apple.splits[0], Split { execution_date: "2014-06-09".parse().unwrap(), from: 1, to: 7 });
        assert_eq!(series.dividends[0].pay_date, "2014-02-13".parse().unwrap());
        let spy = market.listing("SPY").unwrap();
        assert_eq!(spy.money(spy.series(u32::MAX).latest(u32::MAX).unwrap().close).to_string(), "163.383347");
        assert_eq!(market.rates.iter().map(|rate| rate.percent.as_str()).collect::<Vec<_>>(), ["0.07", "."]);
    }

    #[test]
    fn a_bad_line_is_named() {
        let complaint = |bars: &str, actions: &str| {
            let folder = folder(bars, actions);
            market(folder.path()).err().map(|error| error.to_string()).unwrap_or_default()
        };
        let cases = [
            (format!("{BAR}AAPL,2014-01-03,x,1,1,1,1\n"), "", "bars.csv, line 3: open is \"x\", not a number"),
            (format!("{BAR}AAPL,2014-01-04,1,1,1,1,1\n"), "", "line 3: session_date 2014-01-04 is no session"),
            (format!("{BAR}{BAR}"), "", "line 3: the bars of AAPL must be in the order"),
            ("AAPL,2014-01-02,5,4,3,4,1\n".to_owned(), "", "line 2: open and close must lie between"),
            ("AAPL,2014-01-02,-5,4,3,4,1\n".to_owned(), "", "line 2: open is -5, and must be positive"),
            (format!("{BAR}AAPL,2014-01-03\n"), "", "bars.csv, line 3"),
            (BAR.to_owned(), "AAPL,2014-06-09,merger,7.0\n", "corporate_actions.csv, line 2: type is \"merger\""),
        ];
        for (bars, actions, expected) in cases {
            let got = complaint(&bars, actions);
            assert!(got.contains(expected), "{got} / {expected}");
        }
        assert!(market(Path::new("/nowhere")).err().unwrap().to_string().contains("/nowhere/bars.csv"));
    }

    #[test]
    fn ratios_of_splits() {
        assert_eq!(ratio(Decimal::new(70, 1)), Some((1, 7)));
        assert_eq!(ratio(Decimal::new(125, 3)), Some((8, 1)));
        assert_eq!(ratio(Decimal::new(15, 1)), Some((2, 3)));
    }

    #[test]
    fn activities_may_lie_beside_the_bars() {
        use crate::simulator::broker::activities_file::read;
        let folder = folder(BAR, "");
        let market = market(folder.path()).unwrap();
        assert!(read(folder.path(), &market).unwrap().is_none());
        let header = "activity_type,date,created_at,symbol,side,qty,price,net_amount";
        let write = |rows: &str| std::fs::write(folder.path().join("activities.csv"), format!("{header}\n{rows}")).unwrap();
        write("FILL,2014-01-02,,AAPL,buy,2,553.13,\nCSD,2014-01-02,,,,,,5000\n");
        let activities = read(folder.path(), &market).unwrap().unwrap();
        assert_eq!(activities[0].kind, "CSD");
        assert_eq!(activities.iter().map(super::super::broker::activity::Activity::cash).sum::<Decimal>(), Decimal::new(389_374, 2));
        write("FILL,2014-01-02,,ZZZ,buy,2,553.13,\n");
        assert!(read(folder.path(), &market).unwrap_err().to_string().contains("activities.csv, line 2: ZZZ has no bars"));
        write("DIV,2014-01-02,,AAPL,,,,\n");
        assert!(read(folder.path(), &market).unwrap_err().to_string().contains("net_amount is missing"));
    }
}
