"""The results as Markdown."""

import statistics

from machine import direct_gflops
from systems import CURVES, SYSTEMS, kind_of

NOTES = """\
Seconds: for als the whole statement as its client sees it (read the table, train, write the model,
commit; the server runs with fsync off); for the others their fit alone, with the ratings in memory
in the format they like best. Medians, with least and greatest behind them. Time / als: only where
als was measured in the same session, in turns, and others took less than 0.2 cores from either.
Others' load: cores that other processes of the machine kept busy during a run, on average, the
greatest of all runs that count; where it is not near 0, the seconds are those of a disturbed
machine, too long by an unknown factor. Peak memory: for als the private memory of the backend
(without shared buffers, where the table is), for Spark the resident memory of the Java machine, for
the others that of the process, its copy of the ratings included. Objective: the training objective
of als divided by the training ratings; a dash where a system minimises another one. RMSE, Recall@20
and NDCG@20: on a tenth held out, the two latter for at most 5,000 users, without what they have
rated in training.
"""


def sections(results):
    """[(problem, records)] with one entry for each data set, configuration and set of options."""
    groups = {}
    for record in results.records:
        problem = record["problem"]
        is_curve = kind_of(problem) in CURVES
        key = tuple((k, v) for k, v in problem.items() if k != "iterations" or not is_curve)
        groups.setdefault(key, []).append(record)
    return [(records[0]["problem"], records) for records in groups.values()]


def markdown(results):
    parts = ["# als beside other libraries", describe_machine(results.machine), NOTES]
    for problem, records in sections(results):
        parts.append(f"## {title(problem)}")
        if kind_of(problem) in CURVES:
            parts.append(curve_table(records))
        else:
            parts.append(table(problem, records))
            parts += speed(problem, records, results.machine)
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def title(problem):
    parts = [problem["dataset"], problem["config"], f"{problem['n_train']:,} training ratings"]
    if not kind_of(problem) in CURVES:
        parts.append(f"{problem['iterations']} iterations")
    parts.append(f"regularization {problem['regularization']:g}, e = {problem['reg_exponent']}")
    if problem["alpha"] is not None:
        parts.append(f"alpha {problem['alpha']:g}")
    return ", ".join(parts + [f"{problem['threads']} threads"])


def describe_machine(machine):
    peaks = ", ".join(f"{gflops:.0f} on {n} thread{'s' * (int(n) > 1)}"
                      for n, gflops in machine["sgemm_gflops"].items())
    return (f"{machine['model']}, {machine['cores']} cores, {machine['memory_gib']:.0f} GiB. "
            f"numpy's sgemm: {peaks} GFLOP/s.")


def table(problem, records):
    is_implicit = problem["feedback"] == "implicit"
    quality = ("Recall@20", "NDCG@20") if is_implicit else ("RMSE",)
    lines = [("system", "version", "factors", "seconds", "s / iteration", "time / als", "peak MiB",
              "objective", *quality, "others' load")]
    for r in records:
        if not r["seconds"]:
            lines.append((r["label"], r["version"], problem["factors"], r.get("error", "not run"),
                          *[""] * (len(lines[0]) - 4)))
            continue
        seconds = statistics.median(r["seconds"])
        spread = f" ({min(r['seconds']):.2f}–{max(r['seconds']):.2f})" if len(r["seconds"]) > 1 else ""
        train = [d["train_seconds"] for d in r["details"] if d]
        iterating = statistics.median(train or [seconds])
        same = problem["feedback"] in SYSTEMS[r["system"]].same_objective
        lines.append((
            r["label"], r["version"], problem["factors"], f"{seconds:.2f}{spread}",
            f"{iterating / problem['iterations']:.3f}",
            ratio(r, seconds), f"{r['peak_bytes'] / 2**20:.0f}",
            f"{r['objective'] / problem['n_train']:.5f}" if same else "–",
            *((f"{r['recall']:.4f}", f"{r['ndcg']:.4f}") if is_implicit else (f"{r['rmse']:.4f}",)),
            f"{max(r['others']):.1f}"))
    return as_table(lines)


def ratio(record, seconds):
    if not record.get("als_seconds"):
        return "–"
    return f"{seconds / record['als_seconds']:.2f}" if record.get("calm") else "disturbed"


def curve_table(records):
    """Held-out RMSE, or the objective, after so many iterations (of SGD: epochs), and the seconds until then."""
    lines = [("system", "iterations", "seconds", curve_label(records[0]["problem"]), "others' load")]
    for r in sorted(records, key=lambda r: (r["label"], r["problem"]["iterations"])):
        if r["seconds"]:
            lines.append((r["label"], r["problem"]["iterations"], f"{r['seconds'][0]:.2f}", f"{curve_value(r):.4f}",
                          f"{r['others'][0]:.1f}"))
        else:
            lines.append((r["label"], r["problem"]["iterations"], r.get("error", "not run"), "", ""))
    return as_table(lines)


def curve_label(problem):
    return "held-out RMSE" if CURVES[kind_of(problem)][0] == "rmse" else "objective / rating"


def curve_value(record):
    shown = CURVES[kind_of(record["problem"])][0]
    return record[shown] / (record["problem"]["n_train"] if shown == "objective" else 1)


def as_table(lines):
    rows = ["| " + " | ".join(map(str, line)) + " |" for line in lines]
    return "\n".join([rows[0], "|" + "---|" * len(lines[0]), *rows[1:]])


def speed(problem, records, machine):
    for r in records:
        if any(r["details"]):
            # The run whose training took the median time.
            details = sorted(r["details"], key=lambda d: d["train_seconds"])[(len(r["details"]) - 1) // 2]
            gflops = direct_gflops(problem["factors"], problem["iterations"], details)
            peak = machine["sgemm_gflops"].get(str(problem["threads"]))
            share = f", {gflops / peak:.0%} of sgemm's" if peak else ""
            yield (f"{r['label']}: read {details['read_seconds']:.2f} s, train "
                   f"{details['train_seconds']:.2f} s, write {details['write_seconds']:.2f} s; "
                   f"{gflops:.1f} GFLOP/s of what a direct method has to do{share}.")
