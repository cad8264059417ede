"""Every measure that `plumbline metrics` and `plumbline xirr` print, held beside independent computations.

An own script of numpy in 80-bit numbers covers all keys; empyrical-reloaded, quantstats and pyxirr those that they define as
we do; the documentation of PerformanceAnalytics prints some for Bacon's portfolio. Series that are hard to measure are held beside
80-digit arithmetic. Made-up series always, the real ones of ../shared/data/returns where they are. The table of docs/MEASURES.md
must claim what was compared here, no more and no less.
"""

import csv
import decimal
import json
import os
import re
import subprocess
import sys
import tempfile
import warnings

import numpy as np
from scipy import integrate, stats

warnings.filterwarnings("ignore")
import empyrical
import pandas as pd
import pyxirr
import quantstats

PLUMBLINE = "target/debug/plumbline"
REAL = "../shared/data/returns"
OWN_TOLERANCE = 1e-11
LIBRARY_TOLERANCE = 1e-9
EXACT_TOLERANCE = 1e-11
WIDE = np.longdouble


def independent(r, f, b, periods, mar, confidence):
    """All measures of NUMBERS.md, section 4, by its words; b holds None where the benchmark has no return."""
    r, f, n = np.array(r, WIDE), np.array(f, WIDE), WIDE(len(r))
    annual = lambda x: np.prod(1 + x) ** (periods / WIDE(len(x))) - 1
    root = np.sqrt(WIDE(periods))
    out = {}
    mean, sd, sd0, e = r.mean(), r.std(ddof=1), r.std(), r - f
    z = (r - mean) / sd0
    s, k = (z**3).mean(), (z**4).mean()
    out["cumulative_return"], out["annualized_return"] = np.prod(1 + r) - 1, annual(r)
    out["annualized_mean_return"], out["volatility"] = mean * periods, sd * root
    out["mean_absolute_deviation"] = abs(r - mean).mean()
    out["skewness"], out["excess_kurtosis"], out["skewness_kurtosis_ratio"] = s, k - 3, s / k
    doubles = r.astype(float)
    out["sample_skewness"], out["sample_excess_kurtosis"] = stats.skew(doubles, bias=False), stats.kurtosis(doubles, bias=False)
    out["sharpe_ratio"], out["sharpe_ratio_geometric"] = e.mean() / e.std(ddof=1) * root, annual(e) / (e.std(ddof=1) * root)
    ratio = mean * periods / (sd * root)
    out["adjusted_sharpe_ratio"] = ratio * (1 + s / 6 * ratio - (k - 3) / 24 * ratio**2)
    low, high = np.maximum(mar - r, 0), np.maximum(r - mar, 0)
    down, up, dd, ur = low.mean(), high.mean(), np.sqrt((low**2).mean()), np.sqrt((high**2).mean())
    gains, losses = np.maximum(r, 0).sum(), np.maximum(-r, 0).sum()
    out["downside_deviation"], out["downside_potential"], out["upside_potential"], out["upside_risk"] = dd, down, up, ur
    out["sortino_ratio"], out["annualized_sortino_ratio"] = (mean - mar) / dd, (mean - mar) / dd * root
    out["semi_deviation"] = np.sqrt((np.minimum(r - mean, 0) ** 2).mean())
    out["omega_ratio"], out["omega_sharpe_ratio"], out["upside_potential_ratio"] = up / down, (mean - mar) / down, up / dd
    for power in (2, 3):
        out[f"kappa_ratio_{power}"] = (mean - mar) / (low**power).mean() ** (WIDE(1) / power)
    out["bernardo_ledoit_ratio"], out["d_ratio"] = gains / losses, (r < 0).sum() * losses / ((r > 0).sum() * gains)
    out["prospect_ratio"] = ((gains - WIDE(2.25) * losses) / n - mar) / dd
    out["volatility_skewness"], out["variability_skewness"] = ur**2 / dd**2, ur / dd
    out["upside_frequency"], out["downside_frequency"] = (r > mar).mean(), (r < mar).mean()
    wealth = np.concatenate([[1], np.cumprod(1 + r)])
    depth = (wealth / np.maximum.accumulate(wealth) - 1)[1:]
    falls, deepest = [], WIDE(0)
    for d in [*depth, WIDE(0)]:
        if d < 0:
            deepest = min(deepest, d)
        elif deepest < 0:
            falls.append(deepest)
            deepest = WIDE(0)
    worst, yearly = -depth.min(), annual(r)
    burke = np.sqrt(sum(fall**2 for fall in falls))
    out["max_drawdown"], out["average_drawdown"] = depth.min(), np.mean(falls)
    out["ulcer_index"], out["pain_index"] = np.sqrt((depth**2).mean()), abs(depth).mean()
    out["calmar_ratio"], out["sterling_ratio"] = yearly / worst, yearly / (worst + WIDE("0.1"))
    out["burke_ratio"], out["modified_burke_ratio"] = yearly / burke, yearly / burke * np.sqrt(n)
    out["martin_ratio"], out["pain_ratio"] = yearly / out["ulcer_index"], yearly / out["pain_index"]
    alpha = 1 - confidence
    q, x = stats.norm.ppf(alpha), k - 3
    h = q + (q**2 - 1) * s / 6 + (q**3 - 3 * q) * x / 24 - (2 * q**3 - 5 * q) * s**2 / 36
    out["value_at_risk"] = np.quantile(doubles, alpha)
    out["expected_shortfall"] = doubles[doubles <= out["value_at_risk"]].mean()
    out["value_at_risk_gaussian"], out["expected_shortfall_gaussian"] = mean + q * sd0, mean - sd0 * stats.norm.pdf(q) / alpha
    out["value_at_risk_modified"] = mean + h * sd0
    # The paper's closed form against the integral that it stands for.
    hermite = lambda u: 1 + float(s) / 6 * (u**3 - 3 * u) + float(x) / 24 * (u**4 - 6 * u * u + 3)
    sixth = lambda u: float(s) ** 2 / 72 * (u**6 - 15 * u**4 + 45 * u * u - 15)
    weighed = lambda u: u * stats.norm.pdf(u) * (hermite(u) + sixth(u))
    tail = integrate.quad(weighed, -40, float(h), epsabs=1e-15, epsrel=1e-13, limit=500)[0] / alpha
    out["expected_shortfall_modified"] = mean + sd0 * min(tail, h)
    if b is None:
        return out
    common = [at for at, value in enumerate(b) if value is not None]
    r, f, b = r[common], f[common], np.array([b[at] for at in common], WIDE)
    y, x = r - f, b - f
    slope = lambda y, x: ((y - y.mean()) * (x - x.mean())).sum() / ((x - x.mean()) ** 2).sum()
    beta = slope(y, x)
    alpha = y.mean() - beta * x.mean()
    own, market, free, excess = annual(r), annual(b), annual(f), annual(y)
    jensen = own - free - beta * (market - free)
    out["beta"], out["beta_bull"], out["beta_bear"] = beta, slope(y[x > 0], x[x > 0]), slope(y[x < 0], x[x < 0])
    out["timing_ratio"], out["alpha"], out["annualized_alpha"] = out["beta_bull"] / out["beta_bear"], alpha, (1 + alpha) ** periods - 1
    out["jensen_alpha"] = out["selectivity"] = jensen
    out["correlation"] = ((r - r.mean()) * (b - b.mean())).sum() / np.sqrt(((r - r.mean()) ** 2).sum() * ((b - b.mean()) ** 2).sum())
    out["r_squared"] = out["correlation"] ** 2
    active = r - b
    out["tracking_error"], out["active_premium"] = active.std(ddof=1) * root, own - market
    out["information_ratio"] = (own - market) / out["tracking_error"]
    out["information_ratio_arithmetic"] = active.mean() / active.std(ddof=1) * root
    systematic, specific = abs(beta) * b.std(ddof=1) * root, (y - alpha - beta * x).std() * root
    out["systematic_risk"], out["specific_risk"], out["total_risk"] = systematic, specific, np.sqrt(systematic**2 + specific**2)
    out["appraisal_ratio"], out["treynor_ratio"], out["modified_treynor_ratio"] = jensen / specific, excess / beta, excess / systematic
    fama = r.std(ddof=1) / b.std(ddof=1)
    out["m_squared"] = free + (own - free) / fama
    out["m_squared_excess"] = (1 + out["m_squared"]) / (1 + market) - 1
    out["fama_beta"], out["net_selectivity"] = fama, jensen - (fama - beta) * (market - free)
    captured = lambda chosen: (np.prod(1 + r[chosen]) - 1) / (np.prod(1 + b[chosen]) - 1)
    out["up_capture"], out["down_capture"] = captured(b > 0), captured(b <= 0)
    out["up_number"], out["down_number"] = (r[b > 0] > 0).mean(), (r[b < 0] < 0).mean()
    out["up_percent"], out["down_percent"] = (r[b > 0] > b[b > 0]).mean(), (r[b < 0] > b[b < 0]).mean()
    return out


def libraries(days, r, f, b, periods, mar):
    """What the libraries define as we do: (library, key, value)."""
    index = pd.to_datetime(days)
    series, free = pd.Series(r, index), pd.Series(f, index)
    excess = series - free
    yield "empyrical", "cumulative_return", empyrical.cum_returns_final(series)
    yield "empyrical", "annualized_return", empyrical.annual_return(series, annualization=periods)
    yield "empyrical", "volatility", empyrical.annual_volatility(series, annualization=periods)
    yield "empyrical", "max_drawdown", empyrical.max_drawdown(series)
    yield "empyrical", "calmar_ratio", empyrical.calmar_ratio(series, annualization=periods)
    yield "empyrical", "sharpe_ratio", empyrical.sharpe_ratio(excess, annualization=periods)
    yield "empyrical", "annualized_sortino_ratio", empyrical.sortino_ratio(series, required_return=mar, annualization=periods)
    yield "empyrical", "value_at_risk", empyrical.value_at_risk(series, 0.05)
    yield "empyrical", "expected_shortfall", empyrical.conditional_value_at_risk(series, 0.05)
    # With one period a year its threshold is that of a period, and nothing is annualized.
    yield "empyrical", "omega_ratio", empyrical.omega_ratio(series, required_return=mar, annualization=1)
    yield "empyrical", "downside_deviation", empyrical.downside_risk(series, required_return=mar, annualization=1)
    yield "quantstats", "cumulative_return", quantstats.stats.comp(series)
    yield "quantstats", "sharpe_ratio", quantstats.stats.sharpe(excess, periods=periods)
    yield "quantstats", "volatility", quantstats.stats.volatility(series, periods=periods)
    yield "quantstats", "sample_skewness", quantstats.stats.skew(series)
    yield "quantstats", "sample_excess_kurtosis", quantstats.stats.kurtosis(series)
    yield "quantstats", "max_drawdown", quantstats.stats.max_drawdown(series)
    yield "quantstats", "annualized_return", quantstats.stats.cagr(series, periods=periods)
    yield "quantstats", "calmar_ratio", quantstats.stats.calmar(series, periods=periods)
    yield "quantstats", "omega_ratio", quantstats.stats.omega(series, required_return=mar, periods=1)
    yield "quantstats", "expected_shortfall", quantstats.stats.conditional_value_at_risk(series, confidence=0.95, method="historical")
    if mar == 0.0:
        yield "quantstats", "annualized_sortino_ratio", quantstats.stats.sortino(series, periods=periods)
    if b is not None and all(value is not None for value in b):
        market = pd.Series(b, index)
        # Its risk_free is taken off the returns for alpha alone; ours is off both sides, for both.
        yield "empyrical", "beta", empyrical.beta(excess, market - free)
        yield "empyrical", "annualized_alpha", empyrical.alpha(excess, market - free, annualization=periods)
        yield "quantstats", "r_squared", quantstats.stats.r_squared(series, market)
        yield "quantstats", "beta", quantstats.stats.greeks(excess, market - free, periods=periods, prepare_returns=False)["beta"]
        yearly = np.sqrt(periods)
        yield "empyrical", "information_ratio_arithmetic", empyrical.excess_sharpe(series, market) * yearly
        yield "quantstats", "information_ratio_arithmetic", quantstats.stats.information_ratio(series, market, prepare_returns=False) * yearly


# What the documentation of PerformanceAnalytics (R) prints for Bacon's portfolio, monthly and without a risk-free rate, by MAR.
PUBLISHED = {
    0.0: {
        "mean_absolute_deviation": "0.031", "jensen_alpha": "-0.014", "specific_risk": "0.0329", "appraisal_ratio": "-0.430",
        "fama_beta": "1.03", "sample_skewness": "-0.09", "excess_kurtosis": "-0.57", "sample_excess_kurtosis": "-0.41",
        "pain_index": "0.04", "martin_ratio": "1.70", "bernardo_ledoit_ratio": "1.78", "d_ratio": "0.401",
        "skewness_kurtosis_ratio": "-0.034",
    },
    0.005: {
        "upside_risk": "0.02937", "upside_potential": "0.01771", "downside_frequency": "0.458", "omega_sharpe_ratio": "0.29",
        "kappa_ratio_2": "0.157", "volatility_skewness": "1.32", "variability_skewness": "1.15",
    },
    0.5: {"downside_deviation": "0.493", "downside_potential": "0.491"},
}


def published():
    """(key, our value, the printed one, half a unit of its last digit and a little: Bacon's figures are rounded on the way)."""
    case = (f"{REAL}/portfolio_bacon.csv", "portfolio", "benchmark", None, 12)
    for mar, values in PUBLISHED.items():
        ours, _, _ = measured(case, mar, 0.95)
        for key, text in values.items():
            digits = len(text.split(".")[1])
            yield key, ours[key]["value"], float(text), 0.6 * 10**-digits


def hard(folder):
    """Series on which careless sums lose their digits: (name, file, returns)."""
    random = np.random.default_rng(42)
    series = {
        "a spread of 1e-12 around 1": [float(x) for x in 1.0 + random.normal(0, 1e-12, 500)],
        "a spread of 1e-9 around 0.1": [float(x) for x in 0.1 + random.normal(0, 1e-9, 500)],
        "100,000 returns": [float(x) for x in random.normal(1e-5, 0.005, 100_000)],
        "by turns": [0.01 if at % 2 == 0 else -0.01 for at in range(10_001)],
        "small beside large": [float(x) for x in np.where(random.uniform(size=5_000) < 0.001, 0.9, random.normal(0, 1e-10, 5_000))],
    }
    for name, returns in series.items():
        file = os.path.join(folder, "hard.csv")
        days = pd.date_range("1700-01-01", periods=len(returns), freq="D")
        with open(file, "w") as out:
            out.write("date,r\n" + "".join(f"{day.date()},{r!r}\n" for day, r in zip(days, returns)))
        yield name, file, returns


def exact(returns, periods):
    """The same measures in 80-digit arithmetic on the very numbers that the file holds."""
    with decimal.localcontext() as context:
        context.prec = 80
        r = [decimal.Decimal(x) for x in returns]
        n, year = decimal.Decimal(len(r)), decimal.Decimal(periods)
        mean = sum(r) / n
        moment = lambda power: sum((x - mean) ** power for x in r) / n
        sd = (moment(2) * n / (n - 1)).sqrt()
        wealth, peak, deepest, squares = decimal.Decimal(1), decimal.Decimal(1), decimal.Decimal(0), decimal.Decimal(0)
        for x in r:
            wealth *= 1 + x
            peak = max(peak, wealth)
            depth = wealth / peak - 1
            deepest, squares = min(deepest, depth), squares + depth * depth
        low = [min(x, decimal.Decimal(0)) for x in r]
        return {
            "cumulative_return": wealth - 1,
            "annualized_return": ((wealth.ln() * year / n).exp() - 1),
            "annualized_mean_return": mean * year,
            "volatility": sd * year.sqrt(),
            "sharpe_ratio": mean / sd * year.sqrt(),
            "skewness": moment(3) / moment(2) ** decimal.Decimal("1.5"),
            "excess_kurtosis": moment(4) / moment(2) ** 2 - 3,
            "downside_deviation": (sum(x * x for x in low) / n).sqrt(),
            "semi_deviation": (sum(min(x - mean, decimal.Decimal(0)) ** 2 for x in r) / n).sqrt(),
            "max_drawdown": deepest,
            "ulcer_index": (squares / n).sqrt(),
        }


def claimed():
    """What docs/MEASURES.md says: pairs of (who, key)."""
    with open("docs/MEASURES.md") as text:
        for line in text:
            row = [cell.strip() for cell in line.split("|")]
            if re.fullmatch(r"`\w+`", row[1] if len(row) > 6 else "") and row[5] != "tested by hand":
                yield from ((who.strip(), row[1].strip("`")) for who in row[5].split(","))


def made_up(folder):
    """Daily series from a seed: an honest one, a fat-tailed one, one without the benchmark's first years."""
    random = np.random.default_rng(20_261_123)
    days = [str(day.date()) for day in pd.bdate_range("2016-11-21", periods=2_520)]
    market = random.normal(4e-4, 0.01, len(days))
    columns = {
        "steady": 0.9 * market + random.normal(1e-4, 0.004, len(days)),
        "wild": 1.3 * market + random.standard_t(3, len(days)) * 0.008,
        "market": market,
        "late": market.copy(),
        "free": random.uniform(0, 2e-4, len(days)),
    }
    file = os.path.join(folder, "made_up.csv")
    with open(file, "w", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["date", *columns])
        for at, day in enumerate(days):
            writer.writerow([day, *("" if name == "late" and at < 700 else repr(float(of[at])) for name, of in columns.items())])
    for name in ("steady", "wild"):
        for benchmark in ("market", "late"):
            yield file, name, benchmark, "free", 252


def real():
    if not os.path.isdir(REAL):
        print(f"{REAL} isn't here: made-up series alone are read.")
        return
    yield f"{REAL}/portfolio_bacon.csv", "portfolio", "benchmark", None, 12
    for name in ("HAM1", "HAM2", "HAM3", "HAM4", "HAM5", "HAM6", "EDHEC LS EQ"):
        yield f"{REAL}/managers.csv", name, "SP500 TR", "US 3m TR", 12
    with open(f"{REAL}/edhec.csv") as file:
        for name in next(csv.reader(file))[1:]:
            yield f"{REAL}/edhec.csv", name, None, None, 12


def column(file, name):
    with open(file) as text:
        return {row["date"]: float(row[name]) for row in csv.DictReader(text) if row[name] not in ("", "NA")}


def measured(case, mar, confidence):
    file, name, benchmark, free, periods = case
    command = [PLUMBLINE, "metrics", "--returns", file, "--column", name, "--periods-per-year", str(periods), "--mar", str(mar)]
    command += ["--confidence", str(confidence), "--format", "json"]
    if benchmark:
        command += ["--benchmark", file, "--benchmark-column", benchmark]
    if free:
        command += ["--risk-free-series", file, "--risk-free-column", free]
    document = json.loads(subprocess.check_output(command))
    known, rate = column(file, name), column(file, free) if free else {}
    days = [day for day in sorted(known) if not free or day in rate]
    market = column(file, benchmark) if benchmark else {}
    series = [known[day] for day in days], [rate.get(day, 0.0) for day in days], [market.get(day) for day in days] if benchmark else None
    assert document["observations"] == len(days), case
    return document["metrics"], days, series


def main():
    points = {"numpy": 0, "empyrical": 0, "quantstats": 0, "pyxirr": 0, "PerformanceAnalytics": 0, "80 digits": 0}
    wrong, compared = 0, set()

    def compare(who, case, key, ours, theirs, tolerance, least=1.0):
        nonlocal wrong
        points[who] += 1
        compared.add((who, key))
        theirs = float(theirs)
        if ours is None or abs(ours - theirs) > tolerance * max(least, abs(theirs)):
            wrong += 1
            print(f"{who}: {case} {key}: {ours} is not {theirs}")

    with tempfile.TemporaryDirectory() as folder:
        for case in [*made_up(folder), *real()]:
            for mar, confidence in ((0.0, 0.95), (0.002, 0.99)):
                ours, days, (r, f, b) = measured(case, mar, confidence)
                theirs = independent(r, f, b, case[4], mar, confidence)
                for key, value in theirs.items():
                    compare("numpy", case[1], key, ours[key]["value"], value, OWN_TOLERANCE)
                if confidence == 0.95:
                    for who, key, value in libraries(days, r, f, b, case[4], mar):
                        compare(who, case[1], key, ours[key]["value"], value, LIBRARY_TOLERANCE)
        for name, file, returns in hard(folder):
            ours, _, _ = measured((file, "r", None, None, 252), 0.0, 0.95)
            for key, value in exact(returns, 252).items():
                least = 1e-6 if name == "by turns" else 1e-13
                compare("80 digits", name, key, ours[key]["value"], value, EXACT_TOLERANCE, least)
        if os.path.isdir(REAL):
            for key, ours, printed, tolerance in published():
                compare("PerformanceAnalytics", "portfolio_bacon", key, ours, printed, tolerance)
        random = np.random.default_rng(7)
        for count in (2, 3, 10, 100, 1_000):
            for _ in range(5):
                days = sorted(random.integers(0, 5_000, count))
                dates = [np.datetime64("2012-01-02") + int(day) for day in days]
                amounts = [-float(amount) for amount in random.uniform(1, 1_000, count)]
                if dates[0] == dates[-1]:
                    continue
                amounts[-1] = -sum(amounts[:-1]) * float(random.uniform(0.5, 3))
                file = os.path.join(folder, "flows.csv")
                with open(file, "w") as out:
                    out.write("date,amount\n" + "".join(f"{day},{amount!r}\n" for day, amount in zip(dates, amounts)))
                ours = json.loads(subprocess.check_output([PLUMBLINE, "xirr", "--flows", file, "--format", "json"]))
                theirs = pyxirr.xirr([day.astype(object) for day in dates], amounts)
                compare("pyxirr", f"{count} flows", "xirr", ours["value"], theirs, LIBRARY_TOLERANCE)
    here = set(points) - {"pyxirr", "80 digits"} - (set() if os.path.isdir(REAL) else {"PerformanceAnalytics"})
    said, compared = ({(who, key) for who, key in of if who in here} for of in (claimed(), compared))
    for who, key in sorted(said ^ compared):
        wrong += 1
        print(f"docs/MEASURES.md, {key}: " + (f"{who} is named and not compared" if (who, key) in said else f"{who} agrees and isn't named"))
    print(", ".join(f"{who}: {count} points" for who, count in points.items()) + (f"; {wrong} differ" if wrong else "; all agree"))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
