"""run_one.py SYSTEM: trains one system on the problem that standard input describes, in a process of its
own, so that its peak memory is its own, and writes the result as JSON to the file that the problem
names. bench.py starts it."""

import json
import sys
from types import SimpleNamespace

import data
import evaluate
from stopwatch import peak_of
from systems import SYSTEMS


def main():
    problem = SimpleNamespace(**json.load(sys.stdin))
    dataset = data.load(problem.data, problem.rows)
    fit = SYSTEMS[sys.argv[1]].train(problem, dataset)
    result = {
        "seconds": fit.time.seconds,
        "others": fit.time.others,
        # Taken before the evaluation, which needs memory too.
        "peak_bytes": fit.peak_bytes or peak_of("self"),
        "details": fit.details,
    }
    if problem.evaluate:
        result |= evaluate.evaluate(problem, dataset, fit)
    with open(problem.output, "w") as file:
        json.dump(result, file)


main()
