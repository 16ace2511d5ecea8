#!/usr/bin/env python3
"""Everything a contributor or a CI runs, each in an environment of its own.

    python3 noxfile.py -s demo      # set everything up and run the main job
    python3 noxfile.py -s tests     # set everything up and pass the tests

needs nothing but Python 3.11 or newer: where nox is missing, this file installs it into `.nox/`
and starts again.
"""

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def bootstrap() -> None:
    """Install nox beside the project and run this file again with it."""
    if sys.version_info < (3, 11):  # noqa: UP036 - the reader's Python may well be older
        sys.exit(f"contlearn needs Python 3.11 or newer, this is {sys.version.split()[0]}")
    home = ROOT / ".nox" / f".bootstrap-{sys.version_info.major}.{sys.version_info.minor}"
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (home / "complete").exists():
        try:
            venv.create(home, with_pip=True, clear=True)
        except subprocess.CalledProcessError:
            sys.exit("this Python cannot make a virtual environment; on Debian: apt install python3-venv")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "nox[uv]>=2025.2.9"], check=True)
        (home / "complete").touch()
    raise SystemExit(
        subprocess.run([python, "-m", "nox", "-f", __file__, *sys.argv[1:]], check=False).returncode
    )


try:
    import nox
except ModuleNotFoundError:
    if __name__ != "__main__":
        raise
    bootstrap()

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = True

PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
# One thread per process: two test processes with two threads each fight over two cores and both lose.
QUIET = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
FAST = "not calibration and not integrations"


def group(name: str) -> list[str]:
    return nox.project.dependency_groups(PROJECT, name)


@nox.session(default=False)
def demo(session: nox.Session) -> None:
    """A year of real flights: predict, watch, retrain, judge, promote."""
    session.install("-e", ".[examples]")
    session.run("python", "examples/flights.py", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests, under five minutes on two cores."""
    session.install("-e", ".[examples]", *group("test"))
    session.run("pytest", "-n", "auto", "-m", FAST, *session.posargs, env=QUIET)


@nox.session(default=False)
def calibration(session: nox.Session) -> None:
    """The error rates, measured over thousands of repetitions."""
    session.install("-e", ".[examples]", *group("test"))
    slowly = ["--timeout", "1200", "--dist", "worksteal"]  # one test is thousands of repetitions
    session.run("pytest", "-n", "auto", "-m", "calibration", *slowly, "tests", *session.posargs, env=QUIET)


@nox.session(default=False)
def integrations(session: nox.Session) -> None:
    """Summaries of partitions on joblib and Dask, and on Ray and Spark where these can run."""
    session.install("-e", ".[examples]", *group("test"), *group("integrations"))
    partitions = "tests/integrations/test_partitions.py"
    session.run("pytest", "-m", "integrations", partitions, *session.posargs, env=QUIET)


@nox.session(default=False)
def adapters(session: nox.Session) -> None:
    """The ledger told to Prometheus, OpenTelemetry, logging, and the model registry of MLflow."""
    session.install("-e", ".", *group("test"), *group("adapters"))
    files = ("tests/ledger/test_adapters.py", "tests/integrations/test_mlflow.py")
    session.run("pytest", *files, *session.posargs, env=QUIET)


@nox.session(default=False)
def torch(session: nox.Session) -> None:
    """Tensors: as many devices as torch finds here. Other words go to the installer of torch.

    On a machine without an accelerator, uv knows where torch is without the gigabytes of CUDA.
    """
    cpu = ["--torch-backend", "cpu"] if session.venv_backend == "uv" else []
    session.install("-e", ".[array-api]", *group("test"))
    session.install("torch", *(session.posargs or cpu))
    session.run("pytest", "-m", "integrations", "tests/integrations/test_torch.py", env=QUIET)


@nox.session(default=False)
def minimums(session: nox.Session) -> None:
    """The tests again, with the oldest releases that pyproject.toml allows."""
    floors = Path(session.create_tmp()) / "floors.txt"
    session.install("uv")  # only uv knows how to resolve to the lowest releases
    options = "--quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links --extra examples"
    options += " --extra prometheus --extra opentelemetry"
    lowest = ["uv", "pip", "compile", *options.split(), "--resolution", "lowest-direct"]
    compiled = session.run(*lowest, "pyproject.toml", silent=True)
    floors.write_text(compiled or "")
    session.install("-e", ".[examples]", *group("test"), "-c", str(floors))
    session.run("pytest", "-n", "auto", "-m", FAST, *session.posargs, env=QUIET)


@nox.session(default=False)
def lint(session: nox.Session) -> None:
    """Style, spelling, and the mistakes that a linter knows."""
    session.install(*group("lint"))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("codespell")


@nox.session(default=False)
def typing(session: nox.Session) -> None:
    """Strict types in the library."""
    session.install("-e", ".", *group("typing"))
    session.run("mypy")


@nox.session(default=False)
def docs(session: nox.Session) -> None:
    """The documentation, warnings as errors; open docs/_build/index.html."""
    session.install("-e", ".", *group("docs"))
    session.run(
        "sphinx-build",
        "-n",
        "-W",
        "--keep-going",
        "-q",
        "-b",
        "html",
        "docs",
        "docs/_build",
        *session.posargs,
    )


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Speed and memory as ratios against a peer or a physical limit, measured in one interleaved run."""
    session.install("-e", ".", "pandas", "polars")
    session.run("python", "benchmarks/run.py", *session.posargs, env=QUIET)


@nox.session(default=False)
def guarantees(session: nox.Session) -> None:
    """The error rates of every detector, measured by certify and written into the documentation.

    `-- --streams` measures those of the stream detectors only.
    """
    session.install("-e", ".")
    if "--streams" not in session.posargs:
        session.run("python", "benchmarks/guarantees.py", *session.posargs, env=QUIET)
    others = [each for each in session.posargs if each != "--streams"]
    if others == session.posargs == [] or "--streams" in session.posargs:
        session.run("python", "benchmarks/stream_guarantees.py", *others, env=QUIET)


@nox.session(default=False)
def peers(session: nox.Session) -> None:
    """Speed, memory, false alarms and power against other libraries, each in an environment of its own.

    `-- --quick` takes a few minutes; the first run installs some four gigabytes.
    """
    session.install("-e", ".", "pandas", "uv")
    home = Path(session.virtualenv.location).parent / "peers-environments"
    found = home / "found.json"
    home.mkdir(exist_ok=True)
    session.run("python", "benchmarks/peer_environments.py", str(home), str(found))
    session.run("python", "benchmarks/peers.py", str(found), *session.posargs, env=QUIET)


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """The wheel: built from the sdist, installed alone, imported."""
    dist = Path(session.create_tmp()) / "dist"
    session.install("build", "twine")
    session.run("python", "-m", "build", "--outdir", str(dist))
    artefacts = sorted(map(str, dist.glob("contlearn-*")))
    session.run("twine", "check", "--strict", *artefacts)
    session.install("--force-reinstall", next(name for name in artefacts if name.endswith(".whl")))
    session.run("python", "-I", "-c", "import contlearn.windows as w; print(w.SlidingWindow(3))")


if __name__ == "__main__":
    nox.main()
