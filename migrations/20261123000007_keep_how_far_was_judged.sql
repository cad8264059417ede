-- Up to which answer what vendors said was judged: the models read nothing behind it, so that whoever publishes in between (an edit, a
-- decision) publishes nothing unchecked. No row: nothing was judged since this was introduced.
create table ops.judged (
    is_only     boolean primary key default true check (is_only),
    response_id bigint not null,
    change_id   bigint not null
);
