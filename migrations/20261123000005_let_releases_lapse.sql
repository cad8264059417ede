-- A price that is used although it fails its checks is used as long as somebody's word for it holds.
alter table ops.quarantine add column acceptance_id bigint;
create index quarantine_acceptance on ops.quarantine (acceptance_id) where acceptance_id is not null;
-- Of the row of this day alone; null: of the check, whenever it fails.
alter table book.acceptance add column session_date date;
create index acceptance_check on book.acceptance (check_name, portfolio_id);
