-- What the machine did: schedule → tick → run → task → attempt; checks, quarantine, publications. Never rebuilt.
create schema ops;

create table ops.schedule (
    schedule_id text primary key,
    dag         text not null,
    cron        text not null,
    zone        text not null,
    is_enabled  boolean not null default true,
    created_at  timestamptz not null default now()
);

-- One row per schedule and logical time: what the scheduler decided, and why.
create table ops.tick (
    schedule_id text not null,
    logical_at  timestamptz not null,
    outcome     text not null check (outcome in ('run', 'skipped')),
    reason      text not null,
    run_id      bigint,
    decided_at  timestamptz not null default now(),
    primary key (schedule_id, logical_at)
);

create table ops.run (
    run_id       bigint generated always as identity primary key,
    dag          text not null,
    trigger      text not null check (trigger in ('schedule', 'person', 'backfill', 'catch_up')),
    -- E.g. {"session": "2026-11-20"} or {"from": "2021-11-22", "to": "2026-11-20"}.
    parameters   jsonb not null default '{}',
    requested_by bigint,
    logical_at   timestamptz,
    state        text not null default 'queued' check (state in ('queued', 'running', 'success', 'failed', 'cancelled')),
    created_at   timestamptz not null default now(),
    started_at   timestamptz,
    ended_at     timestamptz,
    -- One sentence for a person when the run failed.
    error        text
);
create index run_live on ops.run (run_id) where state in ('queued', 'running');
create index run_dag on ops.run (dag, run_id desc);

create table ops.task (
    task_id      bigint generated always as identity primary key,
    run_id       bigint not null,
    position     int not null,
    name         text not null,
    state        text not null default 'waiting'
                 check (state in ('waiting', 'ready', 'delayed', 'running', 'success', 'failed', 'skipped', 'upstream_failed', 'cancelled')),
    not_before   timestamptz not null default now(),
    attempts     int not null default 0,
    max_attempts int not null default 4,
    lease_owner  text,
    lease_epoch  bigint not null default 0,
    lease_until  timestamptz,
    -- Where a retried extract goes on; committed with the rows that it counts.
    checkpoint   jsonb,
    rows_written bigint not null default 0,
    -- For a progress bar: done of total, in units of the task's own (symbols, pages …).
    progress_done  bigint not null default 0,
    progress_total bigint,
    started_at   timestamptz,
    ended_at     timestamptz,
    unique (run_id, name)
);
create index task_live on ops.task (run_id, position) where state in ('waiting', 'ready', 'delayed', 'running');

-- Append-only.
create table ops.attempt (
    task_id     bigint not null,
    number      int not null,
    lease_epoch bigint not null,
    worker      text not null,
    started_at  timestamptz not null default clock_timestamp(),
    ended_at    timestamptz,
    outcome     text check (outcome in ('success', 'error', 'timeout', 'cancelled', 'lost', 'fenced')),
    rows_written bigint not null default 0,
    error_class text check (error_class in ('retryable', 'final', 'rate_limited', 'not_ready')),
    -- The error and its causes, outermost first.
    error_chain text[],
    primary key (task_id, number)
);

-- What a landed response changed: publish resumes from the earliest of them. portfolio_id 0: prices, for all.
create table ops.change (
    change_id    bigint generated always as identity primary key,
    portfolio_id bigint not null default 0,
    symbol       text,
    kind         text not null check (kind in ('bar', 'split', 'dividend', 'instrument', 'activity', 'position', 'rate', 'transaction', 'account')),
    from_date    date not null,
    run_id       bigint,
    changed_at   timestamptz not null default now()
);

-- A call budget that survives restarts: a token bucket per connection, by the database's clock.
create table ops.call_budget (
    connection_id bigint primary key,
    -- The moments of the calls of the last minute.
    called_at     timestamptz[] not null default '{}',
    -- A vendor's Retry-After.
    blocked_until timestamptz
);

-- Which days a connection was asked about and answered in full, by kind and subject: what a run need not ask again.
create table ops.coverage (
    connection_id bigint not null,
    kind          text not null check (kind in ('bars', 'splits', 'dividends', 'details', 'rates')),
    -- The symbol or the series.
    subject       text not null,
    from_date     date not null,
    to_date       date not null,
    primary key (connection_id, kind, subject)
);

create table ops.check_result (
    result_id    bigint generated always as identity primary key,
    run_id       bigint not null,
    portfolio_id bigint not null default 0,
    symbol       text,
    check_name   text not null,
    -- freshness, completeness, accuracy, schema, consistency, uniqueness, model
    dimension    text not null,
    scope        text not null check (scope in ('row', 'symbol', 'portfolio', 'installation')),
    severity     text not null check (severity in ('info', 'warn', 'error', 'fatal')),
    passed       boolean not null,
    observed     text not null,
    expected     text not null,
    elements     bigint not null default 0,
    failures     bigint not null default 0,
    -- Up to 20 failing rows by key.
    samples      jsonb not null default '[]',
    -- One sentence: what is wrong and what to do.
    message      text not null,
    duration_ms  double precision not null default 0,
    checked_at   timestamptz not null default now()
);
create index check_result_run_id on ops.check_result (run_id);

-- Prices that failed their checks and are not used until released: the last good one is carried.
create table ops.quarantine (
    symbol         text not null,
    session_date   date not null,
    check_name     text not null,
    reason         text not null,
    -- The version of the bar that was refused; a later version is judged anew.
    response_id    bigint not null,
    run_id         bigint not null,
    quarantined_at timestamptz not null default now(),
    released_at    timestamptz,
    released_by    bigint,
    primary key (symbol, session_date, check_name, response_id)
);

create table ops.publication (
    publication_id bigint generated always as identity primary key,
    run_id         bigint not null,
    session_date   date not null,
    -- Rows of ops.change up to this one are in.
    change_id      bigint not null,
    checks_passed  int not null,
    checks_total   int not null,
    -- Compiled SQL's time and rows of each model: [{"model", "ms", "rows"}].
    models         jsonb not null default '[]',
    published_at   timestamptz not null default clock_timestamp()
);

-- Append-only: the portfolio days that a publication changed.
create table ops.published_portfolio_day (
    portfolio_id   bigint not null,
    session_date   date not null,
    publication_id bigint not null,
    value          numeric(19, 4),
    inflow         numeric(19, 4) not null,
    outflow        numeric(19, 4) not null,
    daily_return   double precision,
    primary key (portfolio_id, session_date, publication_id)
);

create table ops.audit (
    audit_id   bigint generated always as identity primary key,
    user_id    bigint,
    action     text not null,
    subject    text not null,
    details    jsonb not null default '{}',
    at         timestamptz not null default now()
);
