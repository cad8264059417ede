-- More kinds of transactions, in any currency, and more ways to reckon what was sold.
alter table book.transaction drop constraint transaction_type_check;
alter table book.transaction add constraint transaction_type_check check (type in (
    'buy', 'sell', 'short', 'cover', 'deposit', 'withdrawal', 'dividend', 'reinvest', 'interest', 'fee', 'tax', 'transfer_in', 'transfer_out',
    'opening', 'split', 'stock_dividend', 'spin_off', 'merger', 'symbol_change', 'return_of_capital'));
-- What a broker takes back is negative in its activities, and so in the file that we write of them.
alter table book.transaction drop constraint transaction_amount_check;
alter table book.transaction add constraint transaction_amount_check check (amount >= 0 or type in ('dividend', 'interest', 'fee', 'tax'));
alter table book.transaction
    -- New shares for one old share, or received for one that is held.
    add column ratio          numeric(28, 10) check (ratio > 0),
    -- What a spin-off, a merger or a change of symbol leads to.
    add column counter_symbol text,
    -- The part of the cost that goes along with a spin-off, a fraction.
    add column cost_share     numeric(11, 10) check (cost_share between 0 and 1),
    -- Of a purchase its lot's name, of a sale the name of the lot that is sold.
    add column lot_id         text,
    -- Of securities that came in: when they were bought.
    add column opened_on      date;

alter table book.account drop constraint account_cost_basis_check;
alter table book.account add constraint account_cost_basis_check check (cost_basis in ('fifo', 'lifo', 'hifo', 'average', 'specific'));
