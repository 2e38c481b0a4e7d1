"""bench.py: trains als and other libraries on the same data, in turns, judges all of them by the same
rules and reports. test/bench/bench starts it with a server; `--help` tells the options."""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import data
import install
import machine
import plot
import report
from systems import BOTH, CURVES, SYSTEMS, kind_of

OUT = data.ROOT / "build/bench"
# Implicit: e = 0, which the other libraries have; explicit: e = 1, ALS-WR. Chosen by als' own held-out quality
# on a million synthetic ratings, among a few; the others with the same objective share them. In the curve, where
# each system is at its own best, als is free of the others' exponents.
DEFAULTS = {"implicit": {"reg_exponent": 0, "regularization": 100.0, "alpha": 1.0},
            "explicit": {"reg_exponent": 1, "regularization": 0.05, "alpha": None},
            "curve": {"reg_exponent": 0.7, "regularization": 0.4, "alpha": None}}
DEFAULTS["objective"] = DEFAULTS["implicit"]
CURVE = (1, 2, 3, 5, 8, 12, 20)           # iterations, each a training of its own
CURVE_SYSTEMS = {"curve": ("als", "libmf"),
                 "objective": tuple(s for s in SYSTEMS if "implicit" in SYSTEMS[s].same_objective)}
CALM = 0.2                                # cores of other processes that a run may suffer
SMALL = 2_000_000                         # rows up to which the slow variants take part by default


def main():
    options = parse()
    systems = [s for s in options.systems if SYSTEMS[s].packages]
    skipped = install.install(systems)
    for name, reason in skipped.items():
        print(f"{name}: skipped, {reason}", flush=True)
    results = Results(OUT / "results.json")
    results.measured_on(machine.describe(options.threads))
    for source in options.data:
        dataset = data.load(source, options.rows)
        for config in options.configs:
            for problem in problems(options, source, dataset, config):
                compete(options, problem, contestants(options, config, dataset, skipped), results)
    text = report.markdown(results)
    (OUT / "report.md").write_text(text)
    plot.draw(results, OUT / "report.png")
    print(f"\n{text}\nThis report: build/bench/report.md, report.png and results.json")


def words(text):
    return text.split(",")


def parse():
    parser = argparse.ArgumentParser(
        prog='make bench BENCH="..."', description=__doc__.split("\n\n")[0].replace("\n", " "),
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", type=words, default=["synthetic", "movielens-100k"],
                        help="synthetic, movielens-100k, or a file or folder of ratings; comma-separated")
    parser.add_argument("--rows", type=int, default=data.ML_ROWS, help="of the synthetic data")
    parser.add_argument("--systems", type=words, default=list(SYSTEMS),
                        help=f"comma-separated; those with -cholesky only up to {SMALL:,} rows unless named")
    parser.add_argument("--configs", type=words,
                        default=["implicit-64", "implicit-128", "explicit-64", "curve-64"],
                        help="feedback and factors; or curve and factors: error by time, explicit; or objective "
                             "and factors: objective by time, implicit")
    parser.add_argument("--iterations", type=int, default=15)
    parser.add_argument("--runs", type=int, default=3, help="of each system; the median counts")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--regularization", type=float, help="instead of the configuration's")
    parser.add_argument("--alpha", type=float, help="instead of the configuration's, implicit")
    parser.add_argument("--als-options", default="", metavar="SQL",
                        help="more arguments of als.train, as solver => 'cg'; run beside plain als")
    parser.add_argument("--limit", type=float, default=3600, help="seconds that one run may take")
    parser.add_argument("--retries", type=int, default=0,
                        help=f"of a run during which others kept over {CALM} cores busy")
    parser.add_argument("--quick", action="store_true", help="a smoke test: small data, one run")
    options = parser.parse_args()
    options.named = {s for s in options.systems if options.systems != list(SYSTEMS)}
    if options.quick:
        options.data, options.runs, options.configs = ["movielens-100k"], 1, ["implicit-64", "explicit-64"]
    for name in options.systems:
        if name not in SYSTEMS:
            parser.error(f"unknown system {name}; there are {', '.join(SYSTEMS)}")
    for config in options.configs:
        if not re.fullmatch(r"(implicit|explicit|curve|objective)-[1-9]\d*", config):
            parser.error(f"unknown configuration {config}; it is implicit-64, explicit-32, curve-64, objective-64 or so")
    return options


def problems(options, source, dataset, config):
    """What a configuration asks for: one problem, or for a curve one for each number of iterations."""
    kind, factors = config.split("-")
    feedback = kind if kind in BOTH else CURVES[kind][1]
    problem = {"data": source, "rows": options.rows, "dataset": dataset.name, "config": config,
               "feedback": feedback, "factors": int(factors), "threads": options.threads,
               "n_train": len(dataset.train.users)} | DEFAULTS[kind]
    if options.regularization is not None:
        problem["regularization"] = options.regularization
    if options.alpha is not None and feedback == "implicit":
        problem["alpha"] = options.alpha
    for iterations in CURVE if kind in CURVES else (options.iterations,):
        yield problem | {"iterations": iterations}


def contestants(options, config, dataset, skipped):
    kind = config.split("-")[0]
    for name in options.systems:
        system = SYSTEMS[name]
        if name in skipped or (kind in CURVES and name not in CURVE_SYSTEMS[kind]):
            continue
        if system.slow and name not in options.named and len(dataset.train.users) > SMALL:
            continue
        if (kind if kind in BOTH else CURVES[kind][1]) in system.feedback:
            yield name


def compete(options, problem, names, results):
    """Runs the systems in turns, A B C A B C, so that a slow hour of the machine meets all of them."""
    variants = [(name, als_options) for name in names
                for als_options in dict.fromkeys(("", options.als_options if name == "als" else ""))]
    records = [results.start(problem, *variant) for variant in variants]
    for _ in range(1 if kind_of(problem) in CURVES else options.runs):
        for record in records:
            if "error" not in record:
                run(options, problem, record)
                results.save()
    # Only runs that took turns can be held against one another, so each keeps the als that it ran beside.
    ours = next((r for r in records if r["label"] == "als" and r["seconds"]), None)
    for record in records:
        record["als_seconds"] = statistics.median(ours["seconds"]) if ours else None
        record["calm"] = all(o <= CALM for r in (record, ours or record) for o in r["others"])
    results.save()


def run(options, problem, record):
    """One run, repeated up to `retries` times while other processes disturb it; the least disturbed counts.
    How long it took has no say in that."""
    attempts = []
    while len(attempts) <= options.retries:
        print(f"{problem['dataset']} {problem['config']} x{problem['iterations']}: {record['label']} ...",
              end=" ", flush=True)
        result = attempt(options, problem, record)
        print(result.get("error") or "{seconds:.2f} s, others {others:.2f} cores".format(**result), flush=True)
        if "error" in result:
            record["error"] = result["error"]
            return
        attempts.append(result)
        record.update({k: v for k, v in result.items() if k in ("objective", "gradient", "rmse", "recall", "ndcg")})
        if result["others"] <= CALM:
            break
    best = min(attempts, key=lambda result: result["others"])
    record["seconds"].append(best["seconds"])
    record["others"].append(best["others"])
    record["attempts"].append(len(attempts))
    record["details"].append(best["details"])
    record["peak_bytes"] = max(record.get("peak_bytes", 0), best["peak_bytes"])


def attempt(options, problem, record):
    """Trains in a process of its own. Returns its result, or {"error": why there is none}."""
    environment = dict(os.environ) | dict(SYSTEMS[record["system"]].environment)
    environment |= {"LK_NUM_THREADS": str(options.threads), "OMP_NUM_THREADS": str(options.threads),
                    "RAYON_NUM_THREADS": str(options.threads)}
    with tempfile.TemporaryDirectory(dir=OUT) as scratch:
        output = Path(scratch) / "result.json"
        described = problem | {"als_options": record["als_options"], "limit": options.limit,
                               "scratch": scratch, "output": str(output),
                               "evaluate": "objective" not in record}
        # A session of its own, so that the time limit can end its children too.
        child = subprocess.Popen([sys.executable, Path(__file__).with_name("run_one.py"), record["system"]],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 text=True, env=environment, start_new_session=True)
        try:
            log, _ = child.communicate(json.dumps(described), timeout=options.limit)
        except subprocess.TimeoutExpired:
            return {"error": f"not done within {options.limit:g} s"}
        finally:
            try:
                os.killpg(child.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            child.wait()
        if output.exists():
            return json.loads(output.read_text())
        return {"error": (log.strip().splitlines() or [f"it ended with status {child.returncode}"])[-1]}


class Results:
    """All that has been measured, kept in a file. A new measurement of a system replaces the old one of the
    same problem and leaves the rest, so that a run of a few systems completes an earlier one."""

    def __init__(self, path):
        self.path = path
        kept = json.loads(path.read_text()) if path.exists() else {"machine": None, "records": []}
        self.machine, self.records = kept["machine"], kept["records"]

    def measured_on(self, described):
        """Of the peaks of one processor the greatest counts: whatever disturbs can only lower it."""
        peaks = described["sgemm_gflops"]
        if self.machine and self.machine["model"] == described["model"]:
            for threads, gflops in self.machine["sgemm_gflops"].items():
                peaks[threads] = max(gflops, peaks.get(threads, 0))
        self.machine = described

    def start(self, problem, name, als_options):
        label = f"als ({als_options})" if als_options else name
        packages = SYSTEMS[name].packages
        record = {"problem": problem, "system": name, "label": label, "als_options": als_options,
                  "version": install.version(packages[0]) if packages else als_version(),
                  "seconds": [], "others": [],
                  "attempts": [], "details": []}
        self.records = [r for r in self.records if (r["problem"], r["label"]) != (problem, label)]
        self.records.append(record)
        return record

    def save(self):
        self.path.write_text(json.dumps({"machine": self.machine, "records": self.records}, indent=1))


def als_version():
    control = (data.ROOT / "als.control").read_text()
    commit = subprocess.run(["git", "-C", data.ROOT, "rev-parse", "--short", "HEAD"],
                            capture_output=True, text=True).stdout.strip()
    return " ".join((re.search(r"default_version *= *'(.*)'", control)[1], commit)).strip()


if __name__ == "__main__":
    main()
