-- One row per check result that concerns a person, of the latest run that checked data, and of the latest that checked models: of the installation, of these portfolios,
-- and of these symbols; with the acceptance that makes its failure bearable on the day $3. Failing ones first.
select
    result_id, run_id, check_name, dataset, kind, dimension, scope, severity, action, portfolio_id, symbol, passed, observed, expected,
    elements, missing, failures, samples, unexpected, query, thresholds, repairs, message, checked_at,
    (
        select min(acceptance.acceptance_id) from book.acceptance
        where acceptance.check_name = check_result.check_name and acceptance.portfolio_id = check_result.portfolio_id
          and (acceptance.symbol is null or acceptance.symbol = check_result.symbol) and (acceptance.session_date is null
                          or check_result.failures = 1 and check_result.samples -> 0 ->> 'session_date' = acceptance.session_date::text)
          and acceptance.revoked_at is null and acceptance.expires_on >= $3 and not check_result.passed
    ) as accepted
from ops.check_result
where case when is_of_models then
          run_id = (select max(run_id) from ops.check_result where is_of_models and portfolio_id = any(0 || $1::bigint[]))
      else
          run_id = (select max(run_id) from ops.check_result where not is_of_models and portfolio_id = any(0 || $1::bigint[]))
      end
  and portfolio_id = any(0 || $1::bigint[])
  and (symbol is null or symbol = any($2))
order by passed, array_position(array['fatal', 'error', 'warn', 'info'], severity), dimension, check_name, symbol, result_id
