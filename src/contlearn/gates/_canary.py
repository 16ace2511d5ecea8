"""A challenger on live traffic: a plan, and what to do next."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from river.base import Base

from contlearn import _checks
from contlearn.gates import _assignment, _canary_findings, _canary_metrics, _canary_plan, _sample_ratio
from contlearn.gates._canary_answer import CanaryAction, CanaryAnswer
from contlearn.gates._guardrail import Guardrail
from contlearn.gates._two_arms import TwoArms, _challengers, _within
from contlearn.results import Outcome, Verdict


class Canary(Base):  # type: ignore[misc]
    """Try a challenger on a part of the live traffic, step by step, and say what to do next.

    A state machine without network and clock: your router asks `assign` who serves a key, your service hands
    in what came of it by `update`, and `answer` says hold, advance, abort or done. Nothing moves by itself:
    `advance` and `abort` are commands, so that a person can stand at each of them.

    Parameters
    ----------
    plan
        Steps: pairs of the share of traffic that goes to the challenger, strictly between 0 and 1 and rising,
        and the rows of the challenger to see in this step before the next may begin.
    salt
        Decides which keys go first, such as the id of the challenger: with one salt, the same users would
        try out every challenger.
    margin
        The gain in mean loss that promotion must show; negative for non-inferiority. Strictly between
        -`bound` and `bound`.
    alpha
        Error rate, one-sided, below 0.5; see the notes.
    guardrails
        Further metrics that must not rise, by name: each a `Guardrail`, or a number, the largest rise of what
        happens or does not.
    bound
        Largest possible loss; losses lie in [0, `bound`].
    ratio_alpha
        Rate at which the check of the shares is wrong when all is in order.

    Notes
    -----
    Promised over the whole ramp, however often `answer` is asked:

    - DONE with probability at most `alpha`, if the gain is at most `margin` or any guardrail rises by its
      limit or more. Each of them must be shown, so none has to share its level.
    - ABORT with probability at most `alpha`, if the gain is at least `margin` and no guardrail rises by more
      than its limit: `alpha` is split evenly between the loss and the guardrails.
    - A sample-ratio mismatch, where there is none, with probability at most `ratio_alpha`. It holds the
      canary for good: rows are lost or end in the wrong arm, and later rows do not repair those before. Only
      what is shown worse still aborts. The answer's `mismatch` tells it from other reasons to hold.

    What is assumed: each row is that of a key that has not been handed in before, and so in its arm by
    chance; rows come in the order of serving or near it, never sorted by arm; given the past, the mean gain
    stays on one side of the margin. It may change otherwise, and so may the losses of both models. The rows
    of a user all go to one model, so hand in one row per user, such as their mean loss, or take the request
    for the key; otherwise the rates are not kept.

    `assign` hashes salt and key by BLAKE2b to one of 2**64 places, the first of which are the challenger's:
    who has it at 5 % has it at 20 %. Keys are texts, bytes or integers; 7, "7" and b"7" are three keys.

    The evidence on every metric is a betting martingale on losses weighted by the share that held when the
    row was served [1]_, and goes on from step to step. The shares are checked by Bayes factors [2]_.

    Cost: constant memory, some 300 bytes for the loss and each guardrail; ten microseconds per `update` and
    metric, one per row in `update_many` and per `assign`; a millisecond per `answer` and metric.

    Not to be shared by threads without a lock, except `assign` as long as nobody advances or aborts.

    References
    ----------
    .. [1] I. Waudby-Smith, L. Wu, A. Ramdas, N. Karampatziakis and P. Mineiro, "Anytime-valid off-policy
       inference for contextual bandits", ACM/IMS Journal of Data Science 1 (2024).
    .. [2] M. Lindon and A. Malek, "Anytime-valid inference for multinomial count data", Advances in Neural
       Information Processing Systems 35 (2022).

    Examples
    --------
    >>> from contlearn.gates import Canary
    >>> canary = Canary([(0.1, 100), (0.5, 400)], salt="model 8", margin=-0.1)
    >>> canary.assign("user 4"), canary.assign("user 21")
    ('champion', 'challenger')
    >>> print(canary.answer)
    hold: step 1 of 2, share 0.1: 0 of 100 rows of the challenger
    >>> users = [f"user {number}" for number in range(3000)]
    >>> arms = [canary.assign(user) for user in users[:1000]]
    >>> canary.update_many(arms, losses=[0.2] * 1000)
    >>> canary.answer.action
    CanaryAction.ADVANCE
    >>> canary.advance()
    1
    >>> canary.update_many([canary.assign(user) for user in users[1000:]], losses=[0.2] * 2000)
    >>> canary.answer.action, canary.verdict.promote
    (CanaryAction.DONE, True)
    """

    _counts: tuple[tuple[int, int], ...]  # rows of champion and challenger in each step
    _loss: TwoArms
    _guarded: dict[str, TwoArms]

    def __init__(
        self,
        plan: Sequence[tuple[float, int]],
        salt: str,
        *,
        margin: float = 0.0,
        alpha: float = 0.05,
        guardrails: Mapping[str, Guardrail | float] | None = None,
        bound: float = 1.0,
        ratio_alpha: float = 0.001,
    ) -> None:
        _checks.instance("salt", salt, str, "a text")
        if not salt:
            _checks.fail("salt", "not be empty", salt, "such as the id of the challenger")
        _checks.fraction("ratio_alpha", ratio_alpha)
        _canary_plan.steps_of(plan)
        _canary_plan.guardrails_of(guardrails)
        self.plan = plan
        self.salt = salt
        self.margin = margin
        self.alpha = alpha
        self.guardrails = guardrails
        self.bound = bound
        self.ratio_alpha = ratio_alpha
        self.reset()

    def reset(self) -> None:
        """Begin anew, at the first step and without a row."""
        self._shares = tuple(step.share for step in _canary_plan.steps_of(self.plan))
        self._step = 0
        self._aborted = ""  # why, once somebody said so
        self._counts = ((0, 0),) * len(self._shares)
        self._ratio_logs = (0.0,) * len(self._shares)  # evidence in each step that its share is another
        self._mismatch = 0.0  # largest log evidence so far that the shares are not those of the plan
        self._loss = TwoArms(self.margin, self.alpha, self.bound)
        self._guarded = {
            name: TwoArms(-rail.limit, self.alpha, rail.bound) for name, rail in self._rails.items()
        }

    # -- traffic -------------------------------------------------------------

    @property
    def step(self) -> int:
        """Position in the plan, from 0."""
        return self._step

    @property
    def share(self) -> float:
        """Share of the traffic that goes to the challenger now; 0 once aborted."""
        return 0.0 if self._aborted else self._shares[self._step]

    def assign(self, key: str | bytes | int) -> _assignment.Arm:
        """Return who serves a key: always the same, until the challenger gets more or is aborted.

        Raises
        ------
        InvalidInputError
            If the key is neither a text nor bytes nor an integer.
        """
        return _assignment.arm_of(self.salt, key, self.share)

    # -- what came of it -----------------------------------------------------

    def update(
        self,
        arm: str,
        loss: float,
        metrics: Mapping[str, float] | None = None,
        *,
        step: int | None = None,
    ) -> None:
        """Take in the outcome of one row.

        Parameters
        ----------
        arm
            "champion" or "challenger": who served it.
        loss
            Its loss, between 0 and `bound`.
        metrics
            Its value of every guardrail, by name.
        step
            Step in which it was served; None: the present one. Say it where outcomes come late.

        Raises
        ------
        InvalidInputError
            If anything is missing or out of range; nothing is changed then.
        """
        at = self._at(step)
        served = _canary_metrics.is_challenger(arm)
        value = _canary_metrics.one("loss", loss, float(self.bound))
        guarded = _canary_metrics.read_one(metrics, self._rails)
        champion, challenger = self._counts[at]
        self._count(at, champion + (not served), challenger + served)
        self._loss.update(arm, value, self._shares[at])
        for name, each in guarded.items():
            self._guarded[name].update(arm, each, self._shares[at])

    def update_many(
        self,
        arms: ArrayLike,
        losses: ArrayLike,
        metrics: Mapping[str, ArrayLike] | None = None,
        *,
        step: int | None = None,
    ) -> None:
        """Take in the outcomes of many rows of one step, exactly as repeated `update` would.

        Raises
        ------
        InvalidInputError
            If any row is refused; none of them is counted then.
        """
        at = self._at(step)
        served = _challengers(arms)
        losses = _within("losses", losses, 0.0, float(self.bound))
        guarded = _canary_metrics.read(metrics, self._rails)
        if not _checks.same_length(arms=served, losses=losses, **guarded):
            return
        champion, challenger = self._counts[at]
        self._count(at, champion + np.cumsum(~served), challenger + np.cumsum(served))
        self._loss.update_many(arms, losses, self._shares[at])
        for name, values in guarded.items():
            self._guarded[name].update_many(arms, values, self._shares[at])

    def _at(self, step: int | None) -> int:
        at = self._step if step is None else _checks.count("step", step, low=0)
        if at > self._step:
            cure = "it is the step in which the row was served, from 0; `advance` begins the next"
            _checks.fail("step", f"be at most {self._step}, the present one", step, cure)
        return at

    def _count(self, at: int, champion: Any, challenger: Any) -> None:
        """Count rows of a step, given the numbers after each of them: the check of the shares sees all."""
        evidence = np.atleast_1d(_sample_ratio.log_evidence(champion, challenger, self._shares[at]))
        before, after = self._ratio_logs[:at], self._ratio_logs[at + 1 :]
        largest = _sample_ratio.log_mean((*before, float(evidence.max()), *after))
        self._mismatch = max(self._mismatch, largest)
        self._ratio_logs = (*before, float(evidence[-1]), *after)
        rows = int(np.max(champion)), int(np.max(challenger))
        self._counts = (*self._counts[:at], rows, *self._counts[at + 1 :])

    # -- what to do ----------------------------------------------------------

    @property
    def answer(self) -> CanaryAnswer:
        """What to do next, from all rows so far."""
        return self._answer(self._seen)

    @property
    def verdict(self) -> Verdict:
        """The answer as a gate would give it: PROMOTE when done, REJECT on abort, CONTINUE before."""
        seen = self._seen
        answer = self._answer(seen)
        outcomes = {CanaryAction.DONE: Outcome.PROMOTE, CanaryAction.ABORT: Outcome.REJECT}
        return Verdict(
            outcomes.get(answer.action, Outcome.CONTINUE),
            answer.reason,
            gain=answer.gain,
            p_value=answer.p_value,
            needed=None if answer.action in outcomes or answer.mismatch else seen.needed,
            because=tuple(answer.guardrails.values()),
        )

    def _answer(self, seen: _canary_findings.Seen) -> CanaryAnswer:
        action, reason = _canary_findings.decide(seen)
        return CanaryAnswer(
            action=action,
            reason=reason,
            step=self._step,
            share=self.share,
            gain=seen.gains[""],
            p_value=seen.p_value if sum(map(sum, self._counts)) else None,
            ratio_p_value=seen.ratio_p_value,
            mismatch=seen.mismatch,
            guardrails={name: _canary_findings.verdict(seen, name) for name in self._guarded},
        )

    def advance(self) -> int:
        """Begin the next step, and return its position; refused unless the answer is to advance."""
        answer = self.answer
        if answer.action is not CanaryAction.ADVANCE:
            _checks.bad_data("the answer", "be advance before the next step", str(answer))
        self._step += 1
        return self._step

    def abort(self, reason: str) -> None:
        """Give all the traffic back to the champion, for good; `reason` says why, and must not be empty."""
        if not isinstance(reason, str) or not reason.strip():
            _checks.fail("reason", "say why", repr(reason))
        self._aborted = self._aborted or reason

    # -- evidence ------------------------------------------------------------

    @property
    def _rails(self) -> dict[str, Guardrail]:
        return _canary_plan.guardrails_of(self.guardrails)

    @property
    def _seen(self) -> _canary_findings.Seen:
        metrics = {"": self._loss, **self._guarded}
        return _canary_findings.Seen(
            steps=_canary_plan.steps_of(self.plan),
            step=self._step,
            counts=self._counts,
            aborted=self._aborted,
            metrics=metrics,
            gains={name: arms.gain for name, arms in metrics.items()},
            ratio_p_value=math.exp(-self._mismatch),
            alpha=float(self.alpha),
            ratio_alpha=float(self.ratio_alpha),
        )

    # -- the rest ------------------------------------------------------------

    def __sklearn_clone__(self) -> Self:
        clone: Self = self.clone()
        return clone

    def __repr__(self) -> str:
        others = [
            each
            for each in inspect.signature(type(self)).parameters.values()
            if each.kind == each.KEYWORD_ONLY
        ]
        given = "".join(
            f", {each.name}={getattr(self, each.name)!r}"
            for each in others
            if getattr(self, each.name) != each.default
        )
        return f"Canary({self.plan!r}, salt={self.salt!r}{given})"

    def __str__(self) -> str:
        return str(self.answer)
