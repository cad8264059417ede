-- The role for people's own models: it can't sign in, owns its own schemas, reads what is published, and may do nothing else.
-- Idempotent. Roles belong to the whole cluster: another database may make it at the same time.
do $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = 'plumbline_own_models') then
        create role plumbline_own_models nologin noinherit nosuperuser nocreatedb nocreaterole noreplication;
    end if;
exception when duplicate_object or unique_violation then
    null;
end
$$;
do $$
begin
    if not pg_catalog.pg_has_role(current_user, 'plumbline_own_models', 'member') then
        execute pg_catalog.format('grant plumbline_own_models to %I', current_user);
    end if;
end
$$;
-- An owner of a function may create in its schema while it becomes the owner, and never after.
grant usage, create on schema ops to plumbline_own_models;
alter function ops.run_own(text) security definer set search_path = pg_catalog, pg_temp;
alter function ops.read_own(text) security definer set search_path = pg_catalog, pg_temp;
alter function ops.run_own(text) owner to plumbline_own_models;
alter function ops.read_own(text) owner to plumbline_own_models;
revoke all on function ops.run_own(text), ops.read_own(text) from public;
do $$
begin
    execute pg_catalog.format('grant execute on function ops.run_own(text), ops.read_own(text) to %I', current_user);
end
$$;
revoke all on schema ops from plumbline_own_models;
revoke all on all tables in schema raw, book, ops, auth from plumbline_own_models;
revoke all on schema raw, book, auth from plumbline_own_models;
grant usage on schema staging, marts, ledger to plumbline_own_models;
grant select on all tables in schema staging, marts, ledger to plumbline_own_models;
