"""Values to JSON-ready nodes and a list of arrays.

None, truth values, text, integers and finite floats stand for themselves and a list is a list; all else is a
dictionary of one entry whose key says what it is. What can be changed or is large is written once, and
`{"ref": n}` stands for the n-th of such things where it comes again: they are counted as they are finished,
so nothing can contain itself.
"""

from __future__ import annotations

import contextlib
import json
import math
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable
from fractions import Fraction
from types import FunctionType, MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.persistence import _arrays, _classes, _frames, _leaves, _objects, _random, _river
from contlearn.persistence._refusals import unwritable

MOST_LEVELS = 100  # values inside values; each is a few levels of JSON and of Python's stack

_SIMPLE = frozenset({str, bool, type(None)})
_ROOT = "the object"


class Writer:
    """Makes nodes, and collects the arrays in `arrays`."""

    def __init__(self, root: Any) -> None:
        self.arrays: list[NDArray[Any]] = []
        self._array_places: dict[int, int] = {}
        self._finished: dict[int, int] = {}  # by identity: the number of what was written before
        self._open: set[int] = set()
        self._alive: list[Any] = []  # an identity is one only as long as its object lives
        self._in_keys = 0
        self._path: list[Any] = [type(root).__name__ if _classes.id_of(type(root)) else _ROOT]

    def node(self, value: Any) -> Any:
        """Return the node of a value, or refuse it by its place."""
        kind = type(value)
        if kind in _SIMPLE:
            return value
        if kind is float:
            return _leaves.real(value)
        if kind is int:
            return self._integer(value)
        if len(self._path) > MOST_LEVELS:
            self._refuse(f"more than {MOST_LEVELS} values inside each other", "store flat rows")
        if kind is tuple:
            return {"tuple": self._items(value)}
        if kind is frozenset:
            return {"frozenset": self._keys(value)}
        if kind is np.ndarray and not value.dtype.hasobject:
            return self._array(value)
        form = self._once(kind, value)
        return self._leaf(value) if form is None else self._written_once(value, form)

    def _once(self, kind: type, value: Any) -> Callable[[Any], Any] | None:
        """Return what writes a value that is written only once, None for a value without identity."""
        if kind in _FORMS:
            return _FORMS[kind].__get__(self)  # type: ignore[no-any-return]
        id_ = _classes.id_of(kind)
        if id_ in _classes.VALUES:
            return None
        if id_ in _classes.OBJECTS:
            return self._object
        if kind.__module__.startswith("river.") and kind.__name__ in _COMPILED:
            return self._compiled
        return self._frame if _frames.is_frame(value) else None

    def _written_once(self, value: Any, form: Callable[[Any], Any]) -> Any:
        if self._in_keys:  # keys are hashable and small; read back without references, they stay that
            return form(value)
        identity = id(value)
        if identity in self._finished:
            return {"ref": self._finished[identity]}
        if identity in self._open:
            self._refuse("something that contains itself", "store rows that do not")
        self._open.add(identity)
        self._alive.append(value)
        node = form(value)
        self._open.discard(identity)
        self._finished[identity] = len(self._finished)
        return node

    def _integer(self, value: int) -> Any:
        if not _leaves.fits(value):
            self._refuse("an integer of more than 4,000 digits", "store it as bytes")
        return _leaves.integer(value)

    def _leaf(self, value: Any) -> Any:
        kind = type(value)
        id_ = _classes.id_of(kind)
        if id_ in _classes.VALUES:
            return self._object(value)
        if id_ in _classes.WORDS:
            return {"word": [id_, value.value]}
        if isinstance(value, (type, FunctionType)):
            return self._named(value)
        if kind is Fraction and not _leaves.fits(value):
            self._refuse("a fraction of more than 4,000 digits", "store it as text")
        with contextlib.suppress(LookupError, ValueError):
            return _leaves.leaf(value)
        return self._unknown(value)

    def _named(self, value: type | FunctionType) -> Any:
        id_ = _classes.id_of(value)
        if id_ in _classes.STORES:
            return {"store": id_}
        if id_ in _classes.FUNCTIONS:
            return {"function": id_}
        return self._unknown(value)

    def _inside(self, state: Any) -> Any:
        """Return the node of a state that was made just now: nobody else can hold it."""
        if type(state) is dict:
            return {"fields": {name: self._at("." + name, each) for name, each in state.items()}}
        if type(state) is tuple:
            return {"tuple": self._items(state)}
        return self.node(state)

    def _items(self, values: Iterable[Any]) -> list[Any]:
        listed = list(values)
        kinds = set(map(type, listed))
        if kinds <= _SIMPLE or (kinds == {float} and all(map(math.isfinite, listed))):
            return listed
        self._path.append(None)
        nodes = []
        for position, each in enumerate(listed):
            self._path[-1] = position
            nodes.append(self.node(each))
        self._path.pop()
        return nodes

    def _at(self, step: Any, value: Any) -> Any:
        self._path.append(step)
        node = self.node(value)
        self._path.pop()
        return node

    def _keys(self, values: Iterable[Any]) -> list[Any]:
        """Return the nodes of keys of a set, in an order that does not depend on their hashes."""
        return sorted((self._key(each) for each in values), key=lambda node: json.dumps(node, sort_keys=True))

    def _key(self, value: Any) -> Any:
        self._in_keys += 1
        node = self._at((value,), value)
        self._in_keys -= 1
        return node

    def _list(self, value: list[Any]) -> Any:
        return self._items(value)

    def _set(self, value: set[Any]) -> Any:
        return {"set": self._keys(value)}

    def _deque(self, value: deque[Any]) -> Any:
        return {"deque": [self._items(value), value.maxlen]}

    def _dict(self, value: Any) -> Any:
        tag = "odict" if type(value) is OrderedDict else "dict"
        if tag == "dict" and all(type(key) is str for key in value):
            return {"map": {key: self._at((key,), each) for key, each in value.items()}}
        return {tag: [[self._key(key), self._at((key,), each)] for key, each in value.items()]}

    def _proxy(self, value: Any) -> Any:
        return {"proxy": self._dict(dict(value))}

    def _array(self, value: NDArray[Any]) -> Any:
        if not _arrays.describable(value):
            self._refuse(f"an array of {value.dtype}", "convert it to numbers, text or dates")
        place = self._array_places.get(id(value))
        if place is None:
            place = self._array_places[id(value)] = len(self.arrays)
            self.arrays.append(value)
        return {"array": place}

    def _objects(self, value: NDArray[Any]) -> Any:
        if value.dtype != object:
            self._refuse(f"an array of {value.dtype}", "use one array for each field")
        frozen = not value.flags.writeable
        return {"objects": [list(value.shape), frozen, self._items(value.ravel().tolist())]}

    def _generator(self, value: Any) -> Any:
        try:
            state = _random.generator_state(value)
        except LookupError:
            self._refuse("a random generator of another kind", "use numpy.random.default_rng(seed)")
        return {"generator": self._inside(state)}

    def _legacy(self, value: Any) -> Any:
        return {"legacy": self._inside(_random.legacy_state(value))}

    def _random(self, value: Any) -> Any:
        return {"random": self._inside(_random.plain_state(value))}

    def _object(self, value: Any) -> Any:
        id_ = _classes.id_of(type(value)) or ""
        return {"object": [id_, self._inside(_objects.state_of(id_, value))]}

    def _compiled(self, value: Any) -> Any:
        tag, state_of = _COMPILED[type(value).__name__]
        try:
            return {tag: state_of(value)}
        except LookupError:
            return self._refuse("a state of another river", "use the river that contlearn was tested with")

    def _frame(self, value: Any) -> Any:
        try:
            content = _frames.content(value)
        except _frames.UnknownColumn as unknown:
            self._path.append("." + str(unknown.args[0])[:40])
            self._refuse(f"a column of {unknown.args[1]}", "convert it to numbers, text or dates")
        return {"frame": self._inside(content)}

    def _unknown(self, value: Any) -> Any:
        return self._refuse(*_strange(value))

    def _refuse(self, got: str, cure: str) -> Any:
        return unwritable(_place(self._path), got, cure)


def _strange(value: Any) -> tuple[str, str]:
    """Return what a value is that is not written, and the cure."""
    kind = type(value)
    home = f"{kind.__module__}.{kind.__qualname__}"
    if home == "contlearn.ledger._ledger.Ledger":
        return "a Ledger", "it is a file of its own: Ledger(path) opens it again, to_json_lines copies it"
    if isinstance(value, type) or hasattr(value, "__name__"):
        word = "the class" if isinstance(value, type) else "the function"
        return f"{word} {value.__name__}", "make the object again with it: code is not saved"
    if hasattr(kind, "fit") or hasattr(kind, "learn_one"):
        return f"a model, {home}", "save models with their own library, and make or fit the object again"
    if callable(value):
        return f"an object of {home}", "make the object again with it: code is not saved"
    return f"an object of {home}", "use numbers, text, dates, arrays, and tuples, lists or dicts of them"


def _place(path: list[Any]) -> str:
    """Return a path as Python would write it."""
    text = ""
    for step in path:
        if isinstance(step, str):
            text += step
        elif isinstance(step, tuple):
            text += f"[{step[0]!r:.40}]"
        elif step is not None:
            text += f"[{step}]"
    return text if len(text) <= 160 else f"{text[:60]} ... {text[-90:]}"


# By name of the class in river: the tag, and what says its state.
_COMPILED: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "AdaptiveWindowing": ("adwin", _river.window_state),
    "RsEWMean": ("ewmean", _river.mean_state),
}

_FORMS: dict[type, Any] = {
    list: Writer._list,
    set: Writer._set,
    dict: Writer._dict,
    OrderedDict: Writer._dict,
    deque: Writer._deque,
    MappingProxyType: Writer._proxy,
    np.ndarray: Writer._objects,
    np.random.Generator: Writer._generator,
    np.random.RandomState: Writer._legacy,
    random.Random: Writer._random,
}
