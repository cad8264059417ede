"""Files of transactions, prices and rates, drawn from a seed and written as CSV."""

import math
import os
import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal, getcontext
from fractions import Fraction as F

from second_ledger import ORDER, latest, to_ten

getcontext().prec = 60
COLUMNS = "date type symbol quantity price amount fee tax currency ratio counter_symbol cost_share lot_id account opened_on".split()


def draw(seed):
    """A file's worth of transactions, prices and rates."""
    rng = random.Random(seed)
    number = lambda low, high, digits: F(round(rng.uniform(low, high), digits)).limit_denominator(10**digits)
    first = date(2023, 1, 2) + timedelta(7 * rng.randrange(40))
    step = rng.choice([1, 1, 1, 7, 30])
    days = [day for day in (first + timedelta(at * step) for at in range(rng.randrange(4, 70))) if step > 1 or day.weekday() < 5]
    quoted = dict(AAA="USD", BBB="USD", CCC="USD", EEE="EUR", GGG="GBX", LLL="USD", NEW="USD", OLD="USD", EUN="EUR")
    closes, missing = {}, []
    for symbol in quoted:
        price, closes[symbol] = rng.uniform(5, 300), []
        for at, day in enumerate(days):
            price *= math.exp(rng.gauss(0, 0.03))
            if symbol == "LLL" and at < 4 and seed % 5 == 0:
                continue
            if at and rng.random() < 0.05:
                missing.append((day, symbol))
                continue
            closes[symbol].append((day, F(round(price, 4)).limit_denominator(10**4)))
    rates = {c: [(day, number(low, high, 6)) for at, day in enumerate(days) if not at or rng.random() < 0.8] for c, low, high in (("EUR", 1.0, 1.3), ("GBP", 1.1, 1.5))}
    held, rows, accounts = defaultdict(F), [], rng.choice([[""], [""], ["one", "two"]])
    tradable = [s for s in quoted if s not in ("NEW", "OLD", "EUN") and (s != "LLL" or seed % 5 == 0)]

    def add(day, kind, account, symbol=None, **more):
        row = dict.fromkeys(COLUMNS)
        row.update(date=day, type=kind, symbol=symbol, account=account, quantity=F(0), price=F(0), fee=F(0), tax=F(0), currency="USD")
        row.update(more)
        if rng.random() < 0.4 and kind not in ("split", "stock_dividend", "spin_off", "fee", "tax"):
            row["fee"] = number(0, 9, 2)
        if rng.random() < 0.2 and kind not in ("split", "stock_dividend", "spin_off", "fee", "tax"):
            row["tax"] = number(0, 5, 2)
        rows.append(row)

    for account in accounts:
        add(days[0], rng.choice(["deposit", "opening", "transfer_in"]), account, amount=number(5_000, 90_000, 2))
    for at, day in enumerate(days):
        for _ in range(rng.choice([0, 0, 1, 1, 2, 4])):
            account, symbol = rng.choice(accounts), rng.choice(tradable)
            owned = [s for (a, s), q in held.items() if a == account and q > 0]
            kind = rng.choice(ORDER + ["buy"] * 12 + ["sell"] * 6 + ["dividend"] * 2 + ["short", "cover"])
            if kind in ("sell", "dividend", "split", "stock_dividend", "spin_off", "merger", "symbol_change", "return_of_capital", "transfer_out") and owned and rng.random() < 0.95:
                symbol = rng.choice(owned)
            place = (account, symbol)
            have, close = held[place], latest(closes[symbol], day) or F(20)
            currency = rng.choice([quoted[symbol]] * 3 + ["USD"] + (["GBP"] if quoted[symbol] == "GBX" else []))
            unit = close if currency == quoted[symbol] else close / 100 if currency == "GBP" else close / 80 if quoted[symbol] == "GBX" else close
            price = F(round(float(unit) * rng.uniform(0.97, 1.03), 4)).limit_denominator(10**4)
            more, name = dict(currency=currency), rng.choice([None, "x", "y", "z"])
            if kind in ("buy", "short", "cover", "sell", "reinvest", "transfer_in", "opening", "transfer_out"):
                q = number(1, 60, rng.choice([0, 0, 2, 4]))
                if kind in ("sell", "transfer_out") and have > 0:
                    q = rng.choice([have, min(q, have), F(round(float(have) * rng.uniform(0.05, 1), 3)).limit_denominator(1000), have + rng.choice([0, 0, 0, 1])]) or have
                if kind == "cover":
                    if have >= 0:
                        continue
                    q = min(q, -have)
                if kind == "short" and have > 0 and rng.random() < 0.9:
                    continue
                if kind in ("reinvest", "transfer_in", "opening") and have < 0:
                    continue
                if kind in ("transfer_in", "opening", "transfer_out") and symbol == "LLL":
                    continue
                if kind in ("transfer_in", "opening"):
                    more.update(amount=q * price if rng.random() < 0.6 else None, opened_on=day - timedelta(rng.randrange(800)) if rng.random() < 0.6 else None)
                elif kind == "transfer_out":
                    pass
                elif rng.random() < 0.5:
                    more.update(price=price)
                else:
                    more.update(amount=F(round(float(q * price), 2)).limit_denominator(100))
                add(day, kind, account, symbol, quantity=q, lot_id=name if rng.random() < 0.6 else None, **more)
                held[place] += q if kind in ("buy", "cover", "reinvest", "transfer_in", "opening") else -q
            elif kind in ("deposit", "withdrawal"):
                add(day, kind, account, amount=number(1, 5_000, 2), currency=rng.choice(["USD", "EUR", "GBP", "GBX"]))
            elif kind in ("dividend", "interest", "fee", "tax"):
                amount = number(0.5, 90, 2) * (-1 if rng.random() < 0.1 else 1)
                add(day, kind, account, symbol if kind == "dividend" or rng.random() < 0.4 else None, amount=amount, **more)
            elif have > 0 and symbol != "LLL":
                counter = "EUN" if quoted[symbol] == "EUR" else rng.choice(["NEW", "OLD"])
                if kind == "split":
                    ratio = F(rng.choice(["2", "3", "1.5", "0.1", "0.5", "7", "1/3", "4/3"]))
                    amount = number(1, 30, 2) if (have * ratio) % 1 and rng.random() < 0.7 else None
                    add(day, kind, account, symbol, ratio=ratio, amount=amount, currency=quoted[symbol])
                    held[place] = to_ten(have * ratio) if amount is None else F(math.floor(to_ten(have * ratio)))
                elif kind == "stock_dividend":
                    by = dict(ratio=F(rng.choice(["0.05", "0.1", "0.25", "1/3"]))) if rng.random() < 0.5 else dict(quantity=number(1, 9, 1))
                    add(day, kind, account, symbol, currency=quoted[symbol], **by)
                    held[place] = to_ten(have * (1 + by["ratio"])) if "ratio" in by else have + by["quantity"]
                elif kind == "return_of_capital":
                    add(day, kind, account, symbol, amount=F(round(float(have * price) * rng.uniform(0.01, 0.9), 2)).limit_denominator(100), **more)
                elif quoted[symbol] == quoted[counter] and symbol != counter:
                    ratio, amount = F(rng.choice(["0.5", "0.25", "1", "1.2", "1/3", "2/7"])), F(round(float(have * price) * rng.uniform(0.05, 0.6), 2)).limit_denominator(100)
                    if kind == "spin_off":
                        paid = number(1, 20, 2) if (have * ratio) % 1 and rng.random() < 0.6 else None
                        add(day, kind, account, symbol, counter_symbol=counter, ratio=ratio, cost_share=number(0, 0.6, 2), amount=paid, currency=quoted[symbol])
                        held[account, counter] += to_ten(have * ratio) if paid is None else math.floor(to_ten(have * ratio))
                    elif kind == "merger":
                        way = rng.choice(["cash", "shares", "both", "share", "part"])
                        more.update(amount=None if way == "shares" else amount, cost_share=F(7, 10) if way == "share" else None)
                        more.update({} if way == "cash" else dict(ratio=ratio, counter_symbol=counter), quantity=F(round(float(have) / 2, 2)).limit_denominator(100) if way == "part" else F(0))
                        gone = more["quantity"] or have
                        add(day, kind, account, symbol, **more)
                        held[place] -= gone
                        held[account, counter] += 0 if way == "cash" else to_ten(gone * ratio)
                    else:
                        add(day, kind, account, symbol, counter_symbol=counter, **more)
                        held[account, counter], held[place] = held[account, counter] + have, F(0)
    rng.shuffle(rows)
    for line, row in enumerate(rows, 2):
        row["line"] = line
    a, b = sorted((rng.choice(days[:-1]), rng.choice(days)))
    return dict(
        transactions=rows, closes=closes, quoted=quoted, rates=rates, missing=[day for day, _ in missing], gaps=missing,
        basis=rng.choice(["fifo", "lifo", "hifo", "average", "specific"]), scope=rng.choice(["account", "account", "holdings"]),
        **{"from": a if rng.random() < 0.4 else None, "to": b if rng.random() < 0.3 and b > a and b >= min(row["date"] for row in rows) else None},
    )


def text(value):
    if not isinstance(value, F):
        return "" if value is None else str(value)
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return format(exact, "f") if F(exact) == value else f"{value.numerator}:{value.denominator}"


def write(case, folder):
    os.makedirs(folder, exist_ok=True)
    with open(f"{folder}/transactions.csv", "w") as out:
        out.write(",".join(COLUMNS) + "\n")
        for row in case["transactions"]:
            blank = {key: None for key in ("quantity", "price", "fee", "tax") if not row[key]}
            out.write(",".join(text({**row, **blank}[key]) for key in COLUMNS) + "\n")
    with open(f"{folder}/prices.csv", "w") as out:
        out.write("date,symbol,close,currency\n")
        rows = [(day, symbol, text(close)) for symbol, closes in case["closes"].items() for day, close in closes] + [(*gap, "") for gap in case["gaps"]]
        out.writelines(f"{day},{symbol},{close},{case['quoted'][symbol]}\n" for day, symbol, close in rows)
    with open(f"{folder}/fx.csv", "w") as out:
        rows = [(day, currency, text(rate)) for currency, rates in case["rates"].items() for day, rate in rates]
        form = len(rows) % 3
        if form == 2:
            out.write("date,EURUSD,GBPUSD\n" + "".join(f"{day},{rate if c == 'EUR' else ''},{rate if c == 'GBP' else ''}\n" for day, c, rate in rows))
        else:
            out.write(("date,currency,rate\n", "date,pair,rate\n")[form] + "".join(f"{day},{currency + ('', 'USD')[form]},{rate}\n" for day, currency, rate in rows))
