"""How a training grows with the ratings: als alone, on synthetic data of several sizes. More ratings mean as many
more users, and more items by the square root. `make bench-growth` starts it with a server."""

import argparse
import os
from types import SimpleNamespace

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

import bench  # noqa: E402
import data  # noqa: E402
import machine  # noqa: E402
from plot import FAINT, OURS  # noqa: E402
from report import as_table, describe_machine  # noqa: E402

SIZES = [10_000_000, data.ML_ROWS, 50_000_000, 100_000_000]
COLUMNS = ("feedback", "factors", "ratings in training", "users", "items", "seconds", "read", "s / iteration",
           "ns / rating and iteration", "iterations a minute", "write", "peak MiB", "others' load")


def main():
    options = parse()
    print(describe_machine(machine.describe(options.threads)), flush=True)
    lines, curves = [COLUMNS], {}
    for config in options.configs:
        for rows in options.rows:
            line, point = measure(options, config, rows)
            lines.append(line)
            curves.setdefault(config, []).append(point)
            print(*line, flush=True)
    (bench.OUT / "growth.md").write_text(as_table(lines) + "\n")
    draw(curves, bench.OUT / "growth.png")
    print(f"\n{as_table(lines)}\n\nThis table: build/bench/growth.md and growth.png")


def parse():
    parser = argparse.ArgumentParser(prog='make bench-growth BENCH="..."', description=__doc__)
    parser.add_argument("--rows", type=lambda text: [int(n) for n in text.split(",")], default=SIZES)
    parser.add_argument("--configs", type=bench.words, default=["implicit-64", "explicit-64"])
    parser.add_argument("--iterations", type=int, default=15)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    return parser.parse_args()


def measure(options, config, rows):
    """A line of the table; and the point (ratings, seconds of an iteration)."""
    dataset = data.load("synthetic", rows)
    shown = SimpleNamespace(rows=rows, threads=options.threads, iterations=options.iterations,
                            regularization=None, alpha=None, limit=3600)
    problem, = bench.problems(shown, "synthetic", dataset, config)
    n = problem["n_train"]
    # Its evaluation would take longer than the training.
    record = {"system": "als", "als_options": "", "objective": None}
    result = bench.attempt(shown, problem, record)
    if "error" in result:
        raise SystemExit(f"als: {result['error']}")
    details = result["details"]
    iteration = details["train_seconds"] / options.iterations
    line = (problem["feedback"], problem["factors"], f"{n:,}", f"{dataset.n_users:,}", f"{dataset.n_items:,}",
            f"{result['seconds']:.1f}", f"{details['read_seconds']:.1f}", f"{iteration:.2f}",
            f"{1e9 * iteration / n:.1f}", f"{60 / iteration:.1f}", f"{details['write_seconds']:.1f}",
            f"{result['peak_bytes'] / 2**20:.0f}", f"{result['others']:.1f}")
    return line, (n, iteration)


def draw(curves, path):
    figure, ax = plt.subplots(figsize=(6.4, 3.4), layout="constrained")
    for (config, points), marker in zip(curves.items(), "os^v"):
        ratings, seconds = zip(*points)
        ax.plot(ratings, seconds, f"{marker}-", color=OURS, label=config, markersize=5)
        ax.plot(ratings, [seconds[0] * n / ratings[0] for n in ratings], "--", color="#94a3b8")
    ax.set_xscale("log")
    ax.set_yscale("log")
    ax.set_xlabel("ratings in training")
    ax.set_ylabel("seconds of an iteration")
    ax.set_title("als; dashed: in proportion to the ratings", loc="left", fontweight="bold")
    ax.grid(color=FAINT)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    figure.savefig(path, dpi=130)


if __name__ == "__main__":
    main()
