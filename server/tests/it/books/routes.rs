//! Files to take along, through the site.

use super::{Ada, form, publish_all};
use crate::visitor::{Visitor, site};
use axum::http::StatusCode;
use sqlx::PgPool;
use std::io::Read;

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn files_are_ones_own_and_hold_no_formulas(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    let mut noted = form("deposit", "2014-05-02", ["", "", "", "12.5"]);
    noted.note = "=HYPERLINK(\"http://evil.test\")".into();
    ada.enter(2, 2, noted).await.unwrap();
    publish_all(&pool).await;
    let site = site(&pool);
    let mut visitor = Visitor::new(&site);
    let tables = server::store::EXPORTED_TABLES.map(|table| format!("{table}.csv"));
    let files: Vec<&str> = tables.iter().map(String::as_str).chain(["plumbline.xlsx"]).collect();
    for file in &files {
        assert_eq!(visitor.get(&format!("/api/export/{file}")).await.status, StatusCode::UNAUTHORIZED, "{file}");
    }
    visitor.sign_in("ada", "correct horse battery").await;
    for file in &files {
        let answer = visitor.get(&format!("/api/export/{file}?portfolio=1")).await;
        assert_eq!(answer.status, StatusCode::OK, "{file}: {}", answer.body);
        let disposition = answer.headers["content-disposition"].to_str().unwrap().to_owned();
        assert_eq!(disposition, format!("attachment; filename=\"broker-{file}\""));
        assert_eq!(visitor.get(&format!("/api/export/{file}?portfolio=999")).await.status, StatusCode::NOT_FOUND);
    }
    let transactions = visitor.get("/api/export/transactions.csv?portfolio=2").await.body;
    let header =
        "date,type,symbol,quantity,price,amount,fee,tax,currency,ratio,counter_symbol,cost_share,lot_id,opened_on,account,note,id\n";
    assert!(transactions.starts_with(header), "{transactions}");
    assert!(transactions.contains(",\"'=HYPERLINK(\"\"http://evil.test\"\")\","), "{transactions}");
    assert_eq!(visitor.get("/api/export/secrets.csv").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(visitor.get("/api/export/transactions.csv?portfolio=x").await.status, StatusCode::BAD_REQUEST);
    let days = visitor.get("/api/export/daily.csv?portfolio=1").await.body;
    assert_eq!(days.lines().count(), 1 + 41, "a line a session since the first transaction: {days}");
    assert!(visitor.get("/activity").await.body.contains("/api/export/transactions.csv"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_workbook_holds_every_table_with_numbers_as_numbers(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    let mut noted = form("deposit", "2014-05-02", ["", "", "", "12.5"]);
    noted.note = "=1+1".into();
    ada.enter(2, 2, noted).await.unwrap();
    publish_all(&pool).await;
    let store = crate::visitor::store(&pool, &std::sync::Arc::new(crate::visitor::Remembering::default()));
    let workbook = store.export_workbook(ada.id, super::of(2)).await.unwrap().bytes;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(workbook)).unwrap();
    let mut read = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let sheets = read("xl/workbook.xml");
    for table in server::store::EXPORTED_TABLES {
        assert!(sheets.contains(&format!("name=\"{table}\"")), "{sheets}");
    }
    let first = read("xl/worksheets/sheet1.xml");
    assert!(!first.contains("<f>") && first.contains("<v>12.5</v>"), "{first}");
    assert!(read("xl/sharedStrings.xml").contains("=1+1"));
}
