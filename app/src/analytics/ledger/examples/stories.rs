//! The stories of docs/WORKED-EXAMPLES.md.

use super::{Example, PLAIN};
use crate::analytics::period::Scope;

pub(super) const ALL: &[Example] = &[
    Example {
        title: "10 % from one investment is 10 % TWR and 10 % MWR",
        says: "One purchase, no flows after it: every way to measure says the same.",
        book: &[("2023-01-02", "deposit amount=1000"), ("2023-01-02", "buy AAPL quantity=10 amount=1000")],
        closes: &[("AAPL", &[("2023-01-02", "100"), ("2024-01-02", "110")])],
        by_hand: &[
            ("time-weighted return", "1100 / 1000 - 1"),
            ("money-weighted return", "(1100 / 1000) ^ (365 / 365) - 1"),
            ("modified Dietz return", "(1100 - 1000) / 1000"),
            ("total gain", "1100 - 1000"),
        ],
        ..PLAIN
    },
    Example {
        title: "A deposit before a fall",
        says: "The shares gain 20 % over two years. Most of the money came before the bad one and lost: the time-weighted return tells of the shares, the money-weighted one of the money.",
        book: &[
            ("2023-01-02", "deposit amount=1000"),
            ("2023-01-02", "buy AAPL quantity=10 amount=1000"),
            ("2024-01-02", "deposit amount=1500"),
            ("2024-01-02", "buy AAPL quantity=10 amount=1500"),
        ],
        closes: &[("AAPL", &[("2023-01-02", "100"), ("2024-01-01", "150"), ("2024-01-02", "150"), ("2025-01-01", "120")])],
        by_hand: &[
            ("time-weighted return", "150 / 100 * 120 / 150 - 1"),
            ("money-weighted return", "(-1500 + (1500 ^ 2 + 4 * 1000 * 2400) ^ (1 / 2)) / (2 * 1000) - 1"),
            ("modified Dietz return", "(2400 - 1000 - 1500) / (1000 + 1500 * 365 / 730)"),
            ("total gain", "2400 - 1000 - 1500"),
        ],
        ..PLAIN
    },
    Example {
        title: "Sold everything, bought again",
        says: "While nothing is held there is no return: the day is left out of the product.",
        book: &[
            ("2024-01-02", "deposit amount=1000"),
            ("2024-01-02", "buy AAPL quantity=10 amount=1000"),
            ("2024-01-03", "sell AAPL quantity=10 amount=1200"),
            ("2024-01-03", "withdrawal amount=1200"),
            ("2024-01-05", "deposit amount=660"),
            ("2024-01-05", "buy AAPL quantity=10 amount=660"),
        ],
        closes: &[(
            "AAPL",
            &[("2024-01-02", "100"), ("2024-01-03", "120"), ("2024-01-04", "60"), ("2024-01-05", "66"), ("2024-01-08", "99")],
        )],
        by_hand: &[
            ("time-weighted return", "120 / 100 * 99 / 66 - 1"),
            ("realized gain", "1200 - 1000"),
            ("unrealized gain", "990 - 660"),
            ("total gain", "990 + 1200 - 1000 - 660"),
        ],
        ..PLAIN
    },
    Example {
        title: "A 7:1 split between two dividends",
        says: "The prices are raw. The split makes seven shares of one and leaves cost and value; each dividend is of the shares of its day.",
        book: &[
            ("2024-01-02", "deposit amount=7000"),
            ("2024-01-02", "buy AAPL quantity=10 amount=7000"),
            ("2024-01-03", "dividend AAPL amount=30"),
            ("2024-01-04", "split AAPL ratio=7"),
            ("2024-01-05", "dividend AAPL amount=28"),
        ],
        closes: &[("AAPL", &[("2024-01-02", "700"), ("2024-01-03", "697"), ("2024-01-04", "100"), ("2024-01-05", "99.5")])],
        by_hand: &[
            ("shares of AAPL", "10 * 7"),
            ("cost of AAPL", "7000"),
            ("income", "10 * 3 + 70 * 0.4"),
            ("value", "70 * 99.5 + 30 + 28"),
            ("time-weighted return", "(70 * 99.5 + 58) / 7000 - 1"),
        ],
        ..PLAIN
    },
    Example {
        title: "Which lots a sale closes",
        says: "Ten of forty shares are sold for 1,300. The cost basis says which ten, and so how much of the gain is realized now.",
        book: &[
            ("2024-01-02", "deposit amount=5000"),
            ("2024-01-02", "buy AAPL quantity=10 amount=1000 lot_id=first"),
            ("2024-01-03", "buy AAPL quantity=10 amount=1400 lot_id=second"),
            ("2024-01-04", "buy AAPL quantity=10 amount=1200 lot_id=third"),
            ("2024-01-05", "buy AAPL quantity=10 amount=1100 lot_id=fourth"),
            ("2024-01-08", "sell AAPL quantity=10 amount=1300 lot_id=third"),
        ],
        closes: &[(
            "AAPL",
            &[("2024-01-02", "100"), ("2024-01-03", "140"), ("2024-01-04", "120"), ("2024-01-05", "110"), ("2024-01-08", "130")],
        )],
        by_hand: &[
            ("realized gain, fifo", "1300 - 1000"),
            ("realized gain, lifo", "1300 - 1100"),
            ("realized gain, hifo", "1300 - 1400"),
            ("realized gain, average", "1300 - (1000 + 1400 + 1200 + 1100) / 4"),
            ("realized gain, specific", "1300 - 1200"),
            ("total gain", "30 * 130 + 1300 - 1000 - 1400 - 1200 - 1100"),
        ],
        ..PLAIN
    },
    Example {
        title: "Short and cover",
        says: "Shares that aren't held are sold, and six of the ten are bought back lower. The fee of the sale lessens what it brought, that of the purchase adds to its cost.",
        book: &[
            ("2024-01-02", "deposit amount=1000"),
            ("2024-01-02", "short AAPL quantity=10 amount=1000 fee=5"),
            ("2024-01-04", "cover AAPL quantity=6 amount=480 fee=3"),
        ],
        closes: &[("AAPL", &[("2024-01-02", "100"), ("2024-01-03", "90"), ("2024-01-04", "80"), ("2024-01-05", "85")])],
        by_hand: &[
            ("shares of AAPL", "-10 + 6"),
            ("realized gain", "995 * 6 / 10 - 483"),
            ("unrealized gain", "995 * 4 / 10 - 4 * 85"),
            ("value", "1000 + 995 - 483 - 4 * 85"),
            ("total gain", "114 + 58"),
        ],
        ..PLAIN
    },
    Example {
        title: "A spin-off",
        says: "For four shares of the parent comes one of the child, with a fifth of the cost and the day of purchase. Nothing is gained or lost by it.",
        book: &[
            ("2024-01-02", "deposit amount=10000"),
            ("2024-01-02", "buy PARENT quantity=100 amount=10000"),
            ("2024-01-03", "spin_off PARENT counter_symbol=CHILD ratio=0.25 cost_share=0.2"),
        ],
        closes: &[
            ("PARENT", &[("2024-01-02", "100"), ("2024-01-03", "84"), ("2024-01-04", "90")]),
            ("CHILD", &[("2024-01-03", "64"), ("2024-01-04", "60")]),
        ],
        by_hand: &[
            ("shares of CHILD", "100 * 0.25"),
            ("cost of CHILD", "10000 * 0.2"),
            ("cost of PARENT", "10000 * 0.8"),
            ("realized gain", "0"),
            ("time-weighted return", "(100 * 84 + 25 * 64) / 10000 * (100 * 90 + 25 * 60) / (100 * 84 + 25 * 64) - 1"),
        ],
        ..PLAIN
    },
    Example {
        title: "A merger for shares and cash",
        says: "Each share becomes half a new one and 10 in cash. The cash is a part disposal: of cash A and new shares worth B at the close, A / (A + B) of the cost is sold, here 1,000 / 2,500 = 0.4.",
        book: &[
            ("2024-01-02", "deposit amount=2000"),
            ("2024-01-02", "buy OLD quantity=100 amount=2000"),
            ("2024-01-03", "merger OLD counter_symbol=NEW ratio=0.5 amount=1000"),
        ],
        closes: &[("OLD", &[("2024-01-02", "20")]), ("NEW", &[("2024-01-03", "30"), ("2024-01-04", "33")])],
        by_hand: &[
            ("realized gain", "1000 - 2000 * 0.4"),
            ("shares of NEW", "100 * 0.5"),
            ("cost of NEW", "2000 * 0.6"),
            ("unrealized gain", "50 * 33 - 1200"),
            ("value", "50 * 33 + 1000"),
        ],
        ..PLAIN
    },
    Example {
        title: "Return of capital, beyond the cost of a lot",
        says: "12 a share come back. The first lot cost 10 a share: its cost falls to 0 and the rest is a gain. The second keeps 8 a share of cost.",
        book: &[
            ("2024-01-02", "deposit amount=300"),
            ("2024-01-02", "buy TRUST quantity=10 amount=100"),
            ("2024-01-03", "buy TRUST quantity=10 amount=200"),
            ("2024-01-04", "return_of_capital TRUST amount=240"),
        ],
        closes: &[("TRUST", &[("2024-01-02", "10"), ("2024-01-03", "20"), ("2024-01-04", "8")])],
        by_hand: &[
            ("realized gain", "10 * 12 - 100"),
            ("cost of TRUST", "0 + (200 - 10 * 12)"),
            ("unrealized gain", "20 * 8 - 80"),
            ("income", "0"),
            ("total gain", "20 * 8 + 240 - 300"),
        ],
        ..PLAIN
    },
    Example {
        title: "Shares abroad: price and currency",
        says: "Of each gain, the exchange rate brought what the cost in euros gained by the rate; the rest is the price's. The euros that the sale brought gain by the rate too.",
        book: &[
            ("2024-01-02", "deposit amount=1000 currency=EUR"),
            ("2024-01-02", "buy SAP quantity=10 amount=1000 currency=EUR"),
            ("2024-01-03", "sell SAP quantity=4 amount=440 currency=EUR"),
        ],
        closes: &[("SAP EUR", &[("2024-01-02", "100"), ("2024-01-03", "110"), ("2024-01-04", "110")])],
        rates: &[("EUR", &[("2024-01-02", "1.1"), ("2024-01-03", "1.2"), ("2024-01-04", "1.25")])],
        by_hand: &[
            ("realized gain", "440 * 1.2 - 400 * 1.1"),
            ("currency effect in it", "400 * 1.2 - 400 * 1.1"),
            ("unrealized gain", "6 * 110 * 1.25 - 600 * 1.1"),
            ("currency effect within", "600 * 1.25 - 600 * 1.1"),
            ("currency effect on cash", "440 * (1.25 - 1.2)"),
            ("total gain", "88 + 165 + 22"),
            ("value", "(6 * 110 + 440) * 1.25"),
        ],
        ..PLAIN
    },
    Example {
        title: "Prices in pence",
        says: "London quotes in pence (GBX): a hundredth of a pound, at the pound's rate. Amounts in pence move pounds.",
        book: &[("2024-01-02", "deposit amount=1000 currency=GBP"), ("2024-01-02", "buy VOD quantity=1000 amount=80000 currency=GBX")],
        closes: &[("VOD GBX", &[("2024-01-02", "80"), ("2024-01-03", "88")])],
        rates: &[("GBP", &[("2024-01-02", "1.25")])],
        by_hand: &[
            ("cash of GBP", "1000 - 80000 / 100"),
            ("value", "(1000 * 88 / 100 + 200) * 1.25"),
            ("unrealized gain", "(880 - 800) * 1.25"),
            ("currency effect within", "0"),
        ],
        ..PLAIN
    },
    Example {
        title: "A currency without a rate",
        says: "Before its first rate a currency is worth nobody knows what: the value is unknown, not the same number of dollars. The day's flow stays unknown, and so do sums that hold it.",
        book: &[("2024-01-02", "deposit amount=1000 currency=EUR"), ("2024-01-03", "interest amount=10 currency=EUR")],
        closes: &[],
        rates: &[("EUR", &[("2024-01-03", "1.1")])],
        by_hand: &[("cash of EUR", "1000 + 10"), ("value", "1010 * 1.1")],
        reported: &["no_rate"],
        ..PLAIN
    },
    Example {
        title: "A reinvested dividend",
        says: "Income and a purchase for the same amount; no cash moves.",
        book: &[
            ("2024-01-02", "deposit amount=1000"),
            ("2024-01-02", "buy FUND quantity=10 amount=1000"),
            ("2024-01-03", "reinvest FUND quantity=0.2 amount=20"),
        ],
        closes: &[("FUND", &[("2024-01-02", "100"), ("2024-01-03", "100"), ("2024-01-04", "105")])],
        by_hand: &[
            ("shares of FUND", "10 + 0.2"),
            ("cost of FUND", "1000 + 20"),
            ("income", "20"),
            ("cash", "0"),
            ("time-weighted return", "10.2 * 105 / 1000 - 1"),
        ],
        ..PLAIN
    },
    Example {
        title: "A missing price is carried",
        says: "On the last day AAPL has no close: its last one stands in, and is counted.",
        book: &[
            ("2024-01-02", "deposit amount=1500"),
            ("2024-01-02", "buy AAPL quantity=10 amount=1000"),
            ("2024-01-02", "buy KO quantity=10 amount=500"),
        ],
        closes: &[
            ("AAPL", &[("2024-01-02", "100"), ("2024-01-03", "103")]),
            ("KO", &[("2024-01-02", "50"), ("2024-01-03", "51"), ("2024-01-04", "52")]),
        ],
        by_hand: &[("value", "10 * 103 + 10 * 52"), ("carried closes", "1")],
        ..PLAIN
    },
    Example {
        title: "A reverse split with cash in lieu",
        says: "One new share for ten: of 15 come 1.5, and the half is paid out. It is sold, with a third of the cost.",
        book: &[
            ("2024-01-02", "deposit amount=150"),
            ("2024-01-02", "buy PENNY quantity=15 amount=150"),
            ("2024-01-03", "split PENNY ratio=0.1 amount=48"),
        ],
        closes: &[("PENNY", &[("2024-01-02", "10"), ("2024-01-03", "98")])],
        by_hand: &[
            ("shares of PENNY", "15 * 0.1 - 0.5"),
            ("realized gain", "48 - 150 * 0.5 / 1.5"),
            ("cost of PENNY", "150 * 1 / 1.5"),
            ("value", "98 + 48"),
        ],
        ..PLAIN
    },
    Example {
        title: "A stock dividend is no income",
        says: "Five new shares for a hundred: the cost spreads over more shares.",
        book: &[
            ("2024-01-02", "deposit amount=1000"),
            ("2024-01-02", "buy ACME quantity=100 amount=1000"),
            ("2024-01-03", "stock_dividend ACME ratio=0.05"),
        ],
        closes: &[("ACME", &[("2024-01-02", "10"), ("2024-01-03", "9.6")])],
        by_hand: &[
            ("shares of ACME", "100 + 100 * 0.05"),
            ("cost of ACME", "1000"),
            ("income", "0"),
            ("time-weighted return", "105 * 9.6 / 1000 - 1"),
        ],
        ..PLAIN
    },
    Example {
        title: "Securities that come in bring their gain along",
        says: "Ten shares that cost 400 elsewhere come in at the close of 100: 1,000 flow in. The 600 gained before aren't gained here.",
        book: &[("2024-01-02", "transfer_in AAPL quantity=10 amount=400")],
        closes: &[("AAPL", &[("2024-01-02", "100"), ("2024-01-03", "110")])],
        by_hand: &[
            ("inflows", "10 * 100"),
            ("gain brought along", "1000 - 400"),
            ("unrealized gain", "1100 - 400"),
            ("total gain", "700 - 600"),
            ("time-weighted return", "1100 / 1000 - 1"),
        ],
        ..PLAIN
    },
    Example {
        title: "Fees and taxes",
        says: "The fee of a purchase is in the lot, that of a sale lessens the proceeds. Taxes and fees of their own are in no lot: they lessen the gain by themselves.",
        book: &[
            ("2024-01-02", "deposit amount=2000"),
            ("2024-01-02", "buy AAPL quantity=10 amount=1000 fee=10"),
            ("2024-01-03", "dividend AAPL amount=50 tax=7.5"),
            ("2024-01-04", "sell AAPL quantity=5 amount=600 fee=6 tax=12"),
            ("2024-01-04", "fee amount=3"),
        ],
        closes: &[("AAPL", &[("2024-01-02", "100"), ("2024-01-03", "110"), ("2024-01-04", "120")])],
        by_hand: &[
            ("realized gain", "600 - 6 - 1010 / 2"),
            ("unrealized gain", "600 - 1010 / 2"),
            ("income", "50"),
            ("fees and taxes", "7.5 + 12 + 3"),
            ("total gain", "89 + 95 + 50 - 22.5"),
            ("cash", "2000 - 1010 + 50 - 7.5 + 600 - 6 - 12 - 3"),
        ],
        ..PLAIN
    },
    Example {
        title: "Holdings alone",
        says: "Without cash, what a purchase costs comes in, and what a sale and a dividend bring goes out at the end of its day.",
        book: &[
            ("2024-01-02", "buy AAPL quantity=10 amount=1000 fee=10"),
            ("2024-01-03", "sell AAPL quantity=5 amount=550"),
            ("2024-01-03", "dividend AAPL amount=20"),
        ],
        closes: &[("AAPL", &[("2024-01-02", "100"), ("2024-01-03", "110"), ("2024-01-04", "121")])],
        scope: Scope::Holdings,
        by_hand: &[
            ("time-weighted return", "1000 / 1010 * (550 + 550 + 20) / 1000 * 605 / 550 - 1"),
            ("total gain", "605 - 1010 + 550 + 20"),
            ("realized gain", "550 - 1010 / 2"),
            ("unrealized gain", "605 - 1010 / 2"),
        ],
        ..PLAIN
    },
    Example {
        title: "More is sold than is held",
        says: "A mistake in the file, so the sale isn't booked: neither shares nor cash move.",
        book: &[
            ("2024-01-02", "deposit amount=1000"),
            ("2024-01-02", "buy AAPL quantity=10 amount=1000"),
            ("2024-01-03", "sell AAPL quantity=11 amount=1210"),
        ],
        closes: &[("AAPL", &[("2024-01-02", "100"), ("2024-01-03", "110")])],
        by_hand: &[("shares of AAPL", "10"), ("cash", "0"), ("value", "1100")],
        reported: &["oversold"],
        ..PLAIN
    },
    Example {
        title: "Prices that are adjusted already",
        says: "A 7:1 split is entered, but the close goes on as if there were none: it was divided before. Shares and value now count the split twice, which is said.",
        book: &[
            ("2024-01-02", "deposit amount=1000"),
            ("2024-01-02", "buy AAPL quantity=10 amount=1000"),
            ("2024-01-03", "split AAPL ratio=7"),
        ],
        closes: &[("AAPL", &[("2024-01-02", "100"), ("2024-01-03", "101")])],
        by_hand: &[("shares of AAPL", "70")],
        reported: &["prices_already_adjusted"],
        ..PLAIN
    },
];
