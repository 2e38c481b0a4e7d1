"""Installs the libraries to compare with into the virtual environment that runs this."""

import importlib.metadata
import shutil
import subprocess
import sys

from systems import SYSTEMS

# Some libraries come as source, and want these to build. Built without isolation, they use the numpy that
# they will run with.
_TO_BUILD = ("setuptools", "wheel", "setuptools-scm", "cython", "findblas", "numpy", "scipy")


def install(names):
    """Installs what the systems need, each apart, so that one failure does not spoil the others. Returns
    {name: reason} for those that cannot take part."""
    missing = {}
    for name in names:
        system = SYSTEMS[name]
        if system.needs and not shutil.which(system.needs):
            missing[name] = f"there is no {system.needs} here"
        elif not all(map(version, system.packages)):
            print(f"installing {', '.join(system.packages)} ...", flush=True)
            if reason := _pip(*_TO_BUILD) or _pip("--no-build-isolation", *system.packages):
                missing[name] = f"pip could not install it: {reason}"
    return missing


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _pip(*arguments):
    """Returns the last line of what pip had to say if it failed."""
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--prefer-binary",
                           *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        errors = [line for line in done.stdout.splitlines() if line.startswith(("ERROR", "error"))]
        return (errors or done.stdout.splitlines() or ["no reason given"])[0]
    return None
