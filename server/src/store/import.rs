//! Importing our own CSV: what is there already stays as it is, a dry run writes nothing.

use super::{
    Error, Result, Store,
    csv_file::{BY_ID, CsvFile, CsvRow, Reader, Refused, content, understood},
    entries::changed,
    scope::Owned,
    transaction_input::TransactionInput,
};
use app::{
    activity::model::{Entry, ImportReport, RefusedRow},
    domain::{AccountId, Money, Scope, UserId},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::{HashMap, HashSet};

/// Rows that an import shows as it understood them.
const PREVIEW: usize = 20;

impl Store {
    pub(super) async fn import(&self, user: UserId, scope: Scope, account: AccountId, csv: &str, is_dry_run: bool) -> Result<ImportReport> {
        if !is_dry_run {
            self.may_change(user).await?;
        }
        let portfolio = self.owned(user, scope).await?;
        self.account_name(&portfolio, account).await?;
        let accounts = self.accounts_of(&portfolio).await?;
        let reader = Reader { currency: portfolio.base()?, accounts: &accounts, chosen: account, today: self.today() };
        let file = CsvFile::parse(csv, reader).map_err(|sentence| Error::invalid("csv", sentence))?;
        let known = self.known(&portfolio, &file, reader).await?;
        let Sorted { new: rows, mut already_there, mut refused } = sorted(file, &known);
        let known = self.known_keys(&portfolio, &rows).await?;
        let name_of = |id: AccountId| accounts.iter().find(|(known, _)| *known == id).map(|(_, name)| name.as_str()).unwrap_or_default();
        let is_new = |row: &&CsvRow| !known.contains(&(row.account.get(), row.import_key.clone()));
        let preview = rows.iter().filter(is_new).take(PREVIEW).map(|row| entry(row, name_of(row.account))).collect();
        let total = rows.len();
        let mut new = rows.iter().filter(is_new).count();
        if !is_dry_run && new > 0 {
            new = self.write_import(user, &portfolio, &rows).await?;
            self.republish(&portfolio, user).await;
        }
        already_there += total.saturating_sub(new);
        refused.sort_by_key(|row| row.line);
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(ImportReport { is_dry_run, new: small(new), already_there: small(already_there), refused, preview })
    }

    /// What the portfolio knows under the ids of a file: `None` where the transaction is deleted or isn't booked.
    async fn known(&self, portfolio: &Owned, file: &CsvFile, reader: Reader<'_>) -> Result<HashMap<String, Option<String>>> {
        let of_rows = file.rows.iter().filter_map(|row| row.id.clone());
        let ids: Vec<String> = of_rows.chain(file.refused.iter().filter_map(|refused| refused.id.clone())).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let known = sqlx::query_file_scalar!("src/store/known_ids.sql", portfolio.id.get(), &ids).fetch_all(&self.pool).await?;
        let mut known: HashMap<String, Option<String>> = known.into_iter().map(|id| (id, None)).collect();
        for line in self.transaction_lines(portfolio, Some(&ids)).await? {
            let said = understood(&line, reader.currency, reader.today).ok().map(|input| content(&input));
            known.insert(line.id, said);
        }
        Ok(known)
    }

    /// Which of these rows are there already, by account and import key.
    async fn known_keys(&self, portfolio: &Owned, rows: &[CsvRow]) -> Result<HashSet<(i64, String)>> {
        let keys: Vec<String> = rows.iter().map(|row| row.import_key.clone()).collect();
        // "is true" keeps the list hashed, however few rows Postgres believes there to be.
        let known = sqlx::query!(
            r#"select account_id, import_key as "key!" from book.transaction
               where portfolio_id = $1 and version = 1 and (import_key in (select unnest($2::text[]))) is true"#,
            portfolio.id.get(),
            &keys
        );
        Ok(known.fetch_all(&self.pool).await?.into_iter().map(|row| (row.account_id, row.key)).collect())
    }

    /// Writes what isn't there yet, in one statement; answers how many rows that were.
    async fn write_import(&self, user: UserId, portfolio: &Owned, rows: &[CsvRow]) -> Result<usize> {
        let inputs: Vec<&TransactionInput> = rows.iter().map(|row| &row.input).collect();
        let text = |of: fn(&TransactionInput) -> Option<String>| -> Vec<Option<String>> { inputs.iter().map(|input| of(input)).collect() };
        let number =
            |of: fn(&TransactionInput) -> Option<Decimal>| -> Vec<Option<Decimal>> { inputs.iter().map(|input| of(input)).collect() };
        let mut tx = self.pool.begin().await?;
        let written = sqlx::query_file!(
            "src/store/import.sql",
            portfolio.id.get(),
            user.get(),
            &rows.iter().map(|row| row.account.get()).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.traded_on).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.kind.to_owned()).collect::<Vec<_>>(),
            &text(|input| input.symbol.as_ref().map(ToString::to_string)) as &[Option<String>],
            &number(|input| input.quantity) as &[Option<Decimal>],
            &number(|input| input.price) as &[Option<Decimal>],
            &inputs.iter().map(|input| input.amount).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.fee).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.tax).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.currency.to_string()).collect::<Vec<_>>(),
            &number(|input| input.ratio) as &[Option<Decimal>],
            &text(|input| input.counter_symbol.as_ref().map(ToString::to_string)) as &[Option<String>],
            &number(|input| input.cost_share) as &[Option<Decimal>],
            &text(|input| input.lot_id.clone()) as &[Option<String>],
            &inputs.iter().map(|input| input.opened_on).collect::<Vec<_>>() as &[Option<NaiveDate>],
            &inputs.iter().map(|input| input.note.clone()).collect::<Vec<_>>(),
            &rows.iter().map(|row| row.import_key.clone()).collect::<Vec<_>>(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(earliest) = written.iter().map(|row| row.traded_on).min() else { return Ok(0) };
        changed(&mut tx, user, portfolio, earliest, "import_transactions", json!({ "rows": written.len() })).await?;
        tx.commit().await?;
        Ok(written.len())
    }
}

/// A file's rows by what becomes of them.
struct Sorted {
    /// Those that the portfolio doesn't know by an id; by their key it may.
    new: Vec<CsvRow>,
    already_there: usize,
    refused: Vec<RefusedRow>,
}

/// Takes out what the ids say is there already. An id that stands for something else is refused: nobody would see which of the two is meant.
fn sorted(file: CsvFile, known: &HashMap<String, Option<String>>) -> Sorted {
    let mut sorted = Sorted { new: Vec::new(), already_there: 0, refused: Vec::new() };
    let mut in_file: HashMap<String, String> = HashMap::new();
    for row in file.rows {
        let said = content(&row.input);
        let before = match &row.id {
            Some(id) => known.get(id).cloned().or_else(|| in_file.insert(id.clone(), said.clone()).map(Some)),
            None => None,
        };
        match before {
            None => sorted.new.push(row),
            Some(before) if before.as_ref().is_none_or(|before| *before == said) => sorted.already_there += 1,
            Some(_) => {
                let id = row.import_key.strip_prefix(BY_ID).unwrap_or_default();
                let reason = format!(
                    "id: “{id}” is known and says something else. Correct that transaction on this page, or leave the id empty to add this row."
                );
                sorted.refused.push(RefusedRow { line: row.line, reason });
            }
        }
    }
    for Refused { row, id } in file.refused {
        // What we wrote ourselves and wouldn't take from a person (a broker's odd symbol) is there already, too.
        if id.is_some_and(|id| known.contains_key(&id)) {
            sorted.already_there += 1;
        } else {
            sorted.refused.push(row);
        }
    }
    sorted
}

fn entry(row: &CsvRow, account_name: &str) -> Entry {
    let input = row.input.clone();
    Entry {
        key: row.import_key.clone(),
        transaction: None,
        version: 0,
        traded_on: input.traded_on,
        account: row.account,
        account_name: account_name.into(),
        kind: input.kind.into(),
        symbol: input.symbol,
        quantity: input.quantity,
        price: input.price,
        amount: Money(input.amount),
        fee: Money(input.fee),
        tax: Money(input.tax),
        currency: input.currency.to_string(),
        ratio: input.ratio,
        counter_symbol: input.counter_symbol,
        cost_share: input.cost_share,
        lot_id: input.lot_id,
        opened_on: input.opened_on,
        note: input.note,
        source: "csv".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use app::domain::Currency;

    #[test]
    fn an_id_brings_nothing_twice_and_never_something_else() {
        let text = "date,type,amount,id\n2026-03-09,deposit,5,a\n2026-03-09,deposit,5,a\n2026-03-09,deposit,6,a\n2026-03-09,deposit,5,b\n\
                    2026-03-09,deposit,7,c\n2026-03-09,deposit,5,gone\n2026-03-09,gift,5,odd\n2026-03-09,gift,5,new\n";
        let reader = Reader { currency: Currency::USD, accounts: &[], chosen: AccountId(1), today: "2026-11-20".parse().unwrap() };
        let file = CsvFile::parse(text, reader).unwrap();
        let five = content(&file.rows[0].input);
        let known = HashMap::from([
            ("b".to_owned(), Some(five.clone())),
            ("c".to_owned(), Some(five)),
            ("gone".to_owned(), None),
            ("odd".to_owned(), None),
        ]);
        let sorted = sorted(file, &known);
        assert_eq!(sorted.new.iter().map(|row| row.line).collect::<Vec<_>>(), [2]);
        assert_eq!(sorted.already_there, 4);
        assert_eq!(sorted.refused.iter().map(|row| row.line).collect::<Vec<_>>(), [4, 6, 9]);
    }
}
