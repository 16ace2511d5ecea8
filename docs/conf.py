"""Sphinx configuration: builds without network, warnings are errors."""

import re
from pathlib import Path

import contlearn

ROOT = Path(__file__).resolve().parent.parent

project = "contlearn"
author = "The contlearn developers"
copyright = "2026, the contlearn developers"
release = version = contlearn.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "myst_parser",
    "sphinx_copybutton",
]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build", "_templates"]
templates_path = ["_templates"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autosummary_generate = True
# Two names that differ only in case would be one file on macOS and Windows.
autosummary_filename_map = {"contlearn.policies.replay": "contlearn.policies.replay-function"}
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# Types in numpydoc sections and the bases that others publish have no page here.
nitpick_ignore_regex = [(r"py:.*", r"(?!contlearn).*")]

html_theme = "pydata_sphinx_theme"
html_title = "contlearn"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["wrap.css"]
html_sidebars = {"**": []}
default_role = "autolink"
html_theme_options = {
    "navbar_end": ["theme-switcher"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
    "header_links_before_dropdown": 4,
    "secondary_sidebar_items": ["page-toc"],
}

HEADINGS = ("added", "changed", "fixed", "deprecated", "removed")


def write_changelog() -> None:
    """Assemble the fragments of `changelog.d` into one page."""
    lines = ["# Changelog", "", f"## {release}", ""]
    for heading in HEADINGS:
        fragments = sorted((ROOT / "changelog.d").glob(f"*.{heading}.md"))
        if fragments:
            lines += [f"### {heading.capitalize()}", ""]
            texts = (path.read_text(encoding="utf-8") for path in fragments)
            lines += ["- " + re.sub(r"\s+", " ", text).strip() for text in texts] + [""]
    (ROOT / "docs" / "changelog.md").write_text("\n".join(lines), encoding="utf-8")


def skip_fields(app, what, name, obj, skip, options):  # noqa: ARG001 - the signature is Sphinx's
    """Leave out "Alias for field number 0": named tuples describe their fields under Attributes."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def setup(app):
    app.connect("autodoc-skip-member", skip_fields)


write_changelog()
