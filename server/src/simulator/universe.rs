//! What is listed in the made-up market: 25 large companies and SPY with their true names and industries, then as many
//! invented ones as are asked for. Prices are invented for all of them.

use chrono::NaiveDate;

use super::market::{Profile, Split};
use super::random;

/// How a listing's made-up price behaves.
#[derive(Debug, Clone, Copy)]
pub struct Temper {
    /// Share of the market's daily move.
    pub beta: f64,
    /// Deviation per year of the listing's own move.
    pub own_volatility: f64,
    /// Dividends per year as a share of the price; 0 for those who pay none.
    pub dividend_yield: f64,
    /// Raw close on 2021-12-31, in cents.
    pub anchor_cents: u32,
    /// Shares traded on a usual day.
    pub usual_volume: u32,
}

pub struct Member {
    pub profile: Profile,
    pub temper: Temper,
    pub splits: Vec<Split>,
}

/// Symbol, name, exchange (MIC), SIC code, its words, listed on, then the temper.
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, f64, f64, f64, u32, u32);

const LARGE_CAPS: &[Row] = &[
    ("AAPL", "Apple Inc.", "XNAS", "3571", "ELECTRONIC COMPUTERS", "1980-12-12", 1.2, 0.18, 0.006, 17_757, 78_000_000),
    ("MSFT", "Microsoft Corp", "XNAS", "7372", "SERVICES-PREPACKAGED SOFTWARE", "1986-03-13", 1.1, 0.16, 0.009, 33_632, 26_000_000),
    ("NVDA", "Nvidia Corp", "XNAS", "3674", "SEMICONDUCTORS & RELATED DEVICES", "1999-01-22", 1.6, 0.32, 0.001, 29_411, 45_000_000),
    ("AMZN", "Amazon.Com Inc", "XNAS", "5961", "RETAIL-CATALOG & MAIL-ORDER HOUSES", "1997-05-15", 1.2, 0.22, 0.0, 333_434, 3_300_000),
    (
        "GOOGL",
        "Alphabet Inc. Class A Common Stock",
        "XNAS",
        "7370",
        "SERVICES-COMPUTER PROGRAMMING, DATA PROCESSING, ETC.",
        "2004-08-19",
        1.1,
        0.18,
        0.004,
        289_704,
        1_600_000,
    ),
    (
        "META",
        "Meta Platforms, Inc. Class A Common Stock",
        "XNAS",
        "7370",
        "SERVICES-COMPUTER PROGRAMMING, DATA PROCESSING, ETC.",
        "2012-05-18",
        1.2,
        0.26,
        0.004,
        33_635,
        20_000_000,
    ),
    (
        "TSLA",
        "Tesla, Inc. Common Stock",
        "XNAS",
        "3711",
        "MOTOR VEHICLES & PASSENGER CAR BODIES",
        "2010-06-29",
        1.5,
        0.36,
        0.0,
        105_678,
        24_000_000,
    ),
    (
        "BRK.B",
        "Berkshire Hathaway Inc. New",
        "XNYS",
        "6331",
        "FIRE, MARINE & CASUALTY INSURANCE",
        "1996-05-09",
        0.8,
        0.10,
        0.0,
        29_900,
        4_000_000,
    ),
    ("JPM", "JPMorgan Chase & Co.", "XNYS", "6021", "NATIONAL COMMERCIAL BANKS", "1969-03-05", 1.1, 0.15, 0.025, 15_835, 12_000_000),
    ("V", "VISA Inc.", "XNYS", "7389", "SERVICES-BUSINESS SERVICES, NEC", "2008-03-19", 0.9, 0.14, 0.008, 21_671, 7_000_000),
    (
        "UNH",
        "UnitedHealth Group Inc.",
        "XNYS",
        "6324",
        "HOSPITAL & MEDICAL SERVICE PLANS",
        "1984-10-17",
        0.7,
        0.18,
        0.014,
        50_214,
        3_200_000,
    ),
    ("JNJ", "Johnson & Johnson", "XNYS", "2834", "PHARMACEUTICAL PREPARATIONS", "1944-09-25", 0.5, 0.11, 0.027, 17_107, 7_000_000),
    (
        "PG",
        "Procter & Gamble Company",
        "XNYS",
        "2840",
        "SOAP, DETERGENTS, CLEANING PREPARATIONS, PERFUMES, COSMETICS",
        "1950-03-22",
        0.5,
        0.11,
        0.024,
        16_358,
        6_500_000,
    ),
    ("KO", "Coca-Cola Company", "XNYS", "2080", "BEVERAGES", "1919-09-05", 0.5, 0.11, 0.029, 5_921, 15_000_000),
    ("WMT", "Walmart Inc.", "XNYS", "5331", "RETAIL-VARIETY STORES", "1972-08-25", 0.5, 0.14, 0.014, 14_469, 8_000_000),
    ("COST", "Costco Wholesale Corp", "XNAS", "5331", "RETAIL-VARIETY STORES", "1985-12-05", 0.8, 0.15, 0.006, 56_770, 2_100_000),
    (
        "HD",
        "Home Depot, Inc.",
        "XNYS",
        "5211",
        "RETAIL-LUMBER & OTHER BUILDING MATERIALS DEALERS",
        "1981-09-22",
        1.0,
        0.15,
        0.022,
        41_501,
        3_600_000,
    ),
    ("XOM", "Exxon Mobil Corporation", "XNYS", "2911", "PETROLEUM REFINING", "1920-03-25", 0.9, 0.20, 0.038, 6_119, 18_000_000),
    ("CVX", "Chevron Corporation", "XNYS", "2911", "PETROLEUM REFINING", "1921-06-24", 0.9, 0.19, 0.038, 11_735, 9_000_000),
    ("GE", "GE Aerospace", "XNYS", "3724", "AIRCRAFT ENGINES & ENGINE PARTS", "1962-01-02", 1.1, 0.22, 0.006, 1_181, 52_000_000),
    ("CAT", "Caterpillar Inc.", "XNYS", "3531", "CONSTRUCTION MACHINERY & EQUIP", "1929-12-02", 1.1, 0.18, 0.019, 20_674, 3_000_000),
    ("NEE", "NextEra Energy, Inc.", "XNYS", "4911", "ELECTRIC SERVICES", "1950-11-06", 0.6, 0.16, 0.026, 9_336, 8_500_000),
    (
        "VZ",
        "Verizon Communications",
        "XNYS",
        "4813",
        "TELEPHONE COMMUNICATIONS (NO RADIOTELEPHONE)",
        "1983-11-21",
        0.5,
        0.13,
        0.060,
        5_196,
        21_000_000,
    ),
    (
        "AMT",
        "American Tower Corporation",
        "XNYS",
        "6798",
        "REAL ESTATE INVESTMENT TRUSTS",
        "1998-02-27",
        0.7,
        0.17,
        0.028,
        29_250,
        1_900_000,
    ),
    ("FCX", "Freeport-McMoRan, Inc.", "XNYS", "1000", "METAL MINING", "1995-07-10", 1.4, 0.28, 0.013, 4_173, 16_000_000),
];

/// Symbol, execution date, old shares, new shares. Those after 2024 are invented, as is General Electric's date.
const SPLITS: &[(&str, &str, u32, u32)] = &[
    ("AAPL", "2014-06-09", 1, 7),
    ("AAPL", "2020-08-31", 1, 4),
    ("NVDA", "2021-07-20", 1, 4),
    ("NVDA", "2024-06-10", 1, 10),
    ("AMZN", "2022-06-06", 1, 20),
    ("GOOGL", "2022-07-18", 1, 20),
    ("TSLA", "2020-08-31", 1, 5),
    ("TSLA", "2022-08-25", 1, 3),
    ("V", "2015-03-19", 1, 4),
    ("NEE", "2020-10-27", 1, 4),
    ("WMT", "2024-02-26", 1, 3),
    ("GE", "2023-07-31", 8, 1),
    ("CAT", "2025-06-23", 1, 2),
    ("COST", "2026-03-09", 1, 4),
];

/// Industries of invented companies: SIC code, its words, a second word for the name.
const INDUSTRIES: &[(&str, &str, &str)] = &[
    ("3674", "SEMICONDUCTORS & RELATED DEVICES", "Semiconductor"),
    ("7372", "SERVICES-PREPACKAGED SOFTWARE", "Software"),
    ("2834", "PHARMACEUTICAL PREPARATIONS", "Pharma"),
    ("6022", "STATE COMMERCIAL BANKS", "Bancorp"),
    ("4911", "ELECTRIC SERVICES", "Power"),
    ("1311", "CRUDE PETROLEUM & NATURAL GAS", "Energy"),
    ("5411", "RETAIL-GROCERY STORES", "Markets"),
    ("3841", "SURGICAL & MEDICAL INSTRUMENTS & APPARATUS", "Instruments"),
    ("4213", "TRUCKING (NO LOCAL)", "Freight"),
    ("6798", "REAL ESTATE INVESTMENT TRUSTS", "Properties"),
    ("1531", "OPERATIVE BUILDERS", "Homes"),
    ("5047", "WHOLESALE-MEDICAL, DENTAL & HOSPITAL EQUIPMENT & SUPPLIES", "Supply"),
];

const FIRST_WORDS: &[&str] = &[
    "Alder",
    "Birchwood",
    "Calder",
    "Dunmore",
    "Eastgate",
    "Fairmont",
    "Granite",
    "Harbor",
    "Ironbridge",
    "Juniper",
    "Kestrel",
    "Lakeshore",
    "Meridian",
    "Northfield",
    "Oakhurst",
    "Palisade",
    "Quarry",
    "Ridgeline",
    "Saltmarsh",
    "Timberline",
    "Umber",
    "Vantage",
    "Westbrook",
];

pub const BENCHMARK: &str = "SPY";

/// The first `count` companies and SPY. Asking for more leaves the earlier ones as they are.
pub fn members(seed: u64, count: usize) -> Vec<Member> {
    let mut members: Vec<Member> = LARGE_CAPS.iter().take(count).map(large_cap).collect();
    members.extend((LARGE_CAPS.len()..count).map(|number| invented(seed, number)));
    members.push(benchmark());
    members
}

fn large_cap(row: &Row) -> Member {
    let &(symbol, name, exchange, sic, words, listed, beta, own_volatility, dividend_yield, anchor_cents, usual_volume) = row;
    let splits =
        SPLITS.iter().filter(|split| split.0 == symbol).map(|&(_, on, from, to)| Split { execution_date: day(on), from, to }).collect();
    Member {
        profile: Profile::stock(symbol, name, exchange, Some((sic, words)), day(listed)),
        temper: Temper { beta, own_volatility, dividend_yield, anchor_cents, usual_volume },
        splits,
    }
}

fn benchmark() -> Member {
    Member {
        profile: Profile::fund(BENCHMARK, "SPDR S&P 500 ETF Trust", day("1993-01-29")),
        temper: Temper { beta: 1.0, own_volatility: 0.004, dividend_yield: 0.014, anchor_cents: 47_496, usual_volume: 80_000_000 },
        splits: Vec::new(),
    }
}

/// Tickers "QAAA", "QAAB", …: none of the large companies begins with Q.
fn invented(seed: u64, number: usize) -> Member {
    let place = number as u64 - LARGE_CAPS.len() as u64;
    let key = random::at(random::named(seed, "invented"), place);
    let letter = |power: u64| char::from(b'A' + random::below(place / power, 26) as u8);
    let symbol: String = ['Q', letter(676), letter(26), letter(1)].iter().collect();
    let (sic, words, second) = INDUSTRIES[random::below(random::at(key, 0), INDUSTRIES.len() as u64) as usize];
    let first = FIRST_WORDS[random::below(random::at(key, 1), FIRST_WORDS.len() as u64) as usize];
    let exchange = if random::unit(random::at(key, 2)) < 0.4 { "XNAS" } else { "XNYS" };
    let pays = random::unit(random::at(key, 3)) < 0.7;
    let anchor_cents = 2_500 + random::below(random::at(key, 4), 25_000) as u32;
    let splits = (random::unit(random::at(key, 5)) < 0.12 && anchor_cents > 9_000).then(|| {
        let on = day("2016-02-01") + chrono::Days::new(random::below(random::at(key, 6), 4_400));
        let to = 2 + random::below(random::at(key, 7), 2) as u32;
        Split { execution_date: crate::calendar::session_on_or_after(on), from: 1, to }
    });
    Member {
        profile: Profile::stock(&symbol, &format!("{first} {second} {symbol} Inc."), exchange, Some((sic, words)), day("2001-03-01")),
        temper: Temper {
            beta: 0.5 + random::unit(random::at(key, 8)),
            own_volatility: 0.12 + 0.2 * random::unit(random::at(key, 9)),
            dividend_yield: if pays { 0.005 + 0.03 * random::unit(random::at(key, 10)) } else { 0.0 },
            anchor_cents,
            usual_volume: 300_000 + random::below(random::at(key, 11), 4_000_000) as u32,
        },
        splits: splits.into_iter().collect(),
    }
}

/// A day of the tables above, which the tests read whole.
fn day(text: &str) -> NaiveDate {
    text.parse().unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_the_tables_is_one() {
        for member in members(1, 600) {
            assert!(member.profile.list_date > NaiveDate::MIN, "{}", member.profile.symbol);
            assert!(member.splits.iter().all(|split| crate::calendar::is_session(split.execution_date)), "{}", member.profile.symbol);
        }
    }

    #[test]
    fn symbols_are_distinct_and_more_of_them_keep_the_first() {
        let symbols = |count| members(1, count).iter().map(|member| member.profile.symbol.clone()).collect::<Vec<_>>();
        let all = symbols(1_500);
        let distinct: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), 1_501);
        assert_eq!(all[..600], symbols(600)[..600]);
    }
}
