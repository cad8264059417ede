"""What `plumbline performance`, `xirr` and `attribution` print, held beside a second ledger that was written from docs/LEDGER.md alone.

It shares nothing with the program (second_ledger.py). Files are drawn from seeds (drawn.py); a file on which the two differ is kept, and named with
what differs and how to run it again. Money may differ by what rounding to four decimals at each step can do, ratios by what that money does to them.

    python3 conformance/ledger.py [path of plumbline] [--seeds 300] [--first 0]
"""

import argparse
import json
import math
import os
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction as F

from drawn import draw, text, write
from second_ledger import expected, is_rate, roots

KEEP = f"{tempfile.gettempdir()}/plumbline-conformance-ledger"


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
