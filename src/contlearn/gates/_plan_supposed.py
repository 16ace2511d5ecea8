"""From the arguments of `plan` to the question that the gate will ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from contlearn import _checks
from contlearn.exceptions import InvalidInputError
from contlearn.gates._approval import Approval
from contlearn.gates._base import AllOf, GateLike
from contlearn.gates._every_slice import EverySlice
from contlearn.gates._gain import Gain
from contlearn.gates._plan_questions import Joint, Leaf, Question
from contlearn.gates._plan_worlds import Differences, Errors, World, seen
from contlearn.gates._trial import Trial
from contlearn.results import Interval
from contlearn.stats import _columns, _mean

_CONFIDENCE = 0.95  # of the upper bound that unlabelled rows give
_FEW = 30  # slices of fewer rows are supposed to vary as the whole does


class Supposed(NamedTuple):
    """What is known about the rows: how their losses vary, and how they fall into slices."""

    world: World
    like: Trial | None
    sizes: Mapping[Any, float] | None
    share: float = 1.0


def world_of(
    discordance: float | Interval | None,
    predictions: tuple[ArrayLike, ArrayLike] | None,
    spread: float | None,
    like: Trial | None,
) -> World:
    """Return the world that exactly one of the four describes."""
    said = {"discordance": discordance, "predictions": predictions, "spread": spread, "like": like}
    given = [name for name, value in said.items() if value is not None]
    if len(given) != 1:
        must = "be given, and only one of them"
        _checks.fail("discordance, predictions, spread or like", must, ", ".join(given) or "none")
    if like is not None:
        _checks.instance("like", like, Trial, "a Trial")
        return seen(like)
    if spread is not None:
        return Differences(_checks.positive("spread", spread))
    if predictions is not None:
        return Errors(_disagreement(predictions))
    if isinstance(discordance, Interval):
        discordance = min(1.0, discordance.high)
    share = _checks.number("discordance", discordance, low=0.0, high=1.0)
    return Errors(share) if share > 0.0 else _checks.fail("discordance", "be above 0", discordance)


def _disagreement(predictions: Any) -> float:
    """Return the upper bound of the share of rows on which two models disagree."""
    if not isinstance(predictions, (tuple, list)) or len(predictions) != 2:
        _checks.bad_data("predictions", "be a pair (champion, challenger)", type(predictions).__name__)
    champion, challenger = (
        _columns.column(f"predictions[{side}]", each) for side, each in enumerate(predictions)
    )
    n = _checks.same_length(**{"predictions[0]": champion, "predictions[1]": challenger})
    if n == 0:
        _checks.bad_data("predictions", "hold at least one row", "none")
    differ = int(np.count_nonzero(champion != challenger))  # NaN differs from everything, itself included
    return _mean.proportion(differ, n, 2.0 * _CONFIDENCE - 1.0).high


def sizes_of(slices: Mapping[Any, float]) -> dict[Any, float]:
    """Return the rows, or shares of the rows, by slice."""
    _checks.instance("slices", slices, Mapping, "a mapping of slices to rows, or to shares of the rows")
    sizes = {name: _checks.positive(f"slices[{name!r}]", size) for name, size in slices.items()}
    if not sizes:
        _checks.fail("slices", "name at least one slice", slices)
    return sizes


def question_of(
    gate: GateLike, supposed: Supposed, gain: float, name: str = ""
) -> tuple[Question | None, list[str]]:
    """Return the question of a gate, None where it cannot be planned, and the names of parts left out."""
    if isinstance(gate, Gain):
        if gate.bounds is not None:
            cure = "leave the bounds out: bets need somewhat more rows than the test that is planned then"
            _checks.fail("gate", "be without bounds to be planned", repr(gate), cure)
        return Leaf(name, gate, supposed.world, supposed.share, {}), []
    if isinstance(gate, EverySlice):
        parts = [
            (f"{gate.by}={_checks.called(slice_)}", gate._gate_of(slice_), part)
            for slice_, part in _slices_of(gate, supposed, gain).items()
        ]
        return _joint(name, repr(gate), parts, gain, independent=True)
    if isinstance(gate, AllOf):
        named = [(repr(part), part, supposed) for part in gate.parts]
        return _joint(name, repr(gate), named, gain, independent=False)
    if isinstance(gate, Approval):
        return None, []  # a person needs no rows
    return None, [getattr(gate, "__name__", repr(gate))]


def _joint(
    name: str, told: str, parts: list[tuple[str, Any, Supposed]], gain: float, independent: bool
) -> tuple[Question | None, list[str]]:
    asked = [question_of(gate, supposed, gain, called) for called, gate, supposed in parts]
    found = tuple(question for question, _ in asked if question is not None)
    skipped = [each for _, left_out in asked for each in left_out]
    return (Joint(name, told, found, independent) if found else None), skipped


def _slices_of(gate: EverySlice, supposed: Supposed, gain: float) -> dict[Any, Supposed]:
    """Return what is known about every slice; one that is required but not there has no share."""
    if supposed.sizes is not None:
        total = sum(supposed.sizes.values())
        parts = {
            name: supposed._replace(share=supposed.share * size / total)
            for name, size in supposed.sizes.items()
        }
    elif supposed.like is not None and gate.by in (supposed.like.slices or {}):
        parts = dict(_slices_seen(supposed, supposed.like, gate.by, gain))
    else:
        cure = f"such as slices={{'a': 500, 'b': 300}}, or like= a trial with slices named {gate.by!r}"
        _checks.fail("slices", f"be given for EverySlice(by={gate.by!r})", "none", cure)
    asked = dict.fromkeys((*(gate.required or ()), *(gate.margins or ())))
    return parts | {name: supposed._replace(share=0.0) for name in asked if name not in parts}


def _slices_seen(supposed: Supposed, like: Trial, by: str, gain: float) -> Iterator[tuple[Any, Supposed]]:
    labels = _columns.labels(by, (like.slices or {})[by])
    for code, name in enumerate(labels.names):
        rows = np.flatnonzero(labels.codes == code)
        trial, share = like.take(rows), supposed.share * rows.size / like.n_samples
        world = _world_of_slice(trial, supposed.world, gain)
        yield name, Supposed(world, trial, None, share)


def _world_of_slice(trial: Trial, whole: World, gain: float) -> World:
    """Return how the losses of a slice vary; as those of the whole where it is too small to say."""
    if trial.n_samples < _FEW:
        return whole
    try:
        world = seen(trial)
    except InvalidInputError:  # no spread
        return whole
    if isinstance(world, Errors):  # there must be room for the gain that is planned for
        return Errors(max(world.discordance, min(1.0, abs(gain))))
    return world
