"""What `plumbline performance`, `xirr` and `attribution` print, held beside a second ledger that was written from NUMBERS.md and docs/LEDGER.md alone.

It shares nothing with the program: exact fractions where that has decimals, one pass over the sessions with plain lists of lots, roots by a dense
scan and bisection. Files are drawn from seeds; a file on which the two differ is kept, and named with what differs and how to run it again. Money may
differ by what rounding to four decimals at each step can do, ratios by what that money does to them.

    python3 conformance/ledger.py [path of plumbline] [--seeds 300] [--first 0]
"""

import argparse
import bisect
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal, getcontext
from fractions import Fraction as F

getcontext().prec = 60
KEEP = f"{tempfile.gettempdir()}/plumbline-conformance-ledger"
ORDER = (
    "split stock_dividend spin_off merger symbol_change return_of_capital opening deposit transfer_in cover buy reinvest sell short dividend interest fee tax "
    "transfer_out withdrawal"
).split()
HUNDREDTHS = {"GBX": "GBP", "ZAC": "ZAR", "ILA": "ILS"}
COLUMNS = "date type symbol quantity price amount fee tax currency ratio counter_symbol cost_share lot_id account opened_on".split()


def to_ten(exact):
    """A number of shares, to ten decimals, halves away from zero."""
    return F(math.floor(abs(exact) * 10**10 + F(1, 2)), 10**10) * (1 if exact > 0 else -1)


def dealt(quantities, per):
    """New shares of each lot: what the rounded sum grows by with it, so that together they are all shares, rounded once."""
    sums = [F(0)]
    for quantity in quantities:
        sums.append(sums[-1] + quantity)
    return [to_ten(b * per) - to_ten(a * per) for a, b in zip(sums, sums[1:])]


class NotBooked(Exception):
    pass


class Lot:
    def __init__(self, opened, sequence, quantity, cost, local, name, line):
        self.opened, self.sequence, self.quantity, self.cost, self.local, self.name, self.line = opened, sequence, quantity, cost, local, name, line

    def part(self, quantity):
        """Takes shares out of the lot; their cost in base and in local currency."""
        share = quantity / self.quantity
        cost, local = self.cost * share, self.local * share
        self.quantity, self.cost, self.local = self.quantity - quantity, self.cost - cost, self.local - local
        return cost, local


def latest(series, day):
    """The last value on or before a day, of a list of (day, value)."""
    at = bisect.bisect_right(series, day, key=lambda row: row[0])
    return series[at - 1][1] if at else None


class Ledger:
    def __init__(self, case):
        self.case, self.basis, self.holdings = case, case["basis"], case["scope"] == "holdings"
        self.closes = {symbol: sorted(rows) for symbol, rows in case["closes"].items()}
        self.rates = {currency: sorted(rows) for currency, rows in case["rates"].items()}
        self.lots, self.cash = defaultdict(list), defaultdict(F)
        self.realized, self.not_booked, self.splits, self.short = [], set(), set(), set()
        self.total, self.carried = defaultdict(F), defaultdict(dict)

    def rate(self, currency, day):
        if currency == "USD":
            return F(1)
        return self.rate(HUNDREDTHS[currency], day) / 100 if currency in HUNDREDTHS else latest(self.rates[currency], day)

    def close(self, symbol, day):
        """In base currency. A close from before a split is carried over it in new shares."""
        rows = self.closes.get(symbol, [])
        close, since = latest(rows, day), latest([(row[0], row[0]) for row in rows], day)
        for split, times in self.carried[symbol].items():
            if close is not None and since < split <= day:
                close /= times
        return None if close is None else close * self.rate(self.case["quoted"][symbol], day)

    def local(self, base, symbol):
        return base / self.rate(self.case["quoted"][symbol], self.day)

    def held(self, place):
        return sum(lot.quantity for lot in self.lots[place])

    def oldest(self, place):
        return sorted(self.lots[place], key=lambda lot: (lot.opened, lot.sequence))

    def level(self, place):
        """Under average cost all shares of an account cost the same."""
        shares = self.held(place)
        if self.basis == "average" and shares:
            cost, local = sum(lot.cost for lot in self.lots[place]), sum(lot.local for lot in self.lots[place])
            for lot in self.lots[place]:
                lot.cost, lot.local = cost * lot.quantity / shares, local * lot.quantity / shares

    def take(self, place, quantity, name=None):
        """Shares leave by the cost basis: (lot, shares, cost, local cost)."""
        self.level(place)
        lots = self.oldest(place)
        if self.basis == "lifo":
            lots.reverse()
        if self.basis == "hifo":
            lots.sort(key=lambda lot: -lot.cost / lot.quantity)
        if self.basis == "specific" and name:
            lots = [lot for lot in lots if lot.name == name]
        if sum(abs(lot.quantity) for lot in lots) < quantity:
            raise NotBooked("unknown_lot")
        taken = []
        for lot in lots:
            part = min(abs(lot.quantity), quantity)
            if part:
                signed = part if lot.quantity > 0 else -part
                taken.append((lot, part, *lot.part(signed)))
                quantity -= part
        self.lots[place] = [lot for lot in self.lots[place] if lot.quantity]
        return taken

    def open(self, place, quantity, cost, name, opened=None):
        self.sequence += 1
        self.short |= {place[1]} if quantity < 0 else set()
        self.lots[place].append(Lot(opened or self.day, self.sequence, quantity, cost, self.local(cost, place[1]), name, self.line))

    def realize(self, symbol, lot, quantity, proceeds, cost, local):
        """`cost` is below zero for what was sold short: then `proceeds` are what was paid for it, with a minus as well."""
        effect = local * self.rate(self.case["quoted"][symbol], self.day) - cost
        year = lot.opened.replace(year=lot.opened.year + 1, day=min(lot.opened.day, 28) if lot.opened.month == 2 else lot.opened.day)
        term = "long" if self.day > year else "short"
        self.realized.append((self.day, symbol, quantity, proceeds - cost, effect, term, lot.opened, self.line))
        self.total["realized"] += proceeds - cost
        self.total["effect_realized"] += effect

    def arrive(self, place, quantity, cost, name, opened=None, closes=None):
        """What is owed is bought back first; the rest opens a lot."""
        back = min(quantity, max(-self.held(place), F(0)))
        for lot, part, was, local in self.take(place, back, closes) if back else []:
            self.realize(place[1], lot, part, -cost * part / quantity, was, local)
        if quantity > back:
            self.open(place, quantity - back, cost * (quantity - back) / quantity, name, opened)

    def book(self, t):
        kind, symbol, self.line, base = t["type"], t["symbol"], t["line"], self.rate(t["currency"], self.day)
        place, q, ratio = (t["account"], symbol), t["quantity"], t["ratio"]
        amount, fee, tax = (value * base for value in (t["amount"] if t["amount"] is not None else q * t["price"], t["fee"], t["tax"]))
        held, counter = self.held(place) if symbol else 0, (t["account"], t["counter_symbol"])
        cash, flow_in, in_lots = F(0), F(0), False  # `flow_in`: external in scope account, an outflow is negative
        move = self.moves[symbol]  # of the holding: went in, came out

        def fraction(of, where, symbol):
            """What was paid for the fraction of a share that is left sells it."""
            self.level(where)
            for lot, part, cost, local in self.take(where, of):
                self.realize(symbol, lot, part, amount * part / of, cost, local)

        if kind in ("split", "stock_dividend"):
            if not held:
                if kind == "split" and t["amount"] is None:
                    return  # before the first purchase: changes nothing
                raise NotBooked
            if (place, self.day) in self.splits:
                raise NotBooked
            self.splits.add((place, self.day))
            times = ratio if kind == "split" else 1 + (ratio if ratio is not None else q / abs(held))
            self.carried[symbol].setdefault(self.day, times)
            whole, lots = to_ten(held * times), self.oldest(place)
            for lot, new in zip(lots, dealt([lot.quantity for lot in lots], times)):
                lot.quantity = new
            cash = amount = amount if t["amount"] is not None else F(0)
            fee = tax = F(0)
            left = whole - math.floor(whole)
            if amount and (held < 0 or not left):  # the shares are right, the cash is for nothing
                self.not_booked.add(self.line)
                cash = amount = F(0)
            elif amount:
                fraction(left, place, symbol)
                move["out"] += amount
        elif kind in ("spin_off", "merger", "symbol_change"):
            going = (q if held > 0 else -q) if kind == "merger" and q else held
            if not held or (kind == "merger" and (abs(going) > abs(held) or (held < 0 and t["amount"]))) or (counter[1] and held * self.held(counter) < 0):
                raise NotBooked
            paid = amount if t["amount"] is not None else F(0)
            cash, in_lots = paid - fee - tax, kind == "merger" and paid > 0
            self.level(place)
            if kind == "spin_off":
                lots, part = self.oldest(place), t["cost_share"]
                new = dealt([lot.quantity for lot in lots], ratio if ratio is not None else q / abs(held))
                arrived = [(lot, shares, lot.cost * part, lot.local * part) for lot, shares in zip(lots, new)]
                for lot, _, cost, local in arrived:
                    lot.cost, lot.local = lot.cost - cost, lot.local - local
            else:
                per = F(1) if kind == "symbol_change" else ratio
                taken = [(lot, part if held > 0 else -part, cost, local) for lot, part, cost, local in self.take(place, abs(going))]
                worth = going * per * self.close(counter[1], self.day) if per is not None else F(0)
                sold = F(0) if not paid else 1 if per is None else 1 - t["cost_share"] if t["cost_share"] is not None else paid / (paid + worth)
                new = dealt([part for _, part, _, _ in taken], per) if per is not None else []
                arrived = [(lot, shares, cost * (1 - sold), local * (1 - sold)) for (lot, _, cost, local), shares in zip(taken, new)]
                if paid:
                    for lot, part, cost, local in taken:
                        self.realize(symbol, lot, part * sold, (paid - fee) * part / going, cost * sold, local * sold)
            value = F(0)
            for lot, shares, cost, local in arrived:
                self.sequence += 1
                new = Lot(lot.opened, self.sequence, shares, cost, local, lot.name, lot.line)
                self.lots[counter].append(new)
                value += shares * self.close(counter[1], self.day)
            self.level(counter)
            move["out"] += value + (paid if kind != "spin_off" else 0) - (fee if in_lots else 0)
            self.moves[counter[1]]["in"] += value
            if kind == "spin_off" and paid:
                new = sum(shares for _, shares, _, _ in arrived)
                if held < 0 or new == math.floor(new):
                    self.not_booked.add(self.line)
                    cash = F(0)
                else:
                    fraction(new - math.floor(new), counter, counter[1])
                    self.moves[counter[1]]["out"] += paid
        elif kind == "return_of_capital":
            if held <= 0 or not amount:
                raise NotBooked
            cash = amount - fee - tax
            self.level(place)
            for lot in self.lots[place]:
                back = amount * lot.quantity / held
                returned = min(back, lot.cost)
                if back > lot.cost:
                    self.realize(symbol, lot, F(0), back, lot.cost, lot.local)
                    lot.cost = lot.local = F(0)
                else:  # what comes back is out of the currency from now on
                    lot.cost, lot.local = lot.cost - back, lot.local - self.local(back, symbol)
            move["out"] += amount
        elif kind in ("deposit", "withdrawal") or (kind in ("opening", "transfer_in", "transfer_out") and not symbol):
            flow_in = amount if kind in ("deposit", "opening", "transfer_in") else -amount
            cash = flow_in - fee - tax
        elif kind in ("transfer_in", "opening"):
            worth = q * self.close(symbol, self.day)
            cost = amount if t["amount"] is not None else worth
            self.arrive(place, q, cost, t["lot_id"], t["opened_on"])
            cash, flow_in = -fee - tax, worth
            self.total["brought"] += worth - cost
            move["in"] += worth
        elif kind == "transfer_out":
            if q > held:
                raise NotBooked
            worth = q * self.close(symbol, self.day)
            self.total["brought"] -= worth - sum(cost for _, _, cost, _ in self.take(place, q, t["lot_id"]))
            cash, flow_in = -fee - tax, -worth
            move["out"] += worth
        elif kind in ("buy", "cover"):
            if kind == "cover" and q > -held:
                raise NotBooked
            self.arrive(place, q, amount + fee, t["lot_id"], None, t["lot_id"] if kind == "cover" else None)
            cash, in_lots = -amount - fee - tax, True
            move["in"] += amount + fee
        elif kind == "sell":
            if q > held:
                raise NotBooked
            for lot, part, cost, local in self.take(place, q, t["lot_id"]):
                self.realize(symbol, lot, part, (amount - fee) * part / q, cost, local)
            cash, in_lots = amount - fee - tax, True
            move["out"] += amount - fee
        elif kind == "short":
            if held > 0:
                raise NotBooked
            self.open(place, -q, -(amount - fee), t["lot_id"])
            cash, in_lots = amount - fee - tax, True
            move["out"] += amount - fee
        elif kind == "reinvest":
            self.arrive(place, q, amount + fee, t["lot_id"])
            cash, in_lots = -fee - tax, True
            self.total["income"] += amount
            move["fee"] += fee  # paid by its own income, it's at work from the next session on
        elif kind in ("dividend", "interest"):
            cash = amount - fee - tax
            self.total["income"] += amount
            move["income"] += amount
        else:
            cash = -amount
            fee, tax = (amount, F(0)) if kind == "fee" else (F(0), amount)
        if symbol:
            self.level(place)
        self.total["fees_in_lots" if in_lots else "fees"] += fee
        self.total["taxes"] += tax
        move["costs"] += tax + (F(0) if in_lots else fee)
        # Without cash what it would have moved is a flow, and so is what securities bring; an owner's own cash is none.
        own = flow_in if symbol is None and kind in ("deposit", "withdrawal", "opening", "transfer_in", "transfer_out") else F(0)
        self.flow += (flow_in - own) - (cash - own) if self.holdings else flow_in
        if not self.holdings:
            currency = HUNDREDTHS.get(t["currency"], t["currency"])
            self.cash[currency] += cash / self.rate(currency, self.day)
            self.total["cash_moved"] += cash

    def worth(self, symbol):
        shares = sum(self.held(place) for place in self.lots if place[1] == symbol)
        close = self.close(symbol, self.day)
        return F(0) if not shares else None if close is None else shares * close

    def state(self):
        symbols = {place[1] for place, lots in self.lots.items() if lots}
        values = {symbol: self.worth(symbol) for symbol in symbols}
        unknown = None in values.values()
        cash = sum((held * self.rate(currency, self.day) for currency, held in self.cash.items()), F(0))
        lots = [(place[1], lot) for place, lots in self.lots.items() for lot in lots]
        cost = sum((lot.cost for _, lot in lots), F(0))
        effect = sum((lot.local * self.rate(self.case["quoted"][symbol], self.day) - lot.cost for symbol, lot in lots), F(0))
        value = None if unknown else sum(values.values(), F(0)) + cash
        return dict(values=values, value=value, cash=cash, unrealized=None if unknown else value - cash - cost, effect=effect, total=dict(self.total))

    def run(self):
        case, self.sequence = self.case, 0
        first, end = min(t["date"] for t in case["transactions"]), case["to"] or date.max
        sessions = {t["date"] for t in case["transactions"]} | {day for rows in self.closes.values() for day, _ in rows} | set(case["missing"])
        states, by_day = [], defaultdict(list)
        for t in sorted(case["transactions"], key=lambda t: (ORDER.index(t["type"]), t["line"])):
            by_day[t["date"]].append(t)
        for self.day in sorted(day for day in sessions if first <= day <= end):
            self.flow, self.moves = F(0), defaultdict(lambda: defaultdict(F))
            for t in by_day[self.day]:
                try:
                    self.book(t)
                except NotBooked:
                    self.not_booked.add(t["line"])
            states.append(dict(self.state(), day=self.day, flow=self.flow, moves=self.moves))
        return states


def npv(flows, x):
    """Divided by its largest factor, so that it can't overflow; the sign is what counts."""
    least = max(-x * years for years, _ in flows)
    return math.fsum(amount * math.exp(-x * years - least) for years, amount in flows)


def roots(dated):
    """All rates with a net present value of 0, in x = ln(1 + r): a dense scan and bisection. (root, slope there)."""
    origin = min(day for day, _ in dated)
    flows = [((day - origin).days / 365, float(amount)) for day, amount in dated if amount]
    if not flows or flows[-1][0] == 0:
        return []
    longest = max(years for years, _ in flows)
    grid, found = [sign * 1e-4 * 1.008**at for at in range(2300) for sign in (-1, 1)], []  # to 1e4: no step of money over a day goes further
    grid.sort()
    before = None
    for a in grid:
        now = npv(flows, a)
        if before and now and (now > 0) != (before[1] > 0):
            left, right = before[0], a
            for _ in range(200):
                middle = (left + right) / 2
                if (npv(flows, middle) > 0) == (before[1] > 0):
                    left = middle
                else:
                    right = middle
            least = max(-left * years for years, _ in flows)
            slope = math.fsum(-years * amount * math.exp(-left * years - least) for years, amount in flows)
            found.append((left, slope * math.exp(min(least, 600)), math.fsum(abs(amount) * math.exp(-left * years - least) for years, amount in flows) * math.exp(min(least, 600))))
        before = (a, now) if now else before
    return found


def expected(case):
    """The document that `plumbline performance` should print, with a tolerance for what isn't money."""
    ledger = Ledger(case)
    states, since = ledger.run(), case["from"]
    opening = [state for state in states if since and state["day"] <= since]
    days = states[len(opening):]
    start = opening[-1] if opening else dict(value=F(0), cash=F(0), unrealized=F(0), effect=F(0), total={}, values={})
    last, between = (days or states)[-1], lambda key: (days or states)[-1]["total"].get(key, F(0)) - start["total"].get(key, F(0))
    out = {f"{key}": between(key) for key in ("income", "fees", "fees_in_lots", "taxes")}
    out["fees_paid"], out["realized_gain"], out["value"] = between("fees") + between("fees_in_lots"), between("realized"), last["value"]
    flows = [day["flow"] for day in days]
    if last["value"] is not None and start["value"] is not None:
        out["total_gain"], out["opening_value"] = last["value"] - start["value"] - sum(flows), start["value"]
        out["unrealized_gain"] = last["unrealized"] - start["unrealized"] - between("brought")
        out["currency_effect.cash"] = last["cash"] - start["cash"] - between("cash_moved")
        out["currency_effect.realized"] = between("effect_realized")
        parts = out["realized_gain"] + out["unrealized_gain"] + out["income"] - out["fees"] - out["taxes"] + out["currency_effect.cash"]
        assert parts == out["total_gain"], ("the reference doesn't add up", float(parts), float(out["total_gain"]))
    out["daily"], product, error, count, k, before, known = [], F(1), 0.0, 0, [], start, start["value"] is not None
    for day in days:
        inflow, outflow = max(day["flow"], F(0)), max(-day["flow"], F(0))
        capital = None if before["value"] is None else before["value"] + inflow
        empty = ledger.holdings and not before["values"] and not day["values"]
        r = None if day["value"] is None or capital is None or capital <= 0 or empty else (day["value"] + outflow) / capital - 1
        known = known and day["value"] is not None
        if r is not None:
            product, count, error = product * (1 + r), count + 1, error + 6e-4 / float(capital) * (1 + abs(r))
        out["daily"].append((day["day"], day["value"], inflow, outflow, r, 6e-4 * float(1 + abs(r or 0)) / float(capital) if r is not None else 0))
        k.append((r, capital))
        before = day
    out["time_weighted"] = (product - 1 if known and count else None, error * float(abs(product)) + 1e-12)
    out["sessions"], out["without_return"] = len(days), len(days) - count
    grown = float(product) ** (252 / count) - 1 if known and count and 0 < product < 10**3 and min(r for r, _ in k if r is not None) >= -1 else None
    out["annualized"] = (grown, 1e-11 * abs(1 + grown) * 252 / count + (1 + grown) * 252 / count * error) if grown is not None else None
    if days and "total_gain" in out:
        opened, rest = (start["value"], days) if opening else (max(days[0]["flow"], F(0)) if days[0]["flow"] > 0 else F(0), days[1:])
        begin = opening[-1]["day"] if opening else days[0]["day"]
        length = (last["day"] - begin).days
        net = sum((day["flow"] for day in rest), F(0))
        weighed = opened + sum((day["flow"] * F(length - (day["day"] - begin).days, length) for day in rest), F(0)) if length else F(0)
        if weighed > 0 and (opening or days[0]["flow"] > 0):
            dietz = (last["value"] - opened - net) / weighed
            out["modified_dietz"] = (dietz, 2e-3 / float(weighed) * (1 + abs(float(dietz))) + 1e-11)
        dated = ([(opening[-1]["day"], -start["value"])] if opening else []) + [(day["day"], -day["flow"]) for day in days] + [(last["day"], last["value"])]
        out["money_weighted"], out["years"] = roots(dated), (dated[-1][0] - dated[0][0]).days / 365
    # Contributions, by holding.
    if known and days and all(r is None or r > F(-99, 100) for r, _ in k) and count:
        R, link = float(product - 1), lambda r: 1.0 if abs(r) < 1e-12 else math.log1p(r) / r
        out["contributions"] = {}
        for symbol in {s for day in days for s in [*day["values"], *day["moves"]] if s} | {s for s in start["values"]}:
            total, own, gain, weights, before, off = 0.0, F(1), F(0), [], start, 0.0
            for day, (r, capital) in zip(days, k):
                v, v0, move = day["values"].get(symbol, F(0)), before["values"].get(symbol, F(0)), day["moves"].get(symbol, {})
                g = v - v0 - move.get("in", 0) + move.get("out", 0) + move.get("income", 0) - move.get("costs", 0) - move.get("fee", 0)
                gain += g
                if r is not None:
                    total += link(float(r)) * float(g / capital) / link(R)
                if v0 + move.get("in", 0) > 0:
                    own, off = own * (1 + g / (v0 + move.get("in", 0))), off + 6e-4 / float(v0 + move.get("in", 0))
                if "day" in before and before["value"] > 0:
                    weights.append(float(v0 / before["value"]))
                before = day
            out["contributions"][symbol] = (total, gain, (own - 1, off * max(1, float(own)) + 1e-9), sum(weights) / len(weights) if weights else None)
    out["cash"] = {currency: held for currency, held in ledger.cash.items()}
    out["not_booked"] = {line for line in ledger.not_booked if next(t for t in case["transactions"] if t["line"] == line)["date"] <= last["day"]}
    out["lots"] = sorted((s, lot.opened, lot.line, lot.quantity, lot.cost) for (_, s), lots in ledger.lots.items() for lot in lots)
    out["short"], out["positions"] = ledger.short, {}
    for symbol in {lot[0] for lot in out["lots"]}:
        lots = [lot for (_, s), lots in ledger.lots.items() if s == symbol for lot in lots]
        shares, cost = sum(lot.quantity for lot in lots), sum(lot.cost for lot in lots)
        worth, rate = ledger.worth(symbol), ledger.rate(case["quoted"][symbol], ledger.day)
        effect = sum(lot.local for lot in lots) * rate - cost
        out["positions"][symbol] = (shares, cost, worth, None if worth is None else worth - cost, effect, cost / shares if shares else None)
    out["realized"] = [row for row in ledger.realized if days and row[0] >= days[0]["day"]]
    return out


class Report:
    def __init__(self, plumbline):
        self.plumbline, self.points, self.wrong, self.kept = plumbline, defaultdict(int), 0, set()

    def ask(self, *arguments):
        answer = subprocess.run([self.plumbline, *arguments, "--format", "json"], capture_output=True, text=True)
        return json.loads(answer.stdout) if answer.returncode == 0 else {"error": answer.stderr.strip()}

    def compare(self, where, what, ours, theirs, tolerance):
        """`ours` is the program's; numbers within a tolerance, all else alike."""
        self.points[where[0]] += 1
        if ours is None or theirs is None or isinstance(theirs, (str, date, set, tuple)):
            fits = ours == (str(theirs) if isinstance(theirs, date) else theirs)
        else:
            fits = abs(float(F(ours) if isinstance(ours, str) else ours) - float(theirs)) <= tolerance
        if not fits:
            self.wrong += 1
            self.kept.add(where[1])
            shown = float(theirs) if isinstance(theirs, F) else theirs
            print(f"{where[0]} {where[1]}: {what}: plumbline {ours}, expected {shown}")


def performance(report, case, folder):
    arguments = ["--transactions", f"{folder}/transactions.csv", "--prices", f"{folder}/prices.csv", "--fx", f"{folder}/fx.csv"]
    arguments += ["--cost-basis", case["basis"], "--scope", case["scope"]]
    arguments += [word for key in ("from", "to") if case[key] for word in (f"--{key}", str(case[key]))]
    with open(f"{folder}/again.sh", "w") as out:
        out.write(" ".join(["plumbline performance", *arguments, "--format json\n"]))
    ours, theirs, where = report.ask("performance", *arguments), expected(case), ("performance", folder)
    same = lambda what, a, b, tolerance=0.004: report.compare(where, what, a, b, tolerance)
    if "error" in ours:
        return same("error", ours["error"], None)
    booked = {f["line"] for f in ours["findings"] if f["line"] and f["code"] not in ("prices_already_adjusted", "no_price", "no_rate")}
    same("lines not booked", booked, theirs["not_booked"])
    for key in ("value", "income", "fees", "fees_in_lots", "fees_paid", "taxes", "realized_gain", "total_gain", "unrealized_gain", "opening_value"):
        if key in theirs:
            same(key, ours[key], theirs[key])
    for key in ("cash", "realized"):
        if f"currency_effect.{key}" in theirs:
            same(f"currency_effect.{key}", ours["currency_effect"][key], theirs[f"currency_effect.{key}"])
    if "total_gain" in theirs:
        same("residual", ours["residual"], F(0), 0.0)
    same("currencies", {c for c, held in ours["cash"].items() if F(held)}, {c for c, held in theirs["cash"].items() if abs(held) > F(1, 20000)})
    for currency, held in theirs["cash"].items():
        same(f"cash {currency}", ours["cash"].get(currency, "0"), held)
    same("symbols", {p["symbol"] for p in ours["positions"]}, set(theirs["positions"]))
    for position in ours["positions"]:
        shares, cost, worth, gain, effect, each = theirs["positions"].get(position["symbol"], (None,) * 6)
        for key, value in (("quantity", shares), ("cost_basis", cost), ("market_value", worth), ("unrealized_gain", gain), ("currency_effect", effect)):
            if key != "currency_effect" or worth is not None:
                same(f"{position['symbol']} {key}", position[key], value, 1e-7 if key == "quantity" else 0.004)
        if each is not None:
            same(f"{position['symbol']} average_cost", position["average_cost"], each, 0.004 / abs(float(shares)) + 1e-9)
        held = sum((F(lot["quantity"]) for lot in ours["lots"] if lot["symbol"] == position["symbol"]), F(0))
        same(f"{position['symbol']}, its lots together", position["quantity"], held, 0.0)
    lots = sorted((lot["symbol"], lot["opened_on"], lot["line"], F(lot["quantity"]), F(lot["cost"])) for lot in ours["lots"])
    same("number of lots", len(lots), len(theirs["lots"]), 0)
    for (s, opened, line, quantity, cost), (s2, opened2, line2, quantity2, cost2) in zip(lots, theirs["lots"]):
        same("lot", (s, opened, line), (s2, str(opened2), line2))
        same(f"lot of line {line}, quantity", quantity, quantity2, 1e-7)
        same(f"lot of line {line}, cost", cost, cost2)
    rows = sorted((r["closed_on"], r["line"], r["opened_on"], r["symbol"], r["term"], F(r["quantity"]), F(r["gain"]), F(r["currency_effect"]), F(r["price_effect"])) for r in ours["realized"])
    wanted = sorted((str(d), line, str(opened), s, term, quantity, gain, effect, gain - effect) for d, s, quantity, gain, effect, term, opened, line in theirs["realized"])
    same("number realized", len(rows), len(wanted), 0)
    for row, want in zip(rows, wanted):
        same("realized: day, line, opened, symbol, term", row[:5], want[:5])
        for key, a, b in zip(("quantity", "gain", "currency effect", "price effect"), row[5:], want[5:]):
            same(f"realized by line {row[1]}, {key}", a, b)
    same("sessions", len(ours["daily"]), len(theirs["daily"]), 0)
    linked = 1.0
    for day, (when, value, inflow, outflow, r, tolerance) in zip(ours["daily"], theirs["daily"]):
        same("day", day["date"], when)
        for key, b in (("value", value), ("inflow", inflow), ("outflow", outflow)):
            same(f"{when} {key}", day[key], b)
        same(f"{when} return", day["return"], r, tolerance + 1e-12)
        linked *= 1 + (day["return"] or 0.0)
    returns = ours["returns"]
    same("time_weighted", returns["time_weighted"], *theirs["time_weighted"])
    if returns["time_weighted"] is not None:
        same("time_weighted, of its days", returns["time_weighted"], linked - 1, 1e-11 * max(1, abs(linked)))
    same("sessions", returns["sessions"], theirs["sessions"], 0)
    same("without_return", returns["without_return"], theirs["without_return"], 0)
    if theirs["annualized"]:
        same("annualized", returns["annualized"], *theirs["annualized"])
    if "modified_dietz" in theirs:
        same("modified_dietz", returns["modified_dietz"], *theirs["modified_dietz"])
    if "money_weighted" in theirs:
        found = theirs["money_weighted"]
        if len(found) == 1 and is_rate(found[0][0]):
            x, slope, _ = found[0]
            rate = returns["money_weighted"]
            same("money_weighted, as ln(1 + r)", None if rate is None else math.log1p(rate), x, 0.01 * math.exp(max(-x * theirs["years"], 0)) / abs(slope) + 1e-9 + 3e-16 * math.exp(min(-x, 600)))
        else:
            same("money_weighted", returns["money_weighted"], None)
    parts = {part["symbol"]: part for part in (ours["contributions"] or {}).get("parts", [])}
    for symbol, (total, gain, own, weight) in theirs.get("contributions", {}).items():
        if symbol in parts or abs(gain) > F(1, 100):
            part = parts.get(symbol, {"gain": {"total": None}, "return": {"value": None}, "contribution": None, "average_weight": None})
            same(f"contribution of {symbol}", part["contribution"], total, theirs["time_weighted"][1] * 3 / min(1, 1 + float(theirs["time_weighted"][0])) + 1e-9)
            same(f"gain of {symbol}", part["gain"]["total"], gain)
            same(f"weight of {symbol}", part["average_weight"], weight, 1e-5 * max(1, abs(weight or 0)))
            if part["return"].get("value") is not None and symbol not in theirs["short"]:
                same(f"return of {symbol}", part["return"]["value"], *own)
    for symbol, part in parts.items():
        if symbol and part["contribution"] is not None:
            pieces = [part[key] for key in ("price", "income", "costs", "currency")]
            same(f"contribution of {symbol}, its parts", part["contribution"], math.fsum(pieces), 1e-12 + 1e-12 * max(map(abs, pieces)))
        if symbol and part["gain"] and part["gain"]["total"] is not None:
            gains = {key: F(value) for key, value in part["gain"].items()}
            same(f"gain of {symbol}, its parts", gains["total"], gains["realized"] + gains["unrealized"] + gains["income"] - gains["costs"])
    if parts and returns["time_weighted"] is not None and ours["contributions"].get("total") is not None:
        whole = math.fsum(part["contribution"] for part in parts.values() if part["contribution"] is not None)
        same("contributions together", whole, returns["time_weighted"], 1e-10 * max(1, abs(linked)))
    return ours, theirs


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


def is_rate(x):
    """Is e^x − 1 a number of 64 bits in (−1, ∞)?"""
    return x < math.log(sys.float_info.max) and math.expm1(x) > -1


def xirr(report, seed, folder):
    rng = random.Random(seed)
    flows, at = [], date(2020, 1, 1)
    for _ in range(rng.choice([2, 3, 4, 5, 8, 20])):
        flows.append((at, F(rng.choice([-1, 1]) * rng.randrange(1, 2_000_00), 100)))
        at += timedelta(rng.choice([0, 1, 30, 180, 365, 366, 900]))
    file = f"{folder}/flows.csv"
    with open(file, "w") as out:
        out.write("date,amount\n" + "".join(f"{day},{text(amount)}\n" for day, amount in rng.sample(flows, len(flows))))
    if flows[0][0] == flows[-1][0]:
        return
    ours, where = report.ask("xirr", "--flows", file), ("xirr", folder)
    if "error" in ours:
        return report.compare(where, "error", ours["error"], None, 0)
    every = roots(flows)
    theirs = [root for root in every if is_rate(root[0])]
    report.compare(where, "number of roots", len(ours["roots"]), len(theirs), 0)
    for rate, (x, slope, size) in zip(ours["roots"], theirs):
        report.compare(where, "root, as ln(1 + r)", math.log1p(rate), x, 1e-9 + 1e-14 * size / abs(slope) + 3e-16 * math.exp(min(-x, 600)))
    report.compare(where, "value", ours["value"], math.expm1(theirs[0][0]) if len(theirs) == len(every) == 1 else None, 1e-9 * max(1, abs(ours["value"] or 0)))
    if len(every) != 1:
        report.compare(where, "a reason", bool(ours["reason"]), True, 0)


def attribution(report, seed, folder):
    rng = random.Random(seed)
    segments, periods, rows = rng.randrange(1, 6), rng.randrange(1, 9), []
    for period in range(periods):
        weights = []
        for _ in range(2):
            cuts = [0, *sorted(rng.randrange(-200 if rng.random() < 0.2 else 0, 10_001) for _ in range(segments - 1)), 10_000]
            weights.append([F(b - a, 10_000) for a, b in zip(cuts, cuts[1:])])
        rows += [(f"2024-{period + 1:02}", f"S{s}", weights[0][s], weights[1][s], F(rng.randrange(-2000, 2500), 10_000), F(rng.randrange(-2000, 2500), 10_000)) for s in range(segments)]
    file = f"{folder}/segments.csv"
    with open(file, "w") as out:
        out.write("period,segment,portfolio_weight,benchmark_weight,portfolio_return,benchmark_return\n")
        out.writelines(",".join([*row[:2], *map(text, row[2:])]) + "\n" for row in rows)
    ours, where = report.ask("attribution", "--segments", file), ("attribution", folder)
    same = lambda what, a, b: report.compare(where, what, a, b, 1e-12 * max(1, abs(float(b))))
    if "error" in ours:
        return same("error", ours["error"], 0)
    exact = lambda x: Decimal(x.numerator) / Decimal(x.denominator)
    factor = lambda r, b: ((1 + exact(r)).ln() - (1 + exact(b)).ln()) / exact(r - b) if r != b else 1 / (1 + exact(r))
    by = defaultdict(list)
    for row in rows:
        by[row[0]].append(row)
    whole, market, effects = F(1), F(1), []
    for period, of in sorted(by.items()):
        r, b = sum(row[2] * row[4] for row in of), sum(row[3] * row[5] for row in of)
        whole, market = whole * (1 + r), market * (1 + b)
        effects.append((r, b, {row[1]: ((row[2] - row[3]) * (row[5] - b), row[3] * (row[4] - row[5]), (row[2] - row[3]) * (row[4] - row[5])) for row in of}))
    keys, linked = ("allocation", "selection", "interaction"), defaultdict(lambda: [Decimal(0)] * 3)
    K = factor(whole - 1, market - 1)
    for (r, b, of), document in zip(effects, ours["periods"]):
        for key, value in (("portfolio_return", r), ("benchmark_return", b), ("excess_return", r - b), ("residual", F(0))):
            same(f"{document['period']} {key}", document[key], value)
        for segment in document["segments"]:
            three = of[segment["segment"]]
            for at, key in enumerate(keys):
                same(f"{document['period']} {segment['segment']} {key}", segment[key], three[at])
            same(f"{document['period']} {segment['segment']} total", segment["total"], sum(three))
            linked[segment["segment"]] = [sum_ + exact(x) * factor(r, b) / K for sum_, x in zip(linked[segment["segment"]], three)]
        for at, key in enumerate(keys):
            same(f"{document['period']} {key}", document["totals"][key], sum(three[at] for three in of.values()))
    document = ours["linked"]
    for key, value in (("portfolio_return", whole - 1), ("benchmark_return", market - 1), ("excess_return", whole - market), ("residual", F(0))):
        same(f"linked {key}", document[key], value)
    for segment in document["segments"]:
        for key, value in zip(keys, linked[segment["segment"]]):
            same(f"linked {segment['segment']} {key}", segment[key], value)
    for at, key in enumerate(keys):
        same(f"linked {key}", document["totals"][key], sum(three[at] for three in linked.values()))
    same("linked total", document["totals"]["total"], whole - market)


def main():
    words = argparse.ArgumentParser()
    words.add_argument("plumbline", nargs="?", default="target/debug/plumbline")
    words.add_argument("--seeds", type=int, default=300)
    words.add_argument("--first", type=int, default=0)
    words = words.parse_args()
    report = Report(os.path.abspath(words.plumbline))
    for seed in range(words.first, words.first + words.seeds):
        folder = f"{KEEP}/{seed}"
        case = draw(seed)
        write(case, folder)
        performance(report, case, folder)
        xirr(report, seed, folder)
        attribution(report, seed, folder)
        if folder not in report.kept:
            for name in os.listdir(folder):
                os.remove(f"{folder}/{name}")
            os.rmdir(folder)
    counted = ", ".join(f"{name}: {count} points" for name, count in report.points.items())
    print(counted + (f"; {report.wrong} differ, their files are in {KEEP}" if report.wrong else "; all agree"))
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
