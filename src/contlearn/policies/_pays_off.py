"""The rule that learns from verdicts which reasons pay, and the rate that it learns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from contlearn import _checks
from contlearn.policies._base import PolicyLike, Rule, ask, expression, require_policy, unknown
from contlearn.policies._evidence import Episode, Evidence, rewritten
from contlearn.results import Decision, Interval


class _Raised(NamedTuple):
    """What became of the challengers that were raised while a policy fired."""

    wins: int
    judged: int
    waited: int  # times the policy has fired since the last of them without a retraining

    @property
    def rate(self) -> float:
        """The mean of the rate of wins after a uniform prior (Laplace's rule of succession)."""
        return (self.wins + 1.0) / (self.judged + 2.0)


@dataclass(frozen=True, slots=True, repr=False)
class PaysOff(Rule):
    """Retrain when `policy` says so, as long as challengers that it raised have been promoted often enough.

    Drift of the inputs often does no harm, and the challengers it raises lose. The gate's verdicts tell: each
    retraining on record at which `policy` fired and whose challenger was judged is a win if it was promoted.
    The rule follows `policy` while the estimated chance of a win is at least `at_least`; below that it waits,
    except for every `explore`-th time that `policy` fires, so that a reason that begins to pay is found
    again.

    Parameters
    ----------
    policy
        The policy or function in question, such as ``OnDrift("weather")``.
    at_least
        The chance of a promotion that is worth a training, strictly between 0 and 1: the cost of a training
        over what a promotion is worth.
    explore
        Once it waits, every how many firings of `policy` go ahead all the same; at least 2.
    of
        How many judged challengers count, the last ones; at least 1, so that old failures are forgotten.

    Notes
    -----
    The estimate is shrunken: ``(wins + 1) / (judged + 2)``, a half before anything is known; at the default
    `at_least`, four challengers in a row must lose before the rule waits, and one win outweighs them. The
    reason is told by asking `policy` again of the past evidence, whatever else retrained then; a verdict of
    CONTINUE is no win, and a challenger that was not judged does not count.

    Unknown when `policy` is, or when it fires and the history is empty. In `replay` every retraining counts
    as promoted: there the rule learns nothing, and wins whenever it fires. `win_rate` of the recorded
    episodes says what it would have learned.

    Cost: `policy` for at most 1,001 evidences.

    Examples
    --------
    >>> from contlearn.policies import Episode, Evidence, LossAbove, PaysOff
    >>> from contlearn.results import Decision, Outcome, Verdict
    >>> lost = Verdict(Outcome.REJECT, "gain -0.01")
    >>> past = [Episode(Evidence(loss=0.4), Decision(True, "loss"), lost) for _ in range(4)]
    >>> rule = PaysOff(LossAbove(0.3))
    >>> print(rule(Evidence(loss=0.4, history=past[:3])))
    retrain: 0 of 3 challengers raised by LossAbove(0.3) won, about 0.2 (need 0.2); loss 0.4 (limit 0.3)
    >>> print(rule(Evidence(loss=0.4, history=past)))
    wait: 0 of 4 challengers raised by LossAbove(0.3) won, about 0.167 (need 0.2), to be tried again the 10th
    time that it fires, now 1; loss 0.4 (limit 0.3)
    """

    policy: PolicyLike
    at_least: float = 0.2
    explore: int = 10
    of: int = 50

    def __post_init__(self) -> None:
        require_policy("policy", self.policy)
        object.__setattr__(self, "at_least", _checks.fraction("at_least", self.at_least))
        object.__setattr__(self, "explore", _checks.count("explore", self.explore, low=2))
        object.__setattr__(self, "of", _checks.count("of", self.of))

    def __call__(self, evidence: Evidence) -> Decision:
        vote = ask(self.policy, evidence)
        if vote.missing:
            return unknown(vote.missing, vote.reason, (vote,))
        if not vote.retrain:
            return Decision(False, vote.reason, (vote,))
        if not evidence.history:
            return unknown(["history"], f"not known what came of earlier challengers; {vote.reason}", (vote,))
        raised = _raised(evidence.history, self.policy, self.of)
        told = f"{raised.wins} of {raised.judged} challengers raised by {expression(self.policy)} won"
        told += f", about {raised.rate:.3g} (need {self.at_least:.3g})"
        if raised.rate >= self.at_least:
            return Decision(True, f"{told}; {vote.reason}", (vote,))
        due = raised.waited + 1 >= self.explore
        told += f", to be tried again the {_nth(self.explore)} time that it fires, now {raised.waited + 1}"
        return Decision(due, f"{told}; {vote.reason}", (vote,))


def win_rate(history: Iterable[Episode], policy: PolicyLike, confidence: float = 0.9) -> Interval:
    """Return how often challengers were promoted that were raised while a policy fired.

    Parameters
    ----------
    history
        Episodes, oldest first, such as ``evidence.history``.
    policy
        The policy or function whose firing is the reason in question; it is asked again of each evidence.
    confidence
        Probability that the rate lies in the interval, strictly between 0 and 1.

    Returns
    -------
    Interval
        The mean and the equal-tailed limits of the rate after a uniform prior: 0.5 in [0.05, 0.95] where
        nothing is known yet.

    Notes
    -----
    Cost: `policy` for every episode.

    Examples
    --------
    >>> from contlearn.policies import Episode, Evidence, LossAbove, win_rate
    >>> from contlearn.results import Decision, Outcome, Verdict
    >>> won, lost = Verdict(Outcome.PROMOTE, "gain 0.02"), Verdict(Outcome.REJECT, "gain -0.01")
    >>> past = [Episode(Evidence(loss=0.4), Decision(True, "loss"), v) for v in [won] + 7 * [lost]]
    >>> print(win_rate(past, LossAbove(0.3)))
    0.2 [0.04102, 0.4291] (90 %)
    """
    from scipy.special import betaincinv

    require_policy("policy", policy)
    _checks.instance("history", history, Iterable, "an iterable of Episode")
    episodes = tuple(history)
    for episode in episodes:
        _checks.instance("history", episode, Episode, "an iterable of Episode")
    tail = (1.0 - _checks.fraction("confidence", confidence)) / 2.0
    found = _raised(episodes, policy, len(episodes))
    shape = found.wins + 1.0, found.judged - found.wins + 1.0
    low, high = (float(betaincinv(*shape, share)) for share in (tail, 1.0 - tail))
    return Interval(found.rate, low, high, float(confidence))


def _raised(history: tuple[Episode, ...], policy: PolicyLike, most: int) -> _Raised:
    """Return what became of the last `most` challengers that were raised while a policy fired."""
    wins = judged = waited = 0
    tried = False
    for episode in _fired(history, policy):
        if not episode.decision.retrain:
            waited += not tried
            continue
        tried = True
        if episode.verdict is None:
            continue
        wins += episode.verdict.promote
        judged += 1
        if judged >= most:
            break
    return _Raised(wins, judged, waited)


def _fired(history: tuple[Episode, ...], policy: PolicyLike) -> Iterator[Episode]:
    """Yield the episodes at which a policy fires, newest first."""
    for position in reversed(range(len(history))):
        if ask(policy, rewritten(history[position].evidence, history=history[:position])).retrain:
            yield history[position]


def _nth(number: int) -> str:
    last = number % 10 if number % 100 not in (11, 12, 13) else 0
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(last, 'th') }"
