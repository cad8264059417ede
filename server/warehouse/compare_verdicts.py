"""Says of every test whether we and dbt came to the same verdict: what `plumbline models test --json` printed, and dbt's run_results.json."""
import json
import sys


def ours(path):
    with open(path) as file:
        results = json.load(file)["results"]
    return {one.get("dbt_name", one["name"]): (one["status"], one["rows"]) for one in results if one["kind"] != "model"}


def theirs(path):
    found = {}
    with open(path) as file:
        for one in json.load(file)["results"]:
            parts = one["unique_id"].split(".")
            # test.package.name.hash, test.package.name, unit_test.package.model.name
            name = parts[3] if parts[0] == "unit_test" else parts[2]
            found[name] = (one["status"], one["failures"] or 0)
    return found


def main():
    mine, dbts = ours(sys.argv[1]), theirs(sys.argv[2])
    different = 0
    for name in sorted(mine.keys() | dbts.keys()):
        if mine.get(name) != dbts.get(name):
            different += 1
            print(f"{name}: ours {mine.get(name)}, dbt's {dbts.get(name)}")
    counts = {}
    for status, _ in dbts.values():
        counts[status] = counts.get(status, 0) + 1
    said = ", ".join(f"{count} {status}" for status, count in sorted(counts.items()))
    print(f"{len(dbts)} tests: {said}; {different} verdicts differ")
    return 1 if different or not dbts else 0


sys.exit(main())
