//! Kinds of transactions: their names as in the CSV, in words, and which fields each of them needs.

/// A field of the form that only some kinds use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Symbol,
    Quantity,
    Price,
    Amount,
    Fee,
    Tax,
    Ratio,
    CounterSymbol,
    CostShare,
    LotId,
    OpenedOn,
}

use Part::{Amount, CostShare, CounterSymbol, Fee, LotId, OpenedOn, Price, Quantity, Ratio, Symbol, Tax};

/// One kind of transaction.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// As in the CSV and in the database.
    pub key: &'static str,
    pub words: &'static str,
    /// What it does, and what its fields mean: shown below the choice.
    pub hint: &'static str,
    /// The fields that it may hold; the day, the account, the currency and the note belong to all.
    pub parts: &'static [Part],
}

const TRADE: &[Part] = &[Symbol, Quantity, Price, Amount, Fee, Tax, LotId];
const MOVE_IN: &[Part] = &[Symbol, Quantity, Price, Amount, Fee, Tax, LotId, OpenedOn];
const CASH: &[Part] = &[Amount, Fee, Tax];
const CHARGE: &[Part] = &[Symbol, Amount, Fee, Tax];

/// All of them, as they are offered.
pub const KINDS: [Kind; 20] = [
    Kind { key: "buy", words: "Buy", hint: "Shares for money.", parts: TRADE },
    Kind { key: "sell", words: "Sell", hint: "Money for shares.", parts: TRADE },
    Kind { key: "short", words: "Sell short", hint: "Borrowed shares are sold; the account must allow it (Settings).", parts: TRADE },
    Kind { key: "cover", words: "Cover a short", hint: "Shares that were sold short are bought back.", parts: TRADE },
    Kind { key: "deposit", words: "Deposit", hint: "Money that is paid in.", parts: CASH },
    Kind { key: "withdrawal", words: "Withdrawal", hint: "Money that is taken out.", parts: CASH },
    Kind { key: "dividend", words: "Dividend", hint: "Money that a security paid.", parts: &[Symbol, Quantity, Price, Amount, Fee, Tax] },
    Kind {
        key: "reinvest",
        words: "Reinvested dividend",
        hint: "A dividend that came as shares bought with it; no cash moves.",
        parts: TRADE,
    },
    Kind { key: "interest", words: "Interest", hint: "Money that cash or a security earned.", parts: CHARGE },
    Kind { key: "fee", words: "Fee", hint: "A charge that belongs to no trade.", parts: CHARGE },
    Kind { key: "tax", words: "Tax", hint: "A tax that belongs to no trade.", parts: CHARGE },
    Kind {
        key: "transfer_in",
        words: "Transfer in",
        hint: "Cash, or securities with what they cost; without a cost, or with 0, they cost what they are worth that day.",
        parts: MOVE_IN,
    },
    Kind { key: "transfer_out", words: "Transfer out", hint: "Cash or securities that leave for elsewhere.", parts: TRADE },
    Kind {
        key: "opening",
        words: "Opening balance",
        hint: "What was there before the first transaction, with its cost; without one, or with 0, it is what it was worth that day.",
        parts: MOVE_IN,
    },
    Kind {
        key: "split",
        words: "Split",
        hint: "The ratio is new shares for one old share: 7, or 0.1 for one new for ten old. The amount is what was paid for a fraction. \
               Enter only splits that the prices' vendor doesn't list.",
        parts: &[Symbol, Ratio, Amount],
    },
    Kind {
        key: "stock_dividend",
        words: "Stock dividend",
        hint: "Shares that came for nothing: how many, or the ratio for one that is held. The amount is what was paid for a fraction.",
        parts: &[Symbol, Quantity, Ratio, Amount],
    },
    Kind {
        key: "spin_off",
        words: "Spin-off",
        hint: "Shares of another symbol come with a part of the cost: the ratio for one share that is held, or how many came; the share of the \
               cost as a fraction (0.2 is a fifth). The amount is what was paid for a fraction of a share.",
        parts: &[Symbol, CounterSymbol, Ratio, Quantity, CostShare, Amount],
    },
    Kind {
        key: "merger",
        words: "Merger",
        hint: "The shares become those of another symbol (ratio for one), or money (amount), or both. A quantity says how many of them, if not \
               all.",
        parts: &[Symbol, CounterSymbol, Ratio, Quantity, CostShare, Amount],
    },
    Kind {
        key: "symbol_change",
        words: "Change of symbol",
        hint: "The same shares under another symbol.",
        parts: &[Symbol, CounterSymbol],
    },
    Kind {
        key: "return_of_capital",
        words: "Return of capital",
        hint: "Money that lessens what the shares cost.",
        parts: &[Symbol, Amount, Fee, Tax],
    },
];

impl Kind {
    /// The kind with this key.
    pub fn find(key: &str) -> Option<&'static Self> {
        KINDS.iter().find(|kind| kind.key == key)
    }

    /// May it hold this field?
    pub fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

/// A kind in words, also one that this version doesn't know.
pub fn in_words(key: &str) -> String {
    Kind::find(key).map_or_else(|| key.replace('_', " "), |kind| kind.words.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_stands_once_and_has_a_hint() {
        for (at, kind) in KINDS.iter().enumerate() {
            assert_eq!(KINDS.iter().position(|other| other.key == kind.key), Some(at));
            assert!(kind.hint.ends_with('.') && !kind.parts.is_empty(), "{}", kind.key);
        }
        assert_eq!(in_words("spin_off"), "Spin-off");
        assert_eq!(in_words("new_kind"), "new kind");
    }
}
