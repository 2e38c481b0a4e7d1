"""The results as one figure: bars of seconds for each data set and configuration, and the held-out
error by time."""

import statistics

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import LogLocator, NullFormatter  # noqa: E402

from report import curve_label, curve_value, sections  # noqa: E402
from systems import CURVES as KINDS_OF_CURVES, kind_of  # noqa: E402

# Ours stands out, the others keep to one muted tone; in curves each system has its colour.
OURS, OTHERS, CURVES = "#c2410c", "#94a3b8", ("#1d4ed8", "#0f766e", "#7c3aed", "#be185d", "#4d7c0f", "#0369a1", "#854d0e", "#475569")
INK, FAINT = "#1e293b", "#e2e8f0"


def draw(results, path):
    groups = [(p, [r for r in records if r["seconds"]]) for p, records in sections(results)]
    groups = [(p, records) for p, records in groups if records]
    if not groups:
        return
    plt.rcParams.update({"font.size": 10, "text.color": INK, "axes.labelcolor": INK,
                         "xtick.color": INK, "ytick.color": INK, "axes.edgecolor": FAINT})
    columns = min(2, len(groups))
    rows = -(-len(groups) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(6.4 * columns, 3.4 * rows), squeeze=False,
                                layout="constrained")
    for ax, (problem, records) in zip(axes.flat, groups):
        (curve if kind_of(problem) in KINDS_OF_CURVES else bars)(ax, records)
        ax.set_title(f"{problem['dataset']}, {problem['config']}", loc="left", fontweight="bold")
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes.flat[len(groups):]:
        ax.remove()
    figure.savefig(path, dpi=130)
    plt.close(figure)


def bars(ax, records):
    records = sorted(records, key=lambda r: statistics.median(r["seconds"]), reverse=True)
    seconds = [statistics.median(r["seconds"]) for r in records]
    ax.barh([r["label"] for r in records], seconds, height=0.65,
            color=[OURS if r["system"] == "als" else OTHERS for r in records])
    for y, value in enumerate(seconds):
        others = max(records[y]["others"])
        load = f"  (others: {others:.1f} cores)" if others > 0.2 else ""
        ax.annotate((f"{value:.1f}" if value >= 10 else f"{value:.2f}") + load, (value, y), (4, 0),
                    textcoords="offset points", va="center")
    ax.margins(x=0.4)
    ax.set_xlabel(f"seconds for {records[0]['problem']['iterations']} iterations (less is better)")
    ax.grid(axis="x", color=FAINT)
    ax.set_axisbelow(True)
    ax.tick_params(length=0)


def curve(ax, records):
    colours = iter(CURVES)
    for label in sorted({r["label"] for r in records}):
        # In the order of iterations: on a disturbed machine more of them may have taken less time.
        points = sorted((r["problem"]["iterations"], r["seconds"][0], curve_value(r), max(r["others"]))
                        for r in records if r["label"] == label)
        iterations, seconds, errors, others = zip(*points)
        name = f"{label}  (others: up to {max(others):.1f} cores)" if max(others) > 0.2 else label
        ax.plot(seconds, errors, "o-", markersize=4, label=name,
                color=OURS if label == "als" else next(colours))
        for n, x, y in zip(iterations, seconds, errors):
            ax.annotate(n, (x, y), (4, 4), textcoords="offset points", fontsize=8)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    ax.xaxis.set_major_formatter("{x:g}")
    ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set_xlabel("seconds of a training (log scale); beside each point its iterations")
    ax.set_ylabel(f"{curve_label(records[0]['problem'])} (less is better)")
    ax.grid(color=FAINT)
    ax.legend(frameon=False)
