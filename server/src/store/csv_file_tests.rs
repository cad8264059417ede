//! Files as people have them.

use super::*;

const HEADER: &str = "date,type,symbol,quantity,price,amount,fee,tax,currency,note\n";

fn read(text: &str) -> Result<CsvFile, String> {
    let accounts = [(AccountId(1), "Main".to_owned()), (AccountId(2), "Other".to_owned()), (AccountId(3), "Other".to_owned())];
    CsvFile::parse(
        text,
        Reader { currency: Currency::USD, accounts: &accounts, chosen: AccountId(1), today: "2026-11-20".parse().unwrap() },
    )
}

fn lines(file: &CsvFile) -> Vec<u64> {
    file.refused.iter().map(|refused| refused.row.line).collect()
}

#[test]
fn equal_trades_stay_two_and_are_known_again() {
    let file = format!("{HEADER}2026-03-09,buy,AAPL,10,227.52,,1,,USD,first\n2026-03-09,buy,AAPL,10.0,\"227.520\",,1.00,,,second\n");
    let (first, again) = (read(&file).unwrap(), read(&file).unwrap());
    assert_eq!(first, again);
    assert_eq!(first.rows.len(), 2);
    assert_ne!(first.rows[0].import_key, first.rows[1].import_key);
    assert_eq!(first.rows[0].import_key.split(':').next(), first.rows[1].import_key.split(':').next());
}

#[test]
fn a_file_of_an_earlier_version_is_known_again() {
    let file = read(&format!("{HEADER}2026-03-09,buy,AAPL,10,227.52,,1,,USD,\n")).unwrap();
    let content = "2026-03-09|buy|AAPL|10|227.52|2275.2|1|0|USD";
    assert_eq!(file.rows[0].import_key, format!("{}:1", hex::encode(Sha256::digest(content))));
}

#[test]
fn a_row_is_known_by_its_id_and_goes_to_the_account_that_it_names() {
    let rows =
        "date,type,amount,account,id\n2026-03-09,deposit,5,Elsewhere,a::1\n2026-03-09,deposit,5,Main,\n2026-03-09,deposit,5,Other,\n";
    let file = read(rows).unwrap();
    let keys: Vec<_> = file.rows.iter().map(|row| (row.account.get(), row.import_key.as_str())).collect();
    assert_eq!((keys[0], keys[1].0), ((1, "id:a::1"), 1));
    assert!(keys[1].1.ends_with(":1"));
    assert!(file.refused[0].row.reason.contains("2 accounts are called “Other”"), "{:?}", file.refused);
}

#[test]
fn spreadsheets_write_marks_and_line_ends_of_their_own() {
    for ends in ["\r\n", "\n", "\r"] {
        let file = read(&format!("\u{feff}Date,Type,Amount{ends}2026-03-09,Deposit,\"1,000.00\"{ends}{ends}")).unwrap();
        assert_eq!((file.rows.len(), file.refused.len()), (1, 0));
    }
}

#[test]
fn every_row_that_is_not_taken_has_its_line_and_reason() {
    let rows = "2026-03-09,deposit,,,,100,,,USD,\n2027-01-01,deposit,,,,100,,,USD,\n2026-03-09,deposit,,,,100,,,EURO,\n2026-03-09,buy\n";
    let file = read(&format!("{HEADER}{rows}")).unwrap();
    assert_eq!(file.rows.len(), 1);
    assert_eq!(lines(&file), [3, 4, 5]);
    assert!(file.refused[1].row.reason.starts_with("currency: "), "{:?}", file.refused[1]);
}

#[test]
fn lines_are_named_as_an_editor_shows_them() {
    for end in ["\n", "\r\n", "\r"] {
        let file = ["date,type,amount", "", "2026-03-09,gift,1", "2026-03-09,deposit,1", "", "2026-03-09,gift,1", ""].join(end);
        assert_eq!(lines(&read(&file).unwrap()), [3, 6], "{end:?}");
    }
}

#[test]
fn no_row_is_lost_to_a_quotation_mark() {
    let open = "date,type,amount,note\n2026-03-09,deposit,1,\"from home\n2026-03-10,deposit,2,\n2026-03-11,deposit,3,\n";
    let error = read(open).unwrap_err();
    assert!(error.starts_with("Line 2: a quotation mark opens a field here and nothing closes it"), "{error}");
    let error = read(&format!("{}2026-03-12,deposit,4,\"a note\"\n", open)).unwrap_err();
    assert!(error.starts_with("Line 5: a quotation mark closes a field here"), "{error}");
}

#[test]
fn a_file_that_is_not_ours_is_refused_as_a_whole() {
    for (text, word) in [
        ("", "missing"),
        ("date;type;amount\n", "semicolons"),
        ("date,amount\n", "“type”"),
        ("date,type,isin\n", "“isin”"),
        ("date,type,date\n", "twice"),
        ("d\0a\0t\0e\0,\0", "UTF-8"),
        ("date,type,note\n2026-03-09,deposit,K\u{fffd}ufe\n", "UTF-8"),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.contains(word), "{error}");
    }
    let long = format!("date,type,amount\n{}", "2026-03-09,deposit,1\n".repeat(200_001));
    assert!(read(&long).unwrap_err().contains("200000"));
}
