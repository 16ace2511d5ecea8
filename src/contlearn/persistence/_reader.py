"""Nodes back to values; whatever does not fit is refused, and nothing that a file names is looked up."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.persistence import _classes, _frames, _leaves, _objects, _random, _river
from contlearn.persistence._refusals import damaged
from contlearn.persistence._writer import MOST_LEVELS

_MOST_VALUES = 10**8  # with everything that is written once counted wherever it stands
_MOST_ALIKE = 64  # keys of one hash; more make a dictionary slow on purpose
_PLAIN = frozenset({str, bool, int, float, type(None)})


class Reader:
    """Makes values of nodes; `arrays` are those that the nodes point at."""

    def __init__(self, arrays: list[NDArray[Any]]) -> None:
        self._arrays = arrays
        self._finished: list[tuple[Any, int]] = []  # what was read, and of how many values it is made
        self._values = 0
        self._level = 0
        self._in_keys = 0

    def value(self, node: Any) -> Any:
        """Return the value of a node."""
        kind = type(node)
        self._values += 1
        if kind in _PLAIN:
            return node
        self._level += 1
        if self._level > 2 * MOST_LEVELS or self._values > _MOST_VALUES:
            damaged("few values inside each other", "more than any object has")
        result = self._list(node) if kind is list else self._tagged(node)
        self._level -= 1
        return result

    def _tagged(self, node: Any) -> Any:
        if type(node) is not dict or len(node) != 1:
            damaged("values as contlearn writes them", type(node).__name__)
        ((tag, given),) = node.items()
        if tag in _leaves.READERS:
            return _leaves.READERS[tag](given)
        if tag not in _FORMS:
            damaged(
                "kinds of values that are known",
                repr(tag)[:40],
                "it was written by a newer contlearn, or forged",
            )
        form, once = _FORMS[tag]
        if not once or (tag == "object" and given[0] in _classes.VALUES):
            return form(self, given)
        return self._noted(form, given)

    def _noted(self, form: Any, given: Any) -> Any:
        before = self._values
        value = form(self, given)
        if not self._in_keys:
            self._finished.append((value, self._values - before))
        return value

    def _list(self, node: list[Any]) -> list[Any]:
        return self._noted(Reader._items, node)  # type: ignore[no-any-return]

    def _items(self, nodes: Any) -> list[Any]:
        if type(nodes) is not list:
            damaged("a list of values", type(nodes).__name__)
        if set(map(type, nodes)) <= _PLAIN:
            self._values += len(nodes)
            return list(nodes)
        return [self.value(node) for node in nodes]

    def _ref(self, given: Any) -> Any:
        if self._in_keys or type(given) is not int or not 0 <= given < len(self._finished):
            damaged("references to what came before", repr(given)[:40])
        value, weight = self._finished[given]
        self._values += weight
        return value

    def _tuple(self, given: Any) -> tuple[Any, ...]:
        return tuple(self._items(given))

    def _keys(self, nodes: Any) -> list[Any]:
        self._in_keys += 1
        keys = self._items(nodes)
        self._in_keys -= 1
        if len(keys) > _MOST_ALIKE and max(Counter(map(hash, keys)).values()) > _MOST_ALIKE:
            damaged("different keys", "many of one hash")
        return keys

    def _set(self, given: Any) -> set[Any]:
        return set(self._keys(given))

    def _frozenset(self, given: Any) -> frozenset[Any]:
        return frozenset(self._keys(given))

    def _deque(self, given: Any) -> deque[Any]:
        items, longest = given
        return deque(self._items(items), None if longest is None else int(longest))

    def _map(self, given: Any) -> dict[str, Any]:
        if type(given) is not dict:
            damaged("values by name", type(given).__name__)
        return {name: self.value(node) for name, node in given.items()}

    def _pairs(self, given: Any) -> list[tuple[Any, Any]]:
        """Return the pairs; a key and its value are read in the order in which they were written."""
        pairs = []
        for key, node in given:
            self._in_keys += 1
            name = self.value(key)
            self._in_keys -= 1
            pairs.append((name, self.value(node)))
        if len(pairs) > _MOST_ALIKE and max(Counter(hash(key) for key, _ in pairs).values()) > _MOST_ALIKE:
            damaged("different keys", "many of one hash")
        return pairs

    def _dict(self, given: Any) -> dict[Any, Any]:
        return dict(self._pairs(given))

    def _odict(self, given: Any) -> OrderedDict[Any, Any]:
        return OrderedDict(self._pairs(given))

    def _proxy(self, given: Any) -> MappingProxyType[Any, Any]:
        ((tag, inner),) = given.items()
        return MappingProxyType(self._map(inner) if tag == "map" else self._dict(inner))

    def _array(self, given: Any) -> NDArray[Any]:
        if type(given) is not int or not 0 <= given < len(self._arrays):
            damaged("arrays that are there", repr(given)[:40])
        return self._arrays[given]

    def _objects(self, given: Any) -> NDArray[Any]:
        shape, frozen, nodes = given
        items = self._items(nodes)
        array = np.empty(len(items), dtype=object)
        array[:] = items if not any(isinstance(each, (list, tuple, np.ndarray)) for each in items) else None
        for position, each in enumerate(items):
            array[position] = each
        array = array.reshape(tuple(map(int, shape)))
        array.flags.writeable = not frozen
        return array

    def _generator(self, given: Any) -> np.random.Generator:
        return _random.generator_of(self.value(given))

    def _legacy(self, given: Any) -> np.random.RandomState:
        return _random.legacy_of(self.value(given))

    def _random(self, given: Any) -> Any:
        return _random.plain_of(self.value(given))

    def _object(self, given: Any) -> Any:
        id_, state = given
        if id_ not in _classes.OBJECTS:
            _unknown(id_)
        return _objects.made(id_, self.value(state))

    def _word(self, given: Any) -> Any:
        id_, word = given
        return _classes.named(id_)(word) if id_ in _classes.WORDS else _unknown(id_)

    def _store(self, given: Any) -> Any:
        return _classes.named(given) if given in _classes.STORES else _unknown(given)

    def _function(self, given: Any) -> Any:
        return _classes.named(given) if given in _classes.FUNCTIONS else _unknown(given)

    def _adwin(self, given: Any) -> Any:
        return _river.window_of(given)

    def _ewmean(self, given: Any) -> Any:
        return _river.mean_of(given)

    def _frame(self, given: Any) -> Any:
        return _frames.made(self.value(given))


def _unknown(id_: Any) -> Any:
    return damaged("classes that are known", repr(id_)[:60], "it was written by a newer contlearn, or forged")


# By tag: what reads it, and whether the writer counts it for references.
_FORMS: dict[str, tuple[Any, bool]] = {
    "ref": (Reader._ref, False),
    "tuple": (Reader._tuple, False),
    "frozenset": (Reader._frozenset, False),
    "set": (Reader._set, True),
    "deque": (Reader._deque, True),
    "fields": (Reader._map, False),  # of an object: nobody else can hold them
    "map": (Reader._map, True),
    "dict": (Reader._dict, True),
    "odict": (Reader._odict, True),
    "proxy": (Reader._proxy, True),
    "array": (Reader._array, False),
    "objects": (Reader._objects, True),
    "generator": (Reader._generator, True),
    "legacy": (Reader._legacy, True),
    "random": (Reader._random, True),
    "object": (Reader._object, True),
    "word": (Reader._word, False),
    "store": (Reader._store, False),
    "function": (Reader._function, False),
    "adwin": (Reader._adwin, True),
    "ewmean": (Reader._ewmean, True),
    "frame": (Reader._frame, True),
}
