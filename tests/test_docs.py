"""The reference misses nothing that is public, and names nothing that is not."""

import importlib
import importlib.util
import json
import re
from pathlib import Path

import contlearn

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
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


def test_the_table_of_the_flights_is_made_of_the_figures_at_hand():
    """`python benchmarks/flight_losses.py --write` repairs it."""
    home = ROOT / "benchmarks"
    spec = importlib.util.spec_from_file_location("contlearn_flight_tables", home / "flight_tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    figures = json.loads((home / "flight_losses.json").read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    assert f"{tables.BEGIN}\n\n{tables.section(figures)}\n\n{tables.END}" in page
