-- One row per check result of the latest run with checks that concerns a person: of the installation, of these portfolios,
-- and of these symbols. Failing ones first.
select result_id, run_id, check_name, dimension, scope, severity, passed, observed, expected, elements, failures, samples, message, checked_at
from ops.check_result
where run_id = (select max(run_id) from ops.check_result where dimension <> 'model' and portfolio_id = any(0 || $1::bigint[]))
  and portfolio_id = any(0 || $1::bigint[])
  and (symbol is null or symbol = any($2))
order by passed, array_position(array['fatal', 'error', 'warn', 'info'], severity), dimension, check_name, symbol, result_id
