//! The checks by name: what each looks at, how wide it blocks, and what it expects.

/// One check. `name`, `dimension`, `scope` and `severity` are those of `ops.check_result`.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    pub name: &'static str,
    pub dimension: &'static str,
    pub scope: &'static str,
    pub severity: &'static str,
    /// What holds when it passes, as a sentence without its full stop.
    pub expected: &'static str,
}

macro_rules! rules {
    ($($rule:ident = $name:literal, $dimension:literal, $scope:literal, $severity:literal, $expected:literal;)+) => {
        $(pub const $rule: Rule =
            Rule { name: $name, dimension: $dimension, scope: $scope, severity: $severity, expected: $expected };)+
    };
}

rules! {
    SESSION_IS_THERE = "session_is_there", "freshness", "installation", "fatal", "the last completed session has closes";
    HELD_ARE_FRESH = "held_are_fresh", "freshness", "symbol", "warn", "every held symbol has a close of the session";
    SYMBOLS_HAVE_PRICES = "symbols_have_prices", "schema", "symbol", "warn", "every symbol that is followed has prices";
    CLOSE_IS_THERE = "close_is_there", "completeness", "row", "error", "every bar has a close";
    BAR_IS_WHOLE = "bar_is_whole", "completeness", "row", "warn", "every bar has open, high and low";
    SESSIONS_ARE_COMPLETE = "sessions_are_complete", "completeness", "symbol", "warn", "no session is missing while a symbol is held";
    PRICES_ARE_POSITIVE = "prices_are_positive", "accuracy", "row", "error", "every price is above zero";
    PRICES_ARE_IN_RANGE = "prices_are_in_range", "accuracy", "row", "error", "high is not below low, open and close lie between them";
    JUMPS_ARE_EXPLAINED = "jumps_are_explained", "accuracy", "symbol", "error", "closes jump by 40 % or less, or a split explains it";
    VOLUME_IS_POSSIBLE = "volume_is_possible", "schema", "row", "warn", "no volume is negative";
    BARS_ARE_OF_SESSIONS = "bars_are_of_sessions", "schema", "row", "error", "no bar lies on a day without a session";
    CURRENCIES_AGREE = "currencies_agree", "schema", "portfolio", "warn", "every entry is in the portfolio's currency";
    ACTIVITIES_ARE_KNOWN = "activities_are_known", "schema", "portfolio", "warn", "every activity of the broker is of a known type";
    POSITIONS_RECONCILE = "positions_reconcile", "consistency", "portfolio", "warn", "positions from transactions equal those the broker reports";
    CASH_RECONCILES = "cash_reconciles", "consistency", "portfolio", "warn", "cash from transactions equals the broker's, to the cent";
    TRANSACTIONS_ARE_UNIQUE = "transactions_are_unique", "uniqueness", "portfolio", "warn", "no transaction is on file twice";
}
