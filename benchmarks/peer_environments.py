"""An environment for every peer: ``python benchmarks/peer_environments.py FOLDER FILE``.

Writes to FILE which Python has which library, or why there is none. Made once; again when what is asked for
has changed. The peers' versions are those that were current when this was written, and the bounds beside
them are what each needs in order to be imported at all.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

OWN = ("contlearn", "scipy", "river")  # what contlearn needs anyway is measured in its own environment
PEERS = {
    "alibi": ["alibi-detect[torch]==0.13.0", "pandas"],
    "frouros": ["frouros==0.9.0", "pandas"],
    "evidently": ["evidently==0.7.23", "pandas<3"],
    "nannyml": ["nannyml==0.13.1", "statsmodels"],
    "deepchecks": [
        "deepchecks==0.19.1",
        "numpy<2",
        "scikit-learn<1.6",
        "category-encoders<2.7",
        "pandas<3",
        "setuptools<81",
    ],
}
IMPORTS = {
    "alibi": "import alibi_detect.cd, torch",
    "frouros": "import frouros.detectors.data_drift",
    "evidently": "import evidently.presets",
    "nannyml": "import nannyml",
    "deepchecks": "import deepchecks.tabular.checks",
}


class InstallError(Exception):
    """An environment could not be made; the text says why."""


def main() -> None:
    folder, file = map(Path, sys.argv[1:])
    found: dict[str, dict[str, str]] = {library: {"python": sys.executable} for library in OWN}
    for library, requirements in PEERS.items():
        print(f"{library}: {' '.join(requirements)}", flush=True)
        try:
            found[library] = {"python": str(environment(folder / library, library, requirements))}
        except InstallError as error:
            found[library] = {"failed": f"cannot be installed: {error}"}
            print(f"{library}: NOT MEASURED, {error}", flush=True)
    file.write_text(json.dumps(found, indent=1))


def environment(home: Path, library: str, requirements: list[str]) -> Path:
    """Return the Python of an environment that has the library, made if it is not there."""
    python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
    done = home / "complete"
    if done.exists() and done.read_text() == repr(requirements):
        return python
    shutil.rmtree(home, ignore_errors=True)
    uv("venv", "--python", sys.executable, str(home))
    options = torch(python) if any("torch" in each for each in requirements) else []
    uv("pip", "install", "--python", str(python), *options, *requirements)
    run([str(python), "-W", "ignore", "-c", IMPORTS[library]])
    done.write_text(repr(requirements))
    return python


def torch(python: Path) -> list[str]:
    """Return the options that bring torch for processors only, where it can be had: a tenth of the size."""
    wheels = os.environ.get("PIP_FIND_LINKS")
    if wheels:
        only = [
            "--no-index",
            "--no-deps",
            *(part for each in wheels.split() for part in ("--find-links", each)),
        ]
        try:
            uv("pip", "install", "--python", str(python), *only, "torch")
        except InstallError:
            pass
        else:
            return []  # what is installed already is kept
    options = ["--torch-backend", "cpu"]
    try:
        uv("pip", "install", "--python", str(python), "--dry-run", *options, "torch")
    except InstallError:
        return []
    return options


def uv(*arguments: str) -> None:
    run([sys.executable, "-m", "uv", *arguments])


def run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no word about it"]
        raise InstallError(
            re.sub(r"\w+://\S+|/\S+", "...", said[-1])[:200]
        )  # whose machine it was, nobody needs


if __name__ == "__main__":
    main()
