"""The one place that words and raises argument errors.

One sentence pattern everywhere: *name* must be *constraint*, got *value*; then the cure where there is one.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Collection, Sized
from typing import TYPE_CHECKING, Any, NoReturn

from contlearn.exceptions import (
    ContlearnError,
    InvalidInputError,
    InvalidParameterError,
    NotFittedError,
    SchemaError,
)

if TYPE_CHECKING:
    import numpy as np

_NAME_WIDTH = 60


def fail(
    name: str,
    must: str,
    got: object,
    cure: str = "",
    error: type[ContlearnError] = InvalidParameterError,
) -> NoReturn:
    """Raise `error` saying "`name` must `must`, got `got`; `cure`"; a string `got` is quoted as it stands."""
    shown = got if isinstance(got, str) else _short(got)
    raise error(f"{name} must {must}, got {shown}" + (f"; {cure}" if cure else ""))


def bad_data(name: str, must: str, got: object, cure: str = "") -> NoReturn:
    """Raise `InvalidInputError`: the data, not a setting, cannot be used."""
    fail(name, must, got, cure, InvalidInputError)


def bad_schema(name: str, must: str, got: object, cure: str = "") -> NoReturn:
    """Raise `SchemaError`: the columns are not those that were fitted."""
    fail(name, must, got, cure, SchemaError)


def not_fitted(what: str, cure: str, error: type[NotFittedError] = NotFittedError) -> NoReturn:
    """Raise `error` for the object `what`."""
    raise error(f"{what} has no reference yet; {cure}")


def retell(where: str, error: ContlearnError) -> NoReturn:
    """Raise `error` again, saying where it happened; it keeps its kind."""
    raise type(error)(f"{where}: {error}") from error


def reword(words: str, error: ContlearnError) -> NoReturn:
    """Raise `error` again in other words, for a caller who knows nothing of where it came from."""
    raise type(error)(words) from None


def real(name: str, value: Any, must: str = "be a number", cure: str = "") -> float:
    """Return `value` as a float, which may be infinite or NaN."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        fail(name, must, _short(value), cure)
    try:
        return float(value)
    except OverflowError:  # an integer or a fraction beyond the floats
        return -math.inf if value < 0 else math.inf


def number(name: str, value: Any, *, low: float = -math.inf, high: float = math.inf) -> float:
    """Return `value` as a finite float in [`low`, `high`]."""
    result = real(name, value)
    if not math.isfinite(result) or not low <= result <= high:
        fail(name, f"be {_range(low, high)}", _short(value))
    return result


def fraction(name: str, value: Any) -> float:
    """Return `value` as a float strictly between 0 and 1."""
    result = number(name, value)
    if not 0.0 < result < 1.0:
        fail(name, "be strictly between 0 and 1", _short(value))
    return result


def level(name: str, value: Any) -> float:
    """Return `value` as a one-sided rate of error: a float strictly between 0 and 0.5."""
    result = real(name, value)
    if not 0.0 < result < 0.5:  # NaN included
        cure = "it is the rate of wrong promotions, such as 0.05"
        fail(name, "be strictly between 0 and 0.5", _short(value), cure)
    return result


def positive(name: str, value: Any) -> float:
    """Return `value` as a finite float above 0."""
    result = number(name, value)
    if result <= 0.0:
        fail(name, "be above 0", _short(value))
    return result


def count(name: str, value: Any, *, low: int = 1, high: int | None = None) -> int:
    """Return `value` as an integer in [`low`, `high`]; a boolean or 3.0 is refused."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        fail(name, "be an integer", _short(value))
    result = int(value)
    if result < low:
        fail(name, f"be at least {low}", _short(value))
    if high is not None and result > high:
        fail(name, f"be at most {high}", _short(value))
    return result


def generator(name: str, value: Any) -> np.random.Generator:
    """Return the generator that `value` seeds or is: None draws a fresh seed."""
    import numpy as np

    kinds = (np.random.Generator, np.random.BitGenerator, np.random.SeedSequence)
    if value is None or isinstance(value, kinds):
        return np.random.default_rng(value)
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 0:
        fail(name, "be None, an integer of at least 0 or a numpy Generator", _short(value))
    return np.random.default_rng(int(value))


def one_of(name: str, value: Any, options: Collection[object]) -> None:
    """Refuse a `value` that is none of `options`."""
    if not any(type(value) is type(option) and value == option for option in options):
        fail(name, f"be one of {', '.join(map(repr, options))}", _short(value))


def instance(name: str, value: Any, kinds: type | tuple[type, ...], words: str) -> None:
    """Refuse a `value` that is not an instance of `kinds`, called `words` in the message."""
    if not isinstance(value, kinds):
        fail(name, f"be {words}", f"{type(value).__name__} {_short(value)}")


def same_length(**columns: Sized) -> int:
    """Return the common length of the named `columns`, or refuse."""
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        bad_data(
            " and ".join(lengths),
            "have the same length",
            ", ".join(f"{name} with {length}" for name, length in lengths.items()),
        )
    return next(iter(lengths.values()))


def called(name: object) -> str:
    """Return the name of a column or a slice as it is printed inside a sentence: on one line, and cut."""
    return one_line(str(name), _NAME_WIDTH)


_STEERING = dict.fromkeys(
    [*range(32), *range(127, 160), 0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
"""Control characters, escapes among them, and marks that turn the direction of the text."""


def one_line(text: str, width: int | None = None) -> str:
    """Return `text` on one line, without what steers a terminal or turns the text, cut to `width`."""
    line = " ".join(text.split()).translate(_STEERING)
    return line if width is None or len(line) <= width else line[: width - 3] + "..."


def _range(low: float, high: float) -> str:
    if low == -math.inf and high == math.inf:
        return "finite"
    if high == math.inf:
        return f"finite and at least {low:g}"
    if low == -math.inf:
        return f"finite and at most {high:g}"
    return f"between {low:g} and {high:g}"


def _short(value: object, width: int = 80) -> str:
    """Return the `repr` of `value` on one line, cut: a message must never dump a caller's rows."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more digits than Python is willing to write
        text = f"{type(value).__name__} without a repr"
    return one_line(text, width)
