-- What each run built, and the way in for models of a person's own.

-- One row per text that was ever built; runs share it.
create table ops.compiled_model (
    -- SHA-256 of the text, as hex digits.
    hash     text primary key,
    compiled text not null
);

-- One row per run and model that it built, also when nothing of it was published.
create table ops.model_run (
    run_id          bigint not null,
    -- Schema and name.
    model           text not null,
    -- Its place in the order, from 1.
    position        int not null,
    materialization text not null,
    hash            text not null,
    ms              double precision not null,
    -- Written; 0 for views.
    row_count       bigint not null,
    primary key (run_id, model)
);

-- A person's own models run inside of these two. Before that happens they are given to a role without rights: what runs inside of
-- a function with its owner's rights can't take on any other role, whatever its text is. Nobody but us may call them.
create function ops.run_own(statement text) returns bigint
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    written bigint;
begin
    execute statement;
    get diagnostics written = row_count;
    return written;
end
$$;
create function ops.read_own(query text) returns jsonb
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
    found jsonb;
begin
    execute query into found;
    return found;
end
$$;
revoke all on function ops.run_own(text), ops.read_own(text) from public;
