//! The catalogue of defects: each a change to the good batch, the checks that look for it, and what their failure has to show.

/// One known defect.
#[derive(Debug)]
pub struct Defect {
    pub name: &'static str,
    pub description: &'static str,
    /// Applied to the good batch.
    pub sql: &'static str,
    /// One of these must fail because of it.
    pub caught_by: &'static [&'static str],
    /// What its message or samples must hold: the symbol, the day, the number.
    pub shown: &'static str,
}

#[rustfmt::skip]
pub const DEFECTS: &[Defect] = &[
    Defect {
        name: "null_close",
        description: "a bar without a close",
        sql: r"update raw.market_data set close = null where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["close_is_there"],
        shown: "AAPL",
    },
    Defect {
        name: "missing_open",
        description: "a bar without an open",
        sql: r"update raw.market_data set open = null where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["bar_is_whole"],
        shown: "AAPL",
    },
    Defect {
        name: "negative_price",
        description: "a close below zero",
        sql: r"update raw.market_data set close = -close where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["prices_are_positive"],
        shown: "AAPL",
    },
    Defect {
        name: "zero_price",
        description: "all prices are zero",
        sql: r"update raw.market_data set open = 0, high = 0, low = 0, close = 0 where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["prices_are_positive"],
        shown: "AAPL",
    },
    Defect {
        name: "high_below_low",
        description: "high and low are swapped",
        sql: r"update raw.market_data set high = low, low = high where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["prices_are_in_range"],
        shown: "AAPL",
    },
    Defect {
        name: "close_outside",
        description: "the close lies above the high",
        sql: r"update raw.market_data set close = high * 1.05 where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["prices_are_in_range"],
        shown: "AAPL",
    },
    Defect {
        name: "open_outside",
        description: "the open lies below the low",
        sql: r"update raw.market_data set open = low * 0.95 where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["prices_are_in_range"],
        shown: "AAPL",
    },
    Defect {
        name: "duplicate_bar",
        description: "the same session once more under another instant",
        sql: r#"insert into raw.market_data (symbol, "timestamp", session_date, open, high, low, close, volume, vendor, response_id)  select symbol, timestamptz '2020-09-30 08:00 America/New_York', '2020-09-30', open, high, low, close, volume, vendor, response_id from raw.market_data where symbol = 'AAPL' and session_date = '2020-09-30'"#,
        caught_by: &["bars_are_unique"],
        shown: "AAPL",
    },
    Defect {
        name: "doubled_version",
        description: "an answer holds a bar twice, and no index refuses it",
        sql: r"drop index raw.market_data_symbol_timestamp; insert into raw.market_data select * from raw.market_data where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["versions_are_unique"],
        shown: "AAPL",
    },
    Defect {
        name: "missing_session",
        description: "a session of a held symbol is missing",
        sql: r"delete from raw.market_data where symbol = 'MSFT' and session_date = '2020-07-15'",
        caught_by: &["sessions_are_complete"],
        shown: "MSFT has no close on 2020-07-15",
    },
    Defect {
        name: "missing_symbol",
        description: "the session lacks a held symbol",
        sql: r"delete from raw.market_data where symbol = 'MSFT' and session_date = '2020-09-30'",
        caught_by: &["held_are_fresh"],
        shown: "MSFT",
    },
    Defect {
        name: "no_prices_at_all",
        description: "a held symbol has never had a price",
        sql: r"delete from raw.market_data where symbol = 'NVDA'",
        caught_by: &["symbols_have_prices"],
        shown: "NVDA",
    },
    Defect {
        name: "session_not_there",
        description: "the vendor hasn't closed the session yet",
        sql: r"delete from raw.market_data where session_date = '2020-09-30'",
        caught_by: &["session_is_there"],
        shown: "2020-09-30",
    },
    Defect {
        name: "half_of_the_rows",
        description: "half of the session's bars are gone",
        sql: r"delete from raw.market_data where session_date = '2020-09-30' and symbol not in ('AAPL', 'AMZN', 'MSFT', 'NVDA', 'SPY')",
        caught_by: &["bars_are_as_many_as_usual"],
        shown: "2020-09-30",
    },
    Defect {
        name: "fewer_rows_for_days",
        description: "half of the bars are gone for three sessions",
        sql: r"delete from raw.market_data where session_date >= '2020-09-28' and symbol not in ('AAPL', 'AMZN', 'MSFT', 'NVDA', 'SPY')",
        caught_by: &["bar_counts_are_usual"],
        shown: "2020-09-30",
    },
    Defect {
        name: "stale_price",
        description: "the same close on six sessions in a row",
        sql: r"update raw.market_data set open = 111, high = 111, low = 111, close = 111 where symbol = 'AAPL' and session_date >= '2020-09-23'",
        caught_by: &["closes_move"],
        shown: "AAPL",
    },
    Defect {
        name: "unexplained_halving",
        description: "half the price without a split on file",
        sql: r"update raw.market_data set open = open / 2, high = high / 2, low = low / 2, close = close / 2 where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["jumps_are_explained"],
        shown: "AAPL",
    },
    Defect {
        name: "split_missing",
        description: "a split that isn't on file",
        sql: r"delete from raw.split where symbol = 'AAPL'",
        caught_by: &["jumps_are_explained"],
        shown: "4 for 1",
    },
    Defect {
        name: "split_with_wrong_ratio",
        description: "a split of 4 for 1 that is on file as 2 for 1",
        sql: r"update raw.split set split_to = 2 where symbol = 'AAPL'",
        caught_by: &["jumps_are_explained"],
        shown: "AAPL",
    },
    Defect {
        name: "split_applied_twice",
        description: "prices before a split are adjusted for it already",
        sql: r"update raw.market_data set open = open / 4, high = high / 4, low = low / 4, close = close / 4 where symbol = 'AAPL' and session_date < '2020-08-31'",
        caught_by: &["jumps_are_explained"],
        shown: "split-adjusted already",
    },
    Defect {
        name: "split_without_ratio",
        description: "a split of nothing",
        sql: r"update raw.split set split_to = 0 where symbol = 'AAPL'",
        caught_by: &["split_ratios_are_possible"],
        shown: "AAPL",
    },
    Defect {
        name: "decimal_shift",
        description: "a price in cents instead of dollars",
        sql: r"update raw.market_data set open = open * 100, high = high * 100, low = low * 100, close = close * 100 where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["jumps_are_explained"],
        shown: "AAPL",
    },
    Defect {
        name: "swapped_symbols",
        description: "two symbols have each other's prices",
        sql: r"with pair as (select * from raw.market_data where symbol in ('AAPL', 'AMZN') and session_date = '2020-09-30')  update raw.market_data as bar set open = other.open, high = other.high, low = other.low, close = other.close from pair as other  where bar.session_date = '2020-09-30' and bar.symbol in ('AAPL', 'AMZN') and other.symbol <> bar.symbol",
        caught_by: &["jumps_are_explained"],
        shown: "AMZN",
    },
    Defect {
        name: "bar_of_a_saturday",
        description: "a bar on a day without a session",
        sql: r#"insert into raw.market_data (symbol, "timestamp", session_date, open, high, low, close, volume, vendor, response_id)  select symbol, timestamptz '2020-09-26 00:00 America/New_York', '2020-09-26', open, high, low, close, volume, vendor, response_id from raw.market_data where symbol = 'AAPL' and session_date = '2020-09-30'"#,
        caught_by: &["bars_are_of_sessions"],
        shown: "2020-09-26",
    },
    Defect {
        name: "bar_of_a_holiday",
        description: "a bar on Labor Day",
        sql: r#"insert into raw.market_data (symbol, "timestamp", session_date, open, high, low, close, volume, vendor, response_id)  select symbol, timestamptz '2020-09-07 00:00 America/New_York', '2020-09-07', open, high, low, close, volume, vendor, response_id from raw.market_data where symbol = 'AAPL' and session_date = '2020-09-30'"#,
        caught_by: &["bars_are_of_sessions"],
        shown: "2020-09-07",
    },
    Defect {
        name: "bar_of_the_future",
        description: "a bar of tomorrow",
        sql: r#"insert into raw.market_data (symbol, "timestamp", session_date, open, high, low, close, volume, vendor, response_id)  select symbol, timestamptz '2020-10-01 00:00 America/New_York', '2020-10-01', open, high, low, close, volume, vendor, response_id from raw.market_data where symbol = 'AAPL' and session_date = '2020-09-30'"#,
        caught_by: &["bars_are_of_the_past"],
        shown: "2020-10-01",
    },
    Defect {
        name: "negative_volume",
        description: "a volume below zero",
        sql: r"update raw.market_data set volume = -1 where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["volume_is_possible"],
        shown: "AAPL",
    },
    Defect {
        name: "volume_times_1000",
        description: "a volume in another unit",
        sql: r"update raw.market_data set volume = volume * 1000 where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["volume_is_usual"],
        shown: "AAPL",
    },
    Defect {
        name: "null_origin",
        description: "a bar that nobody sent",
        sql: r"alter table raw.market_data alter column vendor drop not null; update raw.market_data set vendor = null where symbol = 'AAPL' and session_date = '2020-09-30'",
        caught_by: &["bars_have_their_keys"],
        shown: "",
    },
    Defect {
        name: "column_of_another_type",
        description: "volumes became floating-point numbers",
        sql: r"alter table raw.market_data alter column volume type double precision",
        caught_by: &["bars_have_their_types"],
        shown: "double precision",
    },
    Defect {
        name: "unknown_activity",
        description: "an activity of a type that nobody knows",
        sql: r"insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, body, response_id)  values (1, 1, 'spin', 'SPIN', '2020-09-30', '{}', 1)",
        caught_by: &["activities_are_known"],
        shown: "SPIN",
    },
    Defect {
        name: "doubled_fill",
        description: "one fill under two ids",
        sql: r"insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, symbol, side, quantity, price, status, body, response_id)  select portfolio_id, account_id, 'again', activity_type, activity_date, symbol, side, quantity, price, status, body, response_id  from raw.broker_activity where portfolio_id = 1 and activity_id = 'fill-MSFT'",
        caught_by: &["transactions_are_unique"],
        shown: "again",
    },
    Defect {
        name: "entry_from_two_sources",
        description: "a purchase by hand that the broker reports too",
        sql: r"insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)  select 1, 900, 1, 1, activity_date, 'buy', symbol, quantity, price, quantity * price, 'hand', 1 from raw.broker_activity where portfolio_id = 1 and activity_id = 'fill-MSFT'",
        caught_by: &["transactions_are_unique"],
        shown: "book:900",
    },
    Defect {
        name: "wrong_currency",
        description: "a deposit in euros",
        sql: r"insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, amount, currency, source, entered_by)  values (1, 901, 1, 1, '2020-09-30', 'deposit', 5, 'EUR', 'hand', 1)",
        caught_by: &["currencies_agree"],
        shown: "EUR",
    },
    Defect {
        name: "odd_letters",
        description: "a zero-width space in a symbol",
        sql: r"update raw.broker_activity set symbol = E'MS\u200bFT' where portfolio_id = 1 and activity_id = 'fill-MSFT'",
        caught_by: &["symbols_are_written_right"],
        shown: "",
    },
    Defect {
        name: "dividend_times_100",
        description: "a dividend in cents",
        sql: r"update raw.dividend set cash_amount = cash_amount * 100 where (symbol, ex_dividend_date) in (  select symbol, ex_dividend_date from raw.dividend join raw.market_data as bar using (symbol) where bar.session_date = ex_dividend_date order by cash_amount / close desc limit 1)",
        caught_by: &["dividends_are_plausible"],
        shown: "share_of_close",
    },
    Defect {
        name: "dividend_of_nobody",
        description: "a dividend without a symbol",
        sql: r"insert into raw.dividend (symbol, ex_dividend_date, vendor_id, cash_amount, response_id) values ('', '2020-09-30', 'x', 1, 1)",
        caught_by: &["dividends_name_a_symbol"],
        shown: "",
    },
    Defect {
        name: "negative_dividend",
        description: "a dividend below zero",
        sql: r"update raw.dividend set cash_amount = -1 where symbol = 'MSFT'",
        caught_by: &["dividends_are_positive"],
        shown: "MSFT",
    },
    Defect {
        name: "split_of_nobody",
        description: "a split without a symbol",
        sql: r"insert into raw.split (symbol, execution_date, split_from, split_to, response_id) values (' ', '2020-09-30', 1, 2, 1)",
        caught_by: &["splits_name_a_symbol"],
        shown: "",
    },
    Defect {
        name: "position_off_by_one",
        description: "the broker holds one share more",
        sql: r"update raw.broker_position set quantity = quantity + 1 where portfolio_id = 1 and symbol = 'MSFT'",
        caught_by: &["positions_reconcile"],
        shown: "MSFT",
    },
    Defect {
        name: "cash_off_by_a_cent",
        description: "the broker holds a cent more",
        sql: r"update raw.broker_account set cash = cash + 0.01 where portfolio_id = 1",
        caught_by: &["cash_reconciles"],
        shown: "difference 0.01",
    },
    Defect {
        name: "silent_broker",
        description: "the broker hasn't answered for two weeks",
        sql: r"update raw.broker_account set session_date = '2020-09-16' where portfolio_id = 2",
        caught_by: &["brokers_report"],
        shown: "2020-09-16",
    },
    Defect {
        name: "rate_of_45_percent",
        description: "a rate that was a fraction, times a hundred too often",
        sql: r"update raw.economic_observation set value = 45 where observed_on = (select max(observed_on) from raw.economic_observation)",
        caught_by: &["rates_are_percents"],
        shown: "45",
    },
    Defect {
        name: "rate_of_zero",
        description: "an exchange rate of nothing",
        sql: r"insert into raw.exchange_rate values ('EUR', 'USD', '2020-09-29', 1.17, 'polygon', 1), ('EUR', 'USD', '2020-09-30', 0, 'polygon', 1)",
        caught_by: &["exchange_rates_are_positive"],
        shown: "EUR",
    },
    Defect {
        name: "rate_times_ten",
        description: "an exchange rate whose point slipped",
        sql: r"insert into raw.exchange_rate values ('EUR', 'USD', '2020-09-29', 1.17, 'polygon', 1), ('EUR', 'USD', '2020-09-30', 11.7, 'polygon', 1)",
        caught_by: &["exchange_rates_move_little"],
        shown: "EUR",
    },
    Defect {
        name: "old_rates",
        description: "no rate for a month",
        sql: r"delete from raw.economic_observation where observed_on > '2020-08-31'",
        caught_by: &["rates_are_fresh"],
        shown: "2020-08",
    },
    Defect {
        name: "second_source_differs",
        description: "a second vendor says 2 % more",
        sql: r"update raw.reference_close set close = close * 1.02 where symbol = 'MSFT'",
        caught_by: &["closes_agree_with_a_second_source"],
        shown: "MSFT",
    },
    Defect {
        name: "value_is_off",
        description: "a portfolio's value isn't its positions and cash",
        sql: r"update marts.portfolio_daily set value = value + 1 where portfolio_id = 2 and session_date = '2020-09-30'",
        caught_by: &["value_is_positions_and_cash"],
        shown: "",
    },
    Defect {
        name: "position_is_off",
        description: "a holding's quantity is off by one",
        sql: r"update marts.holdings set quantity = quantity + 1 where portfolio_id = 1 and symbol = 'MSFT'",
        caught_by: &["value_is_positions_and_cash"],
        shown: "",
    },
    Defect {
        name: "impossible_return",
        description: "a portfolio that tripled within a day",
        sql: r"update marts.portfolio_daily set daily_return = 2 where portfolio_id = 1 and session_date = '2020-09-30'",
        caught_by: &["returns_are_possible"],
        shown: "",
    },
    Defect {
        name: "portfolio_without_a_day",
        description: "a portfolio isn't in the session",
        sql: r"delete from marts.portfolio_daily where portfolio_id = 2 and session_date = '2020-09-30'",
        caught_by: &["portfolio_days_are_complete"],
        shown: "2020-09-30",
    },
];

#[cfg(test)]
mod tests {
    use super::DEFECTS;
    use crate::quality::suite;
    use std::collections::BTreeSet;

    #[test]
    fn every_check_of_the_project_catches_something() {
        let caught: BTreeSet<&str> = DEFECTS.iter().flat_map(|defect| defect.caught_by).copied().collect();
        let unused: Vec<&str> = suite().unwrap().iter().map(|check| check.name.as_str()).filter(|name| !caught.contains(name)).collect();
        assert!(unused.is_empty(), "no defect shows that these work: {unused:?}");
        let names: BTreeSet<&str> = DEFECTS.iter().map(|defect| defect.name).collect();
        assert_eq!(names.len(), DEFECTS.len());
    }
}
