-- What the machine did: schedule → tick → run → task → attempt; checks, quarantine, publications. Never rebuilt.
create schema ops;

-- What people decided of a DAG; the code holds the rest.
create table ops.dag (
    dag       text primary key,
    -- Nothing new starts while it is set; what runs comes to its end.
    paused_at timestamptz,
    paused_by bigint
);

-- What a DAG looked like: a run keeps to the version that it began with.
create table ops.dag_version (
    dag           text not null,
    version       text not null,
    definition    jsonb not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    primary key (dag, version)
);

-- How many tasks may hold a slot of the pool at a time, over all nodes. A pool without a row has one slot.
create table ops.pool (
    pool  text primary key,
    slots int not null check (slots >= 0)
);

-- A process that performs tasks. It is alive while it holds the session lock of its number, or beats.
create table ops.node (
    node_id     int generated always as identity primary key,
    -- host:process
    name        text not null,
    role        text not null check (role in ('server', 'command')),
    started_at  timestamptz not null default clock_timestamp(),
    beat_at     timestamptz not null default clock_timestamp(),
    is_draining boolean not null default false,
    stopped_at  timestamptz
);
create index node_live on ops.node (node_id) where stopped_at is null;

create table ops.schedule (
    schedule_id   text primary key,
    dag           text not null,
    -- As a person reads it: "0 9 * * Mon-Fri America/New_York", "20 minutes after the close".
    expression    text not null,
    catch_up      text not null,
    is_enabled    boolean not null default true,
    created_at    timestamptz not null default now(),
    -- Since when the expression is this one; it had no ticks before.
    expression_since timestamptz not null default now(),
    -- Every tick up to here is in the ledger.
    decided_until timestamptz not null default now(),
    -- When a node last looked whether a tick is due: an old one means that nobody does.
    looked_at     timestamptz
);

-- One row per schedule and logical time: what the scheduler decided, and why.
create table ops.tick (
    schedule_id text not null,
    logical_at  timestamptz not null,
    -- paused: its turn comes when the DAG is resumed.
    outcome     text not null check (outcome in ('run', 'skipped', 'paused')),
    reason      text not null,
    run_id      bigint,
    decided_at  timestamptz not null default clock_timestamp(),
    primary key (schedule_id, logical_at)
);
create index tick_paused on ops.tick (schedule_id, logical_at) where outcome = 'paused';

-- Runs over a range of sessions, so many at a time.
create table ops.backfill (
    backfill_id  bigint generated always as identity primary key,
    dag          text not null,
    from_date    date not null,
    to_date      date not null,
    runs         int not null,
    -- Of its runs at the same time.
    most_at_once int not null check (most_at_once > 0),
    requested_by bigint,
    created_at   timestamptz not null default clock_timestamp(),
    cancelled_at timestamptz
);

create table ops.run (
    run_id       bigint generated always as identity primary key,
    dag          text not null,
    version      text not null default '',
    trigger      text not null check (trigger in ('schedule', 'person', 'backfill', 'catch_up')),
    -- E.g. {"session": "2026-11-20"} or {"from": "2021-11-22", "to": "2026-11-20"}.
    parameters   jsonb not null default '{}',
    requested_by bigint,
    logical_at   timestamptz,
    backfill_id  bigint,
    -- Its place in the backfill, from 1: the order in which its runs start.
    place        int,
    -- queued: not admitted yet, see held_by. All its tasks wait.
    state        text not null default 'queued' check (state in ('queued', 'running', 'success', 'failed', 'cancelled')),
    -- Why a queued run isn't admitted, in one sentence.
    held_by      text,
    -- Attempts of a task that may end badly, for whatever reason; null: what the DAG says.
    most_tries   int check (most_tries > 0),
    -- Published by then, or somebody hears of it.
    deadline_at  timestamptz,
    -- Cancelled then, as failed.
    timeout_at   timestamptz,
    cancel_requested_at timestamptz,
    created_at   timestamptz not null default clock_timestamp(),
    started_at   timestamptz,
    ended_at     timestamptz,
    -- One sentence for a person when the run failed.
    error        text
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.01);
create index run_live on ops.run (dag, run_id) where state in ('queued', 'running');
create index run_dag on ops.run (dag, run_id desc);
create index run_logical on ops.run (dag, logical_at desc) where logical_at is not null;
create index run_backfill on ops.run (backfill_id, place) where backfill_id is not null;

create table ops.task (
    task_id      bigint generated always as identity primary key,
    run_id       bigint not null,
    position     int not null,
    name         text not null,
    -- Which part of a fan-out; empty for a task of its own, and for a fan-out that isn't spread out yet.
    part         text not null default '',
    -- Names of the tasks before it, and what has to have become of them.
    after        text[] not null default '{}',
    rule         text not null default 'all_success' check (rule in ('all_success', 'all_done', 'one_failed', 'none_failed')),
    -- The task whose output names the parts of this one.
    parts_of     text,
    input        jsonb,
    output       jsonb,
    pools        text[] not null default '{}',
    priority     int not null default 0,
    -- Ready for longer than this without a start: failed.
    queue_seconds double precision,
    state        text not null default 'waiting'
                 check (state in ('waiting', 'ready', 'delayed', 'running', 'success', 'failed', 'skipped', 'upstream_failed', 'cancelled')),
    not_before   timestamptz not null default now(),
    -- When it last became ready: queue latency counts from here.
    ready_at     timestamptz,
    attempts     int not null default 0,
    -- Attempts up to this one were before it was cleared: they don't count against the budgets.
    cleared_at_attempt int not null default 0,
    max_attempts int not null default 4,
    lease_owner  int,
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
    unique (run_id, name, part)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01, autovacuum_analyze_scale_factor = 0.02);
-- What a claim looks through: nothing that has ended is in it.
create index task_ready on ops.task (priority desc, run_id, position) where state in ('ready', 'delayed');
create index task_running on ops.task (lease_owner) where state = 'running';

-- Append-only.
create table ops.attempt (
    task_id     bigint not null,
    number      int not null,
    lease_epoch bigint not null,
    worker      text not null,
    -- When the task could have started: what it waited in the queue is started_at less this.
    ready_at    timestamptz,
    started_at  timestamptz not null default clock_timestamp(),
    ended_at    timestamptz,
    outcome     text check (outcome in ('success', 'error', 'timeout', 'cancelled', 'lost', 'fenced')),
    rows_written bigint not null default 0,
    error_class text check (error_class in ('retryable', 'final', 'rate_limited', 'not_ready')),
    -- The error and its causes, outermost first.
    error_chain text[],
    primary key (task_id, number)
);

-- What an attempt said, line by line.
create table ops.log (
    task_id bigint not null,
    number  int not null,
    line    int not null,
    at      timestamptz not null,
    level   text not null check (level in ('ERROR', 'WARN', 'INFO', 'DEBUG')),
    message text not null,
    -- Fields of the line: {"symbol": "AAPL"}.
    fields  jsonb not null default '{}',
    primary key (task_id, number, line)
);

-- What people wrote beside a run.
create table ops.note (
    note_id bigint generated always as identity primary key,
    run_id  bigint not null,
    user_id bigint,
    text    text not null,
    at      timestamptz not null default clock_timestamp()
);
create index note_run on ops.note (run_id);

-- What somebody should look at.
create table ops.alert (
    alert_id    bigint generated always as identity primary key,
    kind        text not null check (kind in ('deadline_predicted', 'deadline_missed', 'run_failed', 'schedule_dead')),
    -- The run's number or the schedule's name: one alert of a kind for each.
    subject     text not null,
    message     text not null,
    raised_at   timestamptz not null default clock_timestamp(),
    resolved_at timestamptz
);
create unique index alert_open on ops.alert (kind, subject) where resolved_at is null;

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

-- Who pressed what. Append-only.
create table ops.audit (
    audit_id   bigint generated always as identity primary key,
    -- Null: the command line of the machine; with a reason in the details, the engine itself.
    user_id    bigint,
    action     text not null,
    -- "run 12", "dag daily", "user ada".
    subject    text not null,
    details    jsonb not null default '{}',
    at         timestamptz not null default clock_timestamp()
);
create index audit_subject on ops.audit (subject, audit_id desc);
