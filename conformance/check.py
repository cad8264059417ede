"""The vendors' own Python clients, unchanged, read everything from the simulator; what they read must agree.

    check.py [--binary target/debug/plumbline] [--replay DIR]     starts a simulator of its own
    check.py --url http://127.0.0.1:8765                          uses one that runs (a made-up market)
"""

import argparse
import subprocess
import sys
from collections import defaultdict
from datetime import datetime, timezone
from decimal import Decimal

import alpaca.common.exceptions
import massive
import massive.exceptions
import polygon
import polygon.exceptions
from alpaca.data.enums import Adjustment
from alpaca.data.historical import StockHistoricalDataClient
from alpaca.data.requests import StockBarsRequest
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient

# What each source serves at its clock: a range of sessions, symbols to read, and what is known of them.
MADE = {
    "now": "2026-11-20T22:00:00Z",
    "range": ("2025-01-02", "2026-11-20"),
    "sessions": 474,
    "symbols": ["AAPL", "BRK.B", "COST", "SPY"],
    "split": ("COST", "2026-03-09", 1, 4),
    "details": ("AAPL", "Apple Inc.", "3571", "XNAS"),
    "benchmark_pays": True,
}
REAL = {
    "now": "2014-12-31T22:00:00Z",
    "range": ("2014-01-02", "2014-12-31"),
    "sessions": 252,
    "symbols": ["AAPL", "BRK.A", "MSFT", "SPY"],
    "split": ("AAPL", "2014-06-09", 1, 7),
    "details": ("AAPL", "Apple Inc.", "3571", "XNAS"),
    "benchmark_pays": False,
}

checked = 0


def same(got, expected, what):
    """One agreement; the first that fails ends the run."""
    global checked
    checked += 1
    if got != expected:
        sys.exit(f"conformance: {what}: got {got!r}, expected {expected!r}")


def refused(error, call, what):
    """The client itself must raise its own error."""
    try:
        call()
    except error:
        same(True, True, what)
    else:
        sys.exit(f"conformance: {what}: nothing was raised")


def market(client, known):
    """Bars, splits, dividends, details through a Polygon or Massive client."""
    first, last = known["range"]
    closes = {}
    for symbol in known["symbols"]:
        # Pages of 100: the client follows next_url.
        bars = list(client.list_aggs(symbol, 1, "day", first, last, adjusted=False, sort="asc", limit=100))
        same(len(bars), known["sessions"], f"bars of {symbol}")
        stamps = [bar.timestamp for bar in bars]
        same(stamps, sorted(set(stamps)), f"stamps of {symbol} ascend")
        same({datetime.fromtimestamp(at / 1000, timezone.utc).hour for at in stamps} <= {4, 5}, True, "midnight in New York")
        whole = list(client.list_aggs(symbol, 1, "day", first, last, adjusted=False, sort="asc", limit=50000))
        same([bar.close for bar in whole], [bar.close for bar in bars], f"pages of {symbol} add up")
        newest = list(client.list_aggs(symbol, 1, "day", first, last, adjusted=False, sort="desc", limit=70))
        same([bar.close for bar in newest], [bar.close for bar in reversed(bars)], f"{symbol} newest first")
        closes[symbol] = {datetime.fromtimestamp(at / 1000, timezone.utc).date().isoformat(): bar.close for at, bar in zip(stamps, bars)}

    symbol, executed, old, new = known["split"]
    adjusted = {
        datetime.fromtimestamp(bar.timestamp / 1000, timezone.utc).date().isoformat(): bar.close
        for bar in client.list_aggs(symbol, 1, "day", first, last, limit=5000)
    }
    for day, close in closes[symbol].items():
        factor = old / new if day < executed else 1
        same(abs(adjusted[day] - close * factor) < 1e-5, True, f"{symbol} split-adjusted on {day}")

    grouped = {bar.ticker: bar for bar in client.get_grouped_daily_aggs(last, adjusted=False)}
    for symbol in known["symbols"]:
        same(grouped[symbol].close, closes[symbol][last], f"grouped close of {symbol}")
        same(datetime.fromtimestamp(grouped[symbol].timestamp / 1000, timezone.utc).hour, 21, "grouped stamps are 16:00 in New York")
        previous = client.get_previous_close_agg(symbol, adjusted=False)
        same(previous[0].close, closes[symbol][last], f"previous close of {symbol}")
    same(client.get_grouped_daily_aggs("2014-07-04"), [], "a holiday has no bars")
    same(list(client.list_aggs("NOSUCH", 1, "day", first, last)), [], "an unknown ticker has no bars")

    symbol, executed, old, new = known["split"]
    splits = list(client.list_splits(symbol, limit=1))
    same((executed, old, new) in [(split.execution_date, split.split_from, split.split_to) for split in splits], True, "the split is told")

    dividends = list(client.list_dividends("AAPL", ex_dividend_date_gte=first, limit=2))
    same(len(dividends) >= 4, True, "dividends over several pages")
    days = [dividend.ex_dividend_date for dividend in dividends]
    same(days, sorted(set(days), reverse=True), "dividends newest first, each once")
    same(all(dividend.pay_date > dividend.ex_dividend_date and dividend.cash_amount > 0 for dividend in dividends), True, "dividends are paid")
    same(bool(list(client.list_dividends("SPY"))), known["benchmark_pays"], "SPY's dividends")

    ticker, name, code, place = known["details"]
    details = client.get_ticker_details(ticker)
    same((details.ticker, details.name, details.sic_code, details.primary_exchange), (ticker, name, code, place), "details")
    same((details.currency_name, details.type, details.active), ("usd", "CS", True), "more details")
    tickers = [ticker.ticker for ticker in client.list_tickers(market="stocks", limit=3)]
    same(tickers, sorted(set(tickers)), "tickers over several pages")
    same(set(known["symbols"]) <= set(tickers), True, "all tickers are listed")
    return closes, dividends, splits


def new_paths(client, old_dividends, old_splits):
    """Massive's paths of 2026 tell the same as the old ones."""
    first = min(dividend.ex_dividend_date for dividend in old_dividends)
    dividends = list(client.list_stocks_dividends(ticker="AAPL", ex_dividend_date_gte=first, limit=2))
    same(
        sorted((dividend.ex_dividend_date, dividend.pay_date, dividend.cash_amount) for dividend in dividends),
        sorted((dividend.ex_dividend_date, dividend.pay_date, dividend.cash_amount) for dividend in old_dividends),
        "new dividends are the old ones",
    )
    symbol = old_splits[0].ticker
    splits = list(client.list_stocks_splits(ticker=symbol, limit=1))
    same(
        sorted((split.execution_date, split.split_from, split.split_to) for split in splits),
        sorted((split.execution_date, split.split_from, split.split_to) for split in old_splits),
        "new splits are the old ones",
    )
    same({split.adjustment_type for split in splits}, {"forward_split"}, "kind of the splits")


def bars(client, known, closes):
    """Alpaca's raw bars are Polygon's."""
    first, last = (datetime.fromisoformat(day) for day in known["range"])
    last = last.replace(hour=23)
    ask = dict(symbol_or_symbols=known["symbols"], timeframe=TimeFrame.Day, start=first, end=last)
    read = client.get_stock_bars(StockBarsRequest(**ask, adjustment=Adjustment.RAW)).data
    for symbol in known["symbols"]:
        told = {bar.timestamp.date().isoformat(): bar.close for bar in read[symbol]}
        same(told, closes[symbol], f"Alpaca's closes of {symbol}")
    symbol, executed, old, new = known["split"]
    adjusted = client.get_stock_bars(StockBarsRequest(**ask | {"symbol_or_symbols": symbol}, adjustment=Adjustment.SPLIT)).data[symbol]
    for bar in adjusted:
        day = bar.timestamp.date().isoformat()
        factor = old / new if day < executed else 1
        same(abs(bar.close - closes[symbol][day] * factor) < 1e-5, True, f"Alpaca's split-adjusted {symbol} on {day}")

    # One page of 100 bars at a time, by the token: pages cut symbols where they end.
    token, paged = None, defaultdict(list)
    for _ in range(1000):
        page = client.get(
            "/stocks/bars",
            {"symbols": ",".join(known["symbols"]), "timeframe": "1Day", "start": known["range"][0], "end": known["range"][1], "limit": 100, "page_token": token},
        )
        for symbol, rows in page["bars"].items():
            paged[symbol] += [row["c"] for row in rows]
        token = page["next_page_token"]
        if token is None:
            break
    same(token, None, "Alpaca's pages end")
    for symbol in known["symbols"]:
        same(paged[symbol], list(closes[symbol].values()), f"Alpaca's pages of {symbol}")


def account(client, splits):
    """Cash and positions are what the activities and the splits add up to."""
    told = client.get_account()
    same(told.currency, "USD", "currency")
    rows, token = [], None
    for _ in range(1000):
        page = client.get("/account/activities", {"page_size": 20, "direction": "asc", **({"page_token": token} if token else {})})
        rows += page
        if len(page) < 20:
            break
        token = page[-1]["id"]
    same(len({row["id"] for row in rows}), len(rows), "each activity once")
    same({"FILL", "DIV", "FEE", "CSD", "CSW"} <= {row["activity_type"] for row in rows}, True, "kinds of activities")
    same([row["id"] for row in client.get("/account/activities")], [row["id"] for row in reversed(rows)][:100], "newest first by default")
    fills = client.get("/account/activities/FILL", {"direction": "asc"})
    same([row["id"] for row in fills], [row["id"] for row in rows if row["activity_type"] == "FILL"][:100], "one type by path")
    same(any(row.get("type") == "partial_fill" for row in rows), True, "an order was filled in parts")

    cash, held = Decimal(0), defaultdict(Decimal)
    pending = sorted((split.execution_date, split.ticker, Decimal(split.split_to) / Decimal(split.split_from)) for split in splits)

    def split_until(day):
        while pending and pending[0][0] <= day:
            _, symbol, ratio = pending.pop(0)
            held[symbol] *= ratio

    for row in rows:
        if row["activity_type"] != "FILL":
            cash += Decimal(row["net_amount"])
            continue
        split_until(row["transaction_time"][:10])
        sign = 1 if row["side"] == "buy" else -1
        held[row["symbol"]] += sign * Decimal(row["qty"])
        cash -= sign * Decimal(row["qty"]) * Decimal(row["price"])
    split_until("9999-12-31")
    same(Decimal(told.cash), cash, "cash")
    positions = client.get_all_positions()
    same({position.symbol: Decimal(position.qty) for position in positions}, {symbol: qty for symbol, qty in held.items() if qty}, "positions")
    value = sum(Decimal(position.market_value) for position in positions)
    same(Decimal(told.equity), cash + value, "equity")
    one = client.get_open_position(positions[0].symbol)
    same(one.qty, positions[0].qty, "one position")
    refused(alpaca.common.exceptions.APIError, lambda: client.get_open_position("NOSUCH"), "no such position")
    same(len(client.get_calendar()) > 5000, True, "calendar")
    same(client.get_clock().is_open, False, "the market is closed")


def wrong_keys(url):
    for library in (polygon, massive):
        bad = library.RESTClient("wrong", base=url)
        refused(library.exceptions.BadResponse, lambda: bad.get_ticker_details("AAPL"), f"{library.__name__} with a wrong key")
        missing = library.RESTClient("demo-1", base=url)
        refused(library.exceptions.BadResponse, lambda: missing.get_ticker_details("NOSUCH"), f"{library.__name__} and an unknown ticker")
        refused(library.exceptions.BadResponse, lambda: missing.get_grouped_daily_aggs("2039-01-03"), f"{library.__name__} and a day to come")
    error = alpaca.common.exceptions.APIError
    refused(error, TradingClient("wrong", "wrong", url_override=url).get_account, "alpaca-py with a wrong key")
    data = StockHistoricalDataClient("wrong", "wrong", url_override=url)
    ask = StockBarsRequest(symbol_or_symbols="AAPL", timeframe=TimeFrame.Day, start=datetime(2014, 1, 2))
    refused(error, lambda: data.get_stock_bars(ask), "alpaca-py's data with a wrong key")


def check(url, known):
    closes, dividends, splits = market(polygon.RESTClient("demo-1", base=url), known)
    client = massive.RESTClient("demo-1", base=url)
    same(market(client, known)[0], closes, "both names of the vendor tell the same bars")
    new_paths(client, dividends, splits)
    bars(StockHistoricalDataClient("demo-1", "demo-secret", url_override=url), known, closes)
    account(TradingClient("demo-1", "demo-secret", url_override=url), list(client.list_splits(limit=1000)))
    wrong_keys(url)


def simulate(binary, known, *more):
    """Starts a simulator on any free port and checks it."""
    command = [binary, "simulate", "--port", "0", "--now", known["now"], *more]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = process.stdout.readline()
            if "http://" not in line:
                sys.exit(f"conformance: {' '.join(command)} didn't start")
            check(line.split()[-1], known)
        finally:
            process.terminate()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--binary", default="target/debug/plumbline")
    arguments.add_argument("--replay", help="a folder with real history of 2014; checked after the made-up market")
    arguments.add_argument("--url", help="a simulator that runs already, with --now " + MADE["now"])
    asked = arguments.parse_args()
    if asked.url:
        check(asked.url, MADE)
    else:
        simulate(asked.binary, MADE)
        if asked.replay:
            simulate(asked.binary, REAL, "--replay", asked.replay)
    print(f"conformance: polygon-api-client, massive and alpaca-py agree with the simulator on {checked} points")


if __name__ == "__main__":
    main()
