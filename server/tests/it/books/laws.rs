//! What is taken along comes back: export, import elsewhere, export again. And twice is once.

use super::{Ada, of, publish_all};
use crate::market::{count, sql};
use app::domain::{AccountId, Scope};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};
use server::store::Store;
use sqlx::PgPool;
use std::{sync::Arc, time::Instant};

const KINDS: [&str; 20] = [
    "buy",
    "sell",
    "short",
    "cover",
    "deposit",
    "withdrawal",
    "dividend",
    "reinvest",
    "interest",
    "fee",
    "tax",
    "transfer_in",
    "transfer_out",
    "opening",
    "split",
    "stock_dividend",
    "spin_off",
    "merger",
    "symbol_change",
    "return_of_capital",
];
const HEADER: &str = "date,type,symbol,quantity,price,amount,fee,tax,currency,ratio,counter_symbol,cost_share,lot_id,opened_on,note";

const NOTES: [&str; 13] =
    ["", "=1+1", "+49 30", "-", "@x", "'quoted", "''=x", "two\nlines", "a, \"b\"", "Käufe €", "plain", "\u{2028}", "12"];

/// One row of a file that an import takes, of any kind.
fn row() -> impl Strategy<Value = Vec<String>> {
    let number =
        |most: i64| (1..most, 0_u32..5).prop_map(|(number, places)| rust_decimal::Decimal::new(number, places).normalize().to_string());
    (
        prop::sample::select(&KINDS[..]),
        1_u32..28,
        prop::sample::select(&["AAPL", "MSFT", "BRK.A"][..]),
        (number(1_000_000), number(1_000_000), number(10_000_000), number(5_000)),
        prop::sample::select(&NOTES[..]),
        prop::sample::select(&["USD", "EUR", "GBX", ""][..]),
        any::<(bool, bool)>(),
    )
        .prop_map(|(kind, day, symbol, (quantity, price, amount, ratio), note, currency, (one, other))| {
            let mut row = vec![String::new(); 15];
            let mut set = |column: usize, text: &str| text.clone_into(&mut row[column]);
            set(0, &format!("2014-05-{day:02}"));
            set(1, kind);
            set(8, currency);
            set(14, note);
            match kind {
                "deposit" | "withdrawal" => set(5, &amount),
                "interest" | "fee" | "tax" | "dividend" | "return_of_capital" => {
                    set(2, symbol);
                    let is_taken_back = one && kind != "return_of_capital";
                    set(5, &if is_taken_back { format!("-{amount}") } else { amount });
                }
                "split" => {
                    set(2, symbol);
                    set(9, &ratio);
                }
                "stock_dividend" => {
                    set(2, symbol);
                    set(if one { 9 } else { 3 }, &ratio);
                }
                "spin_off" => {
                    [(2, symbol), (9, &ratio), (10, "SPUN"), (11, "0.125")].into_iter().for_each(|(column, text)| set(column, text));
                }
                "merger" => {
                    [(2, symbol), (9, &ratio), (10, "NEW"), (5, &amount)].into_iter().for_each(|(column, text)| set(column, text));
                }
                "symbol_change" => [(2, symbol), (10, "NEW")].into_iter().for_each(|(column, text)| set(column, text)),
                _ => {
                    set(2, symbol);
                    set(3, &quantity);
                    set(if one { 4 } else { 5 }, if one { &price } else { &amount });
                    if other {
                        set(6, "1.05");
                        set(12, "lot =1");
                    }
                    if matches!(kind, "transfer_in" | "opening") && other {
                        set(13, "2013-02-01");
                    }
                }
            }
            row
        })
}

fn file(rows: &[Vec<String>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(HEADER.split(',')).unwrap();
    for row in rows {
        // As a spreadsheet of somebody else writes it: what begins like a formula is guarded in ours alone.
        writer.write_record(row).unwrap();
    }
    String::from_utf8(writer.into_inner().unwrap()).unwrap()
}

async fn exported(store: &Store, ada: &Ada, scope: Scope) -> String {
    String::from_utf8(store.export_csv(ada.id, scope, "transactions").await.unwrap().unwrap().bytes).unwrap()
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_is_exported_comes_back_and_twice_is_once(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    let store = crate::visitor::store(&pool, &Arc::new(crate::visitor::Remembering::default()));
    publish_all(&pool).await;
    let import = async |scope: Scope, account: i64, csv: String| {
        ada.ports.activities.import(ada.id, scope, AccountId(account), csv, false).await.unwrap()
    };
    let mut runner = TestRunner::new_with_rng(Config::default(), proptest::test_runner::TestRng::deterministic_rng(Default::default()));
    for case in 0..24 {
        let mut rows = vec(row(), 1..40).new_tree(&mut runner).unwrap().current();
        // Two equal real trades on one day.
        rows.push(rows[0].clone());
        let (from, to) = (1000 + case * 2, 1001 + case * 2);
        sql(
            &pool,
            &format!(
                "insert into book.portfolio (portfolio_id, owner_id, name) overriding system value values ({from}, {0}, 'from {from}'), ({to}, {0}, 'to {to}');
                 insert into book.account (portfolio_id, account_id, name) overriding system value values ({from}, {from}, 'Main'), ({to}, {to}, 'Main');
                 insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, symbol, side, quantity, price,
                                                  net_amount, description, body, response_id)
                 values ({from}, {from}, 'x{case}::1', 'FILL', '2014-05-06', 'AAPL', 'buy', 3, 590.123456, null, '', '{{}}', 1),
                        ({from}, {from}, 'x{case}::2', 'FILL', '2014-05-06', 'AAPL', 'buy', 3, 590.123456, null, '', '{{}}', 1),
                        ({from}, {from}, 'x{case}::3', 'DIV', '2014-05-07', 'AAPL', null, 3, null, -1.25, ' taken back ', '{{}}', 1),
                        ({from}, {from}, 'x{case}::4', 'ACATS', '2014-05-07', 'MSFT', null, 7, null, null, '', '{{}}', 1)",
                ada.id
            ),
        )
        .await;
        let report = import(of(from), from, file(&rows)).await;
        assert_eq!((report.new as usize, &report.refused[..]), (rows.len(), &[][..]), "{rows:?}");
        let taken = exported(&store, &ada, of(from)).await;
        assert_eq!(import(of(from), from, taken.clone()).await.new, 0, "what is there, by hand or from a broker, is known");
        let report = import(of(to), to, taken.clone()).await;
        assert_eq!((report.new as usize, &report.refused[..]), (rows.len() + 4, &[][..]), "{taken}");
        assert_eq!(exported(&store, &ada, of(to)).await, taken);
        assert_eq!(import(of(to), to, taken.clone()).await.new, 0, "twice is once");
        assert_eq!(import(of(from), from, taken).await.new, 0);
        assert_eq!(import(of(from), from, file(&rows)).await.new, 0, "the first file is known, too");
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn twenty_thousand_rows_take_seconds(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    publish_all(&pool).await;
    let rows: String =
        (0..20_000).map(|n| format!("2014-05-{:02},buy,MSFT,{},40.{:02},,1,,USD,row {n}\n", n % 28 + 1, n % 90 + 1, n % 100)).collect();
    let csv = format!("date,type,symbol,quantity,price,amount,fee,tax,currency,note\n{rows}");
    let started = Instant::now();
    let report = ada.ports.activities.import(ada.id, of(2), AccountId(2), csv.clone(), false).await.unwrap();
    assert_eq!((report.new, report.refused.len()), (20_000, 0));
    assert!(started.elapsed().as_secs() < 20, "{:?} in a build for debugging", started.elapsed());
    assert_eq!(ada.ports.activities.import(ada.id, of(2), AccountId(2), csv, false).await.unwrap().new, 0);
    println!("20,000 rows, twice: {:?}", started.elapsed());
    assert_eq!(count(&pool, "select from book.transaction where source = 'csv'").await, 20_000);
}
