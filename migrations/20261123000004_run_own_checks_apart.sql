-- People's own SQL runs as a role that may read the warehouse and nothing else. It runs inside of a function of that role, where Postgres
-- refuses to become another one again, and a loop over a cursor, which takes a single select.
-- Where the database's user may not make roles, such checks say so; everything else goes on.
do $migration$
begin
    begin
        create role plumbline_checks nologin;
    exception
        -- Roles belong to the whole server: another database of it may have made this one, even at this moment.
        when duplicate_object or unique_violation then null;
    end;
    if not pg_has_role(current_user, 'plumbline_checks', 'member') then
        begin
            execute format('grant plumbline_checks to %I', current_user);
        exception
            when duplicate_object or unique_violation or internal_error then null;
        end;
    end if;
    create schema own_checks authorization plumbline_checks;
    grant usage on schema raw to plumbline_checks;
    -- What the market did; nothing of people's accounts.
    grant select on raw.market_data, raw.split, raw.dividend, raw.instrument, raw.economic_observation, raw.reference_close to plumbline_checks;
    -- Rows: those that a query selects, by whose they are, with up to 20 of each.
    create function own_checks.failing(query text)
    returns table (portfolio_id bigint, symbol text, failures bigint, samples jsonb)
    language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
    as $function$
    begin
        for portfolio_id, symbol, failures, samples in execute
            'select (said ->> ''portfolio_id'')::bigint, said ->> ''symbol'', count(*), jsonb_agg(said order by place) filter (where place <= 20)
             from (select said, row_number() over (partition by said ->> ''portfolio_id'', said ->> ''symbol'') as place
                   from (select to_jsonb(failing) as said from (' || query || E'\n) as failing) as told) as numbered
             group by 1, 2 order by 3 desc, 1, 2 limit 51'
        loop
            return next;
        end loop;
    end
    $function$;
    alter function own_checks.failing(text) owner to plumbline_checks;
    revoke all on function own_checks.failing(text) from public;
    execute format('grant usage on schema own_checks to %I', current_user);
    execute format('grant execute on function own_checks.failing(text) to %I', current_user);
exception
    when insufficient_privilege then
        raise notice 'people''s own SQL checks are off: this user may not make the role plumbline_checks';
end
$migration$;
