//! What moved in holdings, as rows. What replaces a row that was shown leaves it beside itself.

use super::courses::{STANDS, Shown};
use app::analytics::ledger::HoldingCourse;
use sqlx::PgConnection;

/// Lands what moved. Rows that are there already are found by a join: to run into each as a conflict locks it, and logs that.
pub(super) async fn land(
    connection: &mut PgConnection,
    shown: Shown,
    courses: &[HoldingCourse],
    from_scratch: bool,
) -> Result<u64, sqlx::Error> {
    let all = || courses.iter().flat_map(|course| course.moves.iter().map(move |(day, moved)| (&course.symbol, *day, moved)));
    let written = sqlx::query!(
        "with incoming as (
             select * from unnest($3::text[], $4::date[], $5::numeric(28, 4)[], $6::numeric(28, 4)[], $7::numeric(28, 4)[], $8::numeric(28, 4)[],
                                  $9::numeric(28, 4)[], $10::boolean[])
             as moved (symbol, session_date, net, income, costs, realized, invested, is_unconverted)
         ), standing as (
             select * from ops.published_holding_move
             where portfolio_id = $1 and replaced_by = $13 and ($2 or session_date >= (select min(session_date) from incoming))
         ), differing as (
             select symbol, session_date, old.net as old_net, old.income as old_income, old.costs as old_costs, old.realized as old_realized,
                    old.invested as old_invested, old.is_unconverted as was_unconverted,
                    new.net, new.income, new.costs, new.realized, new.invested, new.is_unconverted
             from standing as old full join incoming as new using (symbol, session_date)
             where (old.net, old.income, old.costs, old.realized, old.invested, old.is_unconverted)
                   is distinct from (new.net, new.income, new.costs, new.realized, new.invested, new.is_unconverted)
               and ($2 or new.net is not null)
         ), kept as (
             insert into ops.published_holding_move (portfolio_id, symbol, session_date, replaced_by, net, income, costs, realized, invested, is_unconverted)
             select $1, symbol, session_date, $11, old_net, old_income, old_costs, old_realized, old_invested, was_unconverted
             from differing where session_date <= $12
         ), gone as (
             delete from ops.published_holding_move as old using differing
             where old.portfolio_id = $1 and old.symbol = differing.symbol and old.session_date = differing.session_date and old.replaced_by = $13
               and differing.net is null
         )
         insert into ops.published_holding_move (portfolio_id, symbol, session_date, replaced_by, net, income, costs, realized, invested, is_unconverted)
         select $1, symbol, session_date, $13, net, income, costs, realized, invested, is_unconverted from differing where net is not null
         on conflict (portfolio_id, symbol, session_date, replaced_by) do update
         set net = excluded.net, income = excluded.income, costs = excluded.costs, realized = excluded.realized,
             invested = excluded.invested, is_unconverted = excluded.is_unconverted",
        shown.portfolio.get(),
        from_scratch,
        &all().map(|(symbol, ..)| symbol.as_str().to_owned()).collect::<Vec<_>>(),
        &all().map(|(_, day, _)| day).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.net.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.income.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.costs.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.realized.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.invested.0).collect::<Vec<_>>(),
        &all().map(|(.., moved)| moved.is_unconverted).collect::<Vec<_>>(),
        shown.publication_id,
        shown.through,
        STANDS,
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}
