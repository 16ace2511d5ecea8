import sys
import types

import pytest

from contlearn._lazy import attach


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package `lazy_example` with one lazy module and one lazy name."""
    home = tmp_path / "lazy_example"
    home.mkdir()
    (home / "__init__.py").write_text(
        "from contlearn._lazy import attach\n"
        "__getattr__, __dir__ = attach(__name__, {'part': '.part', 'Thing': '._thing', 'sqrt': 'math'})\n"
    )
    (home / "part.py").write_text("name = 'part'\n")
    (home / "_thing.py").write_text("class Thing:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    import lazy_example

    yield lazy_example
    for name in [name for name in sys.modules if name.startswith("lazy_example")]:
        del sys.modules[name]


def test_nothing_is_loaded_until_it_is_asked_for(package):
    assert "lazy_example._thing" not in sys.modules
    assert package.Thing.__name__ == "Thing"
    assert "lazy_example._thing" in sys.modules
    assert "lazy_example.part" not in sys.modules


def test_a_name_after_a_dot_is_a_module_and_any_other_an_attribute(package):
    assert isinstance(package.part, types.ModuleType)
    assert package.part.name == "part"
    assert package.sqrt(9) == 3


def test_a_name_is_looked_up_once(package):
    assert "Thing" not in vars(package)
    thing = package.Thing
    assert vars(package)["Thing"] is thing


def test_dir_lists_the_names_sorted_before_they_are_loaded(package):
    assert dir(package) == ["Thing", "part", "sqrt"]


def test_an_unknown_name_is_an_attribute_error_that_names_both(package):
    with pytest.raises(AttributeError, match="'lazy_example' has no attribute 'thing'"):
        package.thing  # noqa: B018
    assert not hasattr(package, "thing")
    with pytest.raises(ImportError):
        from lazy_example import thing  # noqa: F401


def test_attach_imports_nothing_itself():
    load, names = attach("no_such_package", {"x": ".x"})
    assert names() == ["x"]
    with pytest.raises(ModuleNotFoundError):
        load("x")
