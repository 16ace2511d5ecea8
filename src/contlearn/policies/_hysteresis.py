"""The rule with two limits: one that arms it, and one that disarms it."""

from __future__ import annotations

from dataclasses import dataclass

from contlearn.policies._base import PolicyLike, Rule, ask, require_policy, unknown
from contlearn.policies._evidence import Episode, Evidence, rewritten
from contlearn.results import Decision


@dataclass(frozen=True, slots=True, repr=False)
class Hysteresis(Rule):
    """Retrain from when `on` says so until `off` says so.

    One limit flutters: a loss about 0.3 crosses it again and again. With two, the rule is armed when `on`
    fires, disarmed when `off` does, and in between stays what it was. Where both fire at once, `on` wins.

    While it is armed it says retrain at every evidence, also after a retraining that did not help; join it
    with `MinAge` or `AtMost` for a pause between two trainings.

    Parameters
    ----------
    on
        The policy or function that arms it.
    off
        The policy or function that disarms it.

    Notes
    -----
    Pure: what it was is found by asking both again of the evidences in `history`, each with the history that
    had come before it, whatever was decided then. Before the first of them it is not known whether the rule
    was armed, and the answer is unknown until `on` or `off` has fired. An evidence for which `on` is unknown
    leaves it unknown, unless it was armed and `off` is known not to fire.

    Cost: both policies for every evidence back to the last that settled it, at most 1,001.

    Examples
    --------
    >>> from contlearn.policies import Episode, Evidence, Hysteresis, LossAbove
    >>> rule = Hysteresis(on=LossAbove(0.3), off=~LossAbove(0.2))
    >>> history, words = (), []
    >>> for loss in (0.25, 0.31, 0.25, 0.19, 0.25):
    ...     evidence = Evidence(loss=loss, history=history)
    ...     decision = rule(evidence)
    ...     history += (Episode(evidence, decision),)
    ...     words.append(decision.word)
    >>> words
    ['unknown', 'retrain', 'retrain', 'wait', 'wait']
    """

    on: PolicyLike
    off: PolicyLike

    def __post_init__(self) -> None:
        require_policy("on", self.on)
        require_policy("off", self.off)

    def __call__(self, evidence: Evidence) -> Decision:
        on, off = ask(self.on, evidence), ask(self.off, evidence)
        now = _settled(_value(on), _value(off))
        before = self._armed(evidence.history) if now is None else None
        armed = _next(before, _value(on), _value(off)) if now is None else now
        told = f"(on: {on.reason}; off: {off.reason})"
        if armed is None:
            missing = [*on.missing, *off.missing, *(("history",) if before is None else ())]
            return unknown(missing, f"not known whether it is armed {told}", (on, off))
        return Decision(armed, f"{'armed' if armed else 'not armed'} {told}", (on, off))

    def _armed(self, history: tuple[Episode, ...]) -> bool | None:
        """Return whether the rule was armed after the last episode; None where that is not known."""
        since: list[tuple[bool | None, bool | None]] = []
        armed = None
        for position in reversed(range(len(history))):
            past = rewritten(history[position].evidence, history=history[:position])
            votes = _value(ask(self.on, past)), _value(ask(self.off, past))
            armed = _settled(*votes)
            if armed is not None:
                break
            since.append(votes)
        for on, off in reversed(since):
            armed = _next(armed, on, off)
        return armed


def _value(decision: Decision) -> bool | None:
    return None if decision.missing else decision.retrain


def _settled(on: bool | None, off: bool | None) -> bool | None:
    """Return what these votes make of the rule, whatever it was; None where it matters what it was."""
    if on:
        return True
    return False if off and on is False else None


def _next(armed: bool | None, on: bool | None, off: bool | None) -> bool | None:
    """Return `on or (armed and not off)` in Kleene's logic."""
    kept = False if armed is False or off else True if armed and off is False else None
    if on or kept:
        return True
    return None if on is None or kept is None else False
