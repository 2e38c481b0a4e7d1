"""What the measurements ran on."""

import os
import time

import numpy as np
from threadpoolctl import threadpool_limits


def describe(threads):
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line.split(":", 1)[1].strip() for line in cpuinfo if line.startswith("model name")),
                     "unknown processor")
    counts = sorted({1, threads})
    return {"model": model, "cores": len(os.sched_getaffinity(0)),
            "memory_gib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30,
            "sgemm_gflops": {str(n): sgemm_gflops(n) for n in counts}}


def sgemm_gflops(threads, n=2048, tries=5):
    """The best of a few products of two n x n matrices in single precision, 2 n^3 operations each."""
    a = np.random.default_rng(0).standard_normal((n, n), dtype=np.float32)
    best = np.inf
    with threadpool_limits(threads):
        for _ in range(tries):
            started = time.perf_counter()
            a @ a
            best = min(best, time.perf_counter() - started)
    return 2 * n**3 / best / 1e9


def direct_gflops(factors, iterations, details):
    """The speed of a whole iteration of als, counted as a direct method would have to work: for each side
    n K^2 for the outer products (a symmetric half of 2 n K^2) and K^3 / 3 for the factorization of each row."""
    rows = details["n_users"] + details["n_items"]
    work = 2 * details["n_ratings"] * factors**2 + rows * factors**3 / 3
    return work * iterations / details["train_seconds"] / 1e9
