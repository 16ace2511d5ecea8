"""The reference misses nothing that is public, and names nothing that is not."""

import importlib
import re
from pathlib import Path

import contlearn

REFERENCE = (Path(__file__).resolve().parent.parent / "docs" / "api.md").read_text(encoding="utf-8")
LISTED = set(re.findall(r"^   (\w+\.\w+)$", REFERENCE, re.MULTILINE))


def home_of(package: str, name: str) -> str:
    """Return where a name is documented: answers that a package re-exports stand under results."""
    return f"results.{name}" if name in contlearn.results.__all__ else f"{package}.{name}"


def test_every_public_name_has_its_place_in_the_reference():
    public = {
        home_of(package, name)
        for package in contlearn.__all__
        for name in importlib.import_module(f"contlearn.{package}").__all__
    }
    aliases = {"evaluation.Loss", "policies.PolicyLike"}  # types, explained where they are used
    assert public - aliases == LISTED
