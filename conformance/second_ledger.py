"""A second ledger, written from docs/LEDGER.md alone: exact fractions, one pass over the sessions, plain lists of lots; and what the document of
`plumbline performance` should hold for it. Roots of XIRR by a dense scan and bisection.
"""

import bisect
import math
import sys
from collections import defaultdict
from datetime import date
from fractions import Fraction as F

ORDER = (
    "split stock_dividend spin_off merger symbol_change return_of_capital opening deposit transfer_in cover buy reinvest sell short dividend interest fee tax "
    "transfer_out withdrawal"
).split()
HUNDREDTHS = {"GBX": "GBP", "ZAC": "ZAR", "ILA": "ILS"}


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


def is_rate(x):
    """Is e^x − 1 a number of 64 bits in (−1, ∞)?"""
    return x < math.log(sys.float_info.max) and math.expm1(x) > -1
