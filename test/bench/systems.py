"""What can be compared: for each system how it is trained, where it comes from, and for which feedback."""

import functools
from dataclasses import dataclass
from typing import Callable

import peers

BOTH = ("implicit", "explicit")
# Kinds of configurations in which each system is trained for several numbers of iterations: what is shown of
# them, and their feedback.
CURVES = {"curve": ("rmse", "explicit"), "objective": ("objective", "implicit")}


def kind_of(problem):
    return problem["config"].split("-")[0]


@dataclass
class System:
    train: Callable                  # (problem, dataset) -> peers.Fit
    packages: tuple[str, ...] = ()   # on PyPI; the first one's version is reported
    feedback: tuple[str, ...] = BOTH
    needs: str | None = None         # a program
    same_objective: tuple[str, ...] = ()
    slow: bool = False               # taken by default on small data only
    environment: tuple[tuple[str, str], ...] = ()


def _als(problem, dataset):
    from ours import als  # psycopg is needed here only

    return als(problem, dataset)


# Both start threads of their own, in which OpenBLAS's would be in the way; their documentation says so.
_ONE_BLAS_THREAD = (("OPENBLAS_NUM_THREADS", "1"),)

SYSTEMS = {
    "als": System(_als, same_objective=BOTH),
    "implicit": System(peers.implicit, ("implicit",), ("implicit",), same_objective=("implicit",),
                       environment=_ONE_BLAS_THREAD),
    # Its conjugate gradients solve other equations for implicit feedback than its Cholesky; see peers.py.
    "cmfrec": System(peers.cmfrec, ("cmfrec",), same_objective=("explicit",),
                     environment=_ONE_BLAS_THREAD),
    "irspack": System(peers.irspack, ("irspack",), ("implicit",), same_objective=("implicit",),
                      environment=_ONE_BLAS_THREAD),
    "rusket": System(peers.rusket, ("rusket",), ("implicit",), same_objective=("implicit",)),
    "rusket-anderson": System(functools.partial(peers.rusket, anderson_m=5), ("rusket",), ("implicit",),
                              same_objective=("implicit",)),
    "lenskit": System(peers.lenskit, ("lenskit",), same_objective=("implicit",)),
    "libmf": System(peers.libmf, ("libmf",), ("explicit",)),
    "spark": System(peers.spark, ("pyspark", "pyarrow", "pandas"), needs="java"),
    "implicit-cholesky": System(functools.partial(peers.implicit, use_cg=False), ("implicit",),
                                ("implicit",), same_objective=("implicit",), slow=True,
                                environment=_ONE_BLAS_THREAD),
    "cmfrec-cholesky": System(functools.partial(peers.cmfrec, use_cg=False), ("cmfrec",),
                              same_objective=BOTH, slow=True, environment=_ONE_BLAS_THREAD),
}
