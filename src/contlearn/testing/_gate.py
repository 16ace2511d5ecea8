"""Laws of gates."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contlearn.gates._trial import Trial
from contlearn.results import Verdict
from contlearn.testing._laws import Law, one_line, rebuilt, repickled, run, snapshot

_ROWS = 2_000
_Losses = NDArray[np.floating[Any]]
_MakeTrial = Callable[[_Losses, _Losses], Any]


@dataclass(frozen=True)
class _Case:
    gate: Any
    make: _MakeTrial

    def trial(self, n: int = _ROWS, champion: float = 0.3, challenger: float = 0.3, seed: int = 0) -> Any:
        """Return a trial in which the two models err at these rates."""
        rng = np.random.default_rng(seed)
        return self.make(1.0 * (rng.random(n) < champion), 1.0 * (rng.random(n) < challenger))

    def trials(self) -> list[Any]:
        rates = [(0.3, 0.3), (0.5, 0.1), (0.1, 0.5), (0.3, 0.28)]
        return [self.trial(n, champion, challenger) for champion, challenger in rates for n in (2, 40, _ROWS)]


def check_gate(gate: Any, *, make_trial: _MakeTrial | None = None, skip: Collection[str] = ()) -> None:
    """Check that a one-look gate obeys the laws of its kind.

    Parameters
    ----------
    gate
        A `Gate`, or any function `Trial -> Verdict`.
    make_trial
        Makes a trial from the champion's and the challenger's losses, arrays of equal length, for gates that
        read more than losses: `lambda a, b: Trial(a, b, slices={"region": ["eu"] * len(a)})`. None: `Trial`.
    skip
        Names of laws that do not apply.

    Raises
    ------
    AssertionError
        A law is broken; the message names it.

    Notes
    -----
    The laws: `every_trial_has_a_verdict`, `questions_change_nothing`, `answers_repeat`,
    `want_of_data_never_promotes`, `losses_that_are_not_numbers_never_promote`,
    `a_much_worse_challenger_is_never_promoted`, `a_much_better_challenger_is_promoted`,
    `pickles_answer_alike`, `repr_rebuilds` (gates, not functions).

    Examples
    --------
    >>> from contlearn.gates import Gain
    >>> from contlearn.testing import check_gate
    >>> check_gate(Gain(margin=0.0, alpha=0.05))
    """
    is_function = hasattr(gate, "__name__")
    laws = [law for law in _LAWS if law is not repr_rebuilds] if is_function else _LAWS
    run(gate, _Case(gate, make_trial or Trial), laws, skip)


def every_trial_has_a_verdict(case: _Case) -> str | None:
    for trial in case.trials():
        verdict = case.gate(trial)
        if not isinstance(verdict, Verdict):
            return f"it returned {type(verdict).__name__}, not a Verdict"
        if broken := one_line(verdict.reason, "the reason"):
            return broken
        if verdict.p_value is not None and not 0.0 <= verdict.p_value <= 1.0:
            return f"p = {verdict.p_value} is not between 0 and 1"
    return None


def questions_change_nothing(case: _Case) -> str | None:
    for trial in case.trials():
        before = snapshot(case.gate, trial)
        case.gate(trial)
        if snapshot(case.gate, trial) != before:
            return "judging changed the gate or the trial"
    return None


def answers_repeat(case: _Case) -> str | None:
    first = [case.gate(trial) for trial in case.trials()]
    again = [case.gate(trial) for trial in reversed(case.trials())]
    return None if first == again[::-1] else "the same trial had two verdicts"


def want_of_data_never_promotes(case: _Case) -> str | None:
    for n in (0, 1):
        if _promotes(case, np.ones(n), np.zeros(n)):
            return f"a trial of {n} rows is promoted"
    return None


def losses_that_are_not_numbers_never_promote(case: _Case) -> str | None:
    better, worse = np.zeros(_ROWS), np.ones(_ROWS)
    for value in (np.nan, np.inf, -np.inf):
        for side in range(2):
            losses = [worse.copy(), better.copy()]
            losses[side][7] = value
            if _promotes(case, *losses):
                return (
                    f"a trial is promoted in which one {'challenger' if side else 'champion'} loss is {value}"
                )
    return None


def a_much_worse_challenger_is_never_promoted(case: _Case) -> str | None:
    for n in (2, 40, _ROWS):
        if case.gate(case.trial(n, champion=0.0, challenger=1.0)):
            return f"over {n} rows the challenger was always wrong and the champion never, and it is promoted"
    return None


def a_much_better_challenger_is_promoted(case: _Case) -> str | None:
    verdict = case.gate(case.trial(champion=0.9, challenger=0.1))
    return None if verdict.promote else f"the challenger errs a ninth as often over {_ROWS} rows: {verdict}"


def pickles_answer_alike(case: _Case) -> str | None:
    copy = repickled(case.gate)
    same = all(copy(trial) == case.gate(trial) for trial in case.trials())
    return None if same else "a pickled copy judges differently"


def repr_rebuilds(case: _Case) -> str | None:
    again = rebuilt(case.gate)
    if again == case.gate and repr(again) == repr(case.gate):
        return None
    return f"{case.gate!r} became {again!r}, which is not equal to it"


_LAWS: list[Law[_Case]] = [
    every_trial_has_a_verdict,
    questions_change_nothing,
    answers_repeat,
    want_of_data_never_promotes,
    losses_that_are_not_numbers_never_promote,
    a_much_worse_challenger_is_never_promoted,
    a_much_better_challenger_is_promoted,
    pickles_answer_alike,
    repr_rebuilds,
]


def _promotes(case: _Case, champion: _Losses, challenger: _Losses) -> bool:
    """Return whether these losses promote; a refusal of the data does not."""
    try:
        return bool(case.gate(case.make(champion, challenger)))
    except ValueError:
        return False
