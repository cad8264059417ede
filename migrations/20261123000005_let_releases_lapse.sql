-- A price that is used although it fails its checks is used as long as somebody's word for it holds.
alter table ops.quarantine add column acceptance_id bigint;
create index quarantine_acceptance on ops.quarantine (acceptance_id) where acceptance_id is not null;
create index acceptance_check on book.acceptance (check_name, portfolio_id);
