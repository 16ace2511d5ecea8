"""Objects to JSON-ready dictionaries and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import contlearn
from contlearn.exceptions import ContlearnError
from contlearn.persistence import _arrays, _schemas
from contlearn.persistence._reader import Reader
from contlearn.persistence._refusals import damaged
from contlearn.persistence._writer import Writer

Result = TypeVar("Result")


def dump(obj: Any) -> dict[str, Any]:
    """Return everything that makes `obj` again, as a JSON-ready dictionary.

    Windows with their rows, detectors with their reference and their random generator, policies, gates,
    running evaluations and results; also plain values and arrays, alone or in tuples, lists and dicts. The
    object that `load` makes of it goes on exactly as this one would have.

    Parameters
    ----------
    obj
        What to write. It is not changed.

    Returns
    -------
    dict
        Text, numbers, lists and dictionaries: `json.dumps(..., allow_nan=False)` takes it, and what that
        gives back can be loaded. Equal objects give equal dictionaries. Arrays are base64 inside.

    Raises
    ------
    PersistenceError
        Something in `obj` is code (a function, an estimator, a class of yours) or of another kind that is not
        written; the message names its place and the cure.

    Notes
    -----
    Threads: several may dump at once; nobody may change `obj` meanwhile, so hold its lock.

    Examples
    --------
    >>> import json
    >>> from contlearn.persistence import dump, load
    >>> from contlearn.windows import SlidingWindow
    >>> window = SlidingWindow(3)
    >>> window.extend([("a", 1), ("b", 2)])
    >>> text = json.dumps(dump(window))
    >>> load(json.loads(text)).rows()
    [('a', 1), ('b', 2)]
    """
    document, arrays = written(obj)
    for entry, array in zip(document["arrays"], arrays, strict=True):
        entry["data"] = _arrays.text_of(_arrays.raw(array, entry["fortran"]))
    return document


def load(data: dict[str, Any]) -> Any:
    """Return the object that `dump` has written.

    Nothing in `data` is run, imported or looked up by name: classes come from a closed list, their
    constructors check their arguments again, and arrays are checked before they are made.

    Parameters
    ----------
    data
        What `dump` returned, also from an older contlearn, or from someone you do not trust. It is not
        changed.

    Returns
    -------
    object
        A new object at each call, which shares nothing with `data`. It goes on exactly as the one that was
        dumped would have.

    Raises
    ------
    PersistenceError
        It was damaged, forged, or written by a newer contlearn.

    Notes
    -----
    Threads: several may load at once, also the same `data`, which nobody may change meanwhile.

    Examples
    --------
    >>> from contlearn.persistence import dump, load
    >>> from contlearn.policies import MinLabels, OnDrift
    >>> load(dump(OnDrift() & MinLabels(500)))
    OnDrift() & MinLabels(500)
    """
    return guarded(lambda: _loaded(_schemas.migrated(data)))


def written(obj: Any) -> tuple[dict[str, Any], list[Any]]:
    """Return the document of an object without the contents of its arrays, and the arrays."""
    writer = Writer(obj)
    value = writer.node(obj)
    described = [_arrays.described(array) | _frozen(array) for array in writer.arrays]
    document = {
        "format": _schemas.FORMAT,
        "schema": _schemas.SCHEMA,
        "written_by": f"contlearn {contlearn.__version__}",
        "value": value,
        "arrays": described,
    }
    return document, writer.arrays


def read(document: dict[str, Any], contents: list[Any]) -> Any:
    """Return the object of a document and the bytes of its arrays."""
    arrays = []
    for entry, content in zip(document["arrays"], contents, strict=True):
        array = _arrays.made(*_arrays.checked(entry), content)
        array.flags.writeable = not entry["frozen"]
        arrays.append(array)
    return Reader(arrays).value(document["value"])


def guarded(work: Callable[[], Result]) -> Result:
    """Return what `work` returns; whatever it raises means that what was saved does not fit together.

    Constructors and libraries of frames raise all kinds of errors when they are handed what nobody has
    written, and a caller of `load` should have to expect one.
    """
    try:
        return work()
    except ContlearnError as error:
        if isinstance(error, (contlearn.exceptions.PersistenceError, ImportError)):
            raise
        damaged("values that fit together", f"{error}"[:200])
    except ImportError:
        raise
    except Exception as error:  # see above
        damaged("values that fit together", f"{type(error).__name__}: {error}"[:200])


def _loaded(document: dict[str, Any]) -> Any:
    return read(document, [_arrays.bytes_of(entry["data"]) for entry in document["arrays"]])


def _frozen(array: Any) -> dict[str, Any]:
    return {"frozen": not array.flags.writeable}
