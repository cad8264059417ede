//! `plumbline explain …`: how a figure was made, as the JSON that the page's address gives too.

use crate::store::{Error, Result, Store};
use app::{
    domain::{Benchmark, PortfolioId, Range, Scope, UserId},
    error::AppError,
    explain::{
        figures::{Described, FIGURES},
        model::Asked,
    },
    performance::model::Rolled,
};
use chrono::NaiveDate;
use clap::Args;

/// How a figure was made, down to the vendor's bytes.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// Its key, such as time_weighted; without one all of them are listed
    figure: Option<String>,
    /// The portfolio's number
    #[arg(long, value_name = "N", required_unless_present = "list")]
    portfolio: Option<i64>,
    /// List the figures that can be explained
    #[arg(long)]
    list: bool,
    /// 1D, 1W, 1M, 3M, YTD, 1Y, 3Y, 5Y or Max
    #[arg(long, default_value = "1Y", value_parser = range)]
    range: Range,
    /// spy-total or spy-price
    #[arg(long, default_value = "spy-total", value_parser = benchmark)]
    against: Benchmark,
    /// What was published by the end of this day in New York
    #[arg(long, value_name = "DATE")]
    as_known_on: Option<NaiveDate>,
    /// Of a holding, its contributions or a close
    #[arg(long)]
    symbol: Option<String>,
    /// Of one session instead of the last; of the month or year in which it lies
    #[arg(long, value_name = "DATE")]
    session: Option<NaiveDate>,
    /// Of a weight in the allocation, where "Cash" is one, or of contributions
    #[arg(long)]
    sector: Option<String>,
    /// Of a rolling window: its measure
    #[arg(long, value_name = "MEASURE", value_parser = measure)]
    rolling: Option<String>,
    /// Of a rolling window: its sessions
    #[arg(long, value_name = "N", value_parser = window)]
    window: Option<String>,
}

fn range(text: &str) -> Result<Range, String> {
    Range::parse(text).ok_or_else(|| "Choose one of 1D, 1W, 1M, 3M, YTD, 1Y, 3Y, 5Y, Max.".to_owned())
}

fn measure(text: &str) -> Result<String, String> {
    Rolled::measure(text).map(str::to_owned)
}

fn window(text: &str) -> Result<String, String> {
    Rolled::sessions(text).map(|sessions| sessions.to_string())
}

fn benchmark(text: &str) -> Result<Benchmark, String> {
    Benchmark::parse(text).ok_or_else(|| "Choose spy-total or spy-price.".to_owned())
}

impl ExplainArgs {
    /// The figures, where no portfolio's is asked for: that needs no database.
    pub fn listed(&self) -> Option<String> {
        let line = |figure: &Described| format!("{:<22} {}", figure.key, figure.method);
        (self.list || self.figure.is_none()).then(|| FIGURES.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

impl Store {
    /// What the command prints. Whoever has this machine's command line sees what the portfolio's owner sees.
    ///
    /// # Errors
    /// [`AppError::NotFound`] without such a portfolio or figure.
    pub async fn explained(&self, args: ExplainArgs) -> Result<String> {
        let figure = match (args.listed(), args.figure) {
            (None, Some(figure)) => figure,
            (listed, _) => return Ok(listed.unwrap_or_default()),
        };
        let today = self.today();
        if args.as_known_on.is_some_and(|day| day > today) {
            return Err(Error::refused(format!("--as-known-on must not lie after today, {today} in New York: nobody knows that day yet.")));
        }
        let portfolio = args.portfolio.ok_or(AppError::NotFound)?;
        let owner = sqlx::query_scalar!("select owner_id from book.portfolio where portfolio_id = $1", portfolio)
            .fetch_optional(&self.pool)
            .await?
            .ok_or(AppError::NotFound)?;
        let scope =
            Scope { portfolio: Some(PortfolioId(portfolio)), range: args.range, benchmark: args.against, as_known_on: args.as_known_on };
        let asked = Asked {
            figure,
            scope,
            symbol: args.symbol,
            session: args.session,
            sector: args.sector,
            rolling: args.rolling,
            window: args.window,
        };
        let explained = self.explain(UserId(owner), &asked).await?;
        serde_json::to_string_pretty(&explained).map_err(|error| Error::Decode(error.to_string()))
    }
}
