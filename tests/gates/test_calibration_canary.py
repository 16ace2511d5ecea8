"""The rates that Canary promises over the whole ramp.

Evidence counts at the row at which it is largest, so asking rarely here is as strict as asking at every row.
"""

import numpy as np
import pytest
from scipy.special import bdtrc

from contlearn.gates import Canary, Guardrail

pytestmark = pytest.mark.calibration

PLAN = ((0.05, 30), (0.2, 100), (0.5, 300))
REPETITIONS = 300
ROWS, LOOK = 4000, 800


def most(rate, n=REPETITIONS, tail=1e-6):
    """Return the largest number of errors that a rate of at most `rate` brings, but for a chance `tail`."""
    return next(errors for errors in range(n + 1) if bdtrc(errors, n, rate) < tail)


def ramp(seed, canary, draw, kept=lambda served, rng: np.ones(served.size, bool), later=0):
    """Return what a canary said, in order, when asked after every `LOOK` rows until it said done or abort.

    And once more, `later` rows after the last.
    """
    rng, said = np.random.default_rng([20_251_122, seed]), []
    for n in [LOOK] * (ROWS // LOOK) + [later] * (later > 0):
        served = rng.random(n) < canary.share
        losses, metrics = draw(rng, served, canary.step)
        rows = kept(served, rng)
        arms = np.where(served, "challenger", "champion")[rows]
        canary.update_many(arms, losses[rows], {name: each[rows] for name, each in metrics.items()} or None)
        said.append(canary.answer.action.value)
        if said[-1] == "advance":
            canary.advance()
        if said[-1] in ("done", "abort"):
            break
    return said


def coins(rng, served, champion, challenger):
    return (rng.random(served.size) < np.where(served, challenger, champion)).astype(float)


def ends(make, draw, **more):
    """Return how many of the canaries ended done, and how many in an abort, and all that was said."""
    said = [ramp(seed, make(), draw, **more) for seed in range(REPETITIONS)]
    return sum(each[-1] == "done" for each in said), sum(each[-1] == "abort" for each in said), said


def test_equal_models_are_rarely_promoted_and_rarely_aborted():
    """At the very edge of both hypotheses, while the world drifts and the ramp changes the shares."""

    def draw(rng, served, step):
        level = (0.1, 0.3, 0.5)[step]
        return coins(rng, served, level, level), {}

    done, aborted, said = ends(lambda: Canary(PLAN, "8"), draw, later=16_000)
    assert done <= most(0.05)
    assert aborted <= most(0.05)
    assert sum("advance" in each for each in said) > 0.9 * REPETITIONS


def test_a_challenger_at_the_margin_is_rarely_promoted():
    def draw(rng, served, step):
        return coins(rng, served, 0.2, 0.25), {"error": coins(rng, served, 0.1, 0.1)}

    done, _, _ = ends(lambda: Canary(PLAN, "8", margin=-0.05, alpha=0.1, guardrails={"error": 0.1}), draw)
    assert done <= most(0.1)


def test_one_broken_guardrail_is_rarely_promoted_however_good_the_rest():
    """It rises by exactly its limit, by which promotion is hardest to keep out."""

    def draw(rng, served, step):
        latency = rng.exponential(np.where(served, 0.5, 0.3))
        broken = coins(rng, served, 0.05, 0.15)
        return coins(rng, served, 0.5, 0.1), {"latency": latency, "error": broken}

    rails = {"latency": Guardrail(0.6, bound=3.0), "error": 0.1}
    done, _, _ = ends(lambda: Canary(PLAN, "8", alpha=0.1, guardrails=rails), draw)
    assert done <= most(0.1)


def test_guardrails_at_their_limit_rarely_abort():
    """Three hypotheses at their edge share the error rate."""

    def draw(rng, served, step):
        error, slow = coins(rng, served, 0.1, 0.2), coins(rng, served, 0.3, 0.35)
        return coins(rng, served, 0.3, 0.3), {"error": error, "slow": slow}

    _, aborted, _ = ends(lambda: Canary(PLAN, "8", alpha=0.1, guardrails={"error": 0.1, "slow": 0.05}), draw)
    assert aborted <= most(0.1)


def test_a_bad_guardrail_aborts_nearly_always():
    def draw(rng, served, step):
        return coins(rng, served, 0.3, 0.3), {"error": coins(rng, served, 0.05, 0.3)}

    done, aborted, _ = ends(lambda: Canary(PLAN, "8", margin=-0.1, guardrails={"error": 0.05}), draw)
    assert done == 0
    assert aborted > 0.95 * REPETITIONS


def test_shares_that_are_right_are_rarely_called_wrong():
    canaries = []

    def make():
        canaries.append(Canary(PLAN, "8", margin=-0.05, ratio_alpha=0.1))
        return canaries[-1]

    ends(make, lambda rng, served, step: (coins(rng, served, 0.3, 0.3), {}))
    mismatches = sum(canary.answer.ratio_p_value <= 0.1 for canary in canaries)
    assert mismatches <= most(0.1)


def test_lost_rows_of_the_challenger_hold_it():
    """It loses a third of its rows, at random: what remains looks fine, and still it is not promoted."""

    def kept(served, rng):
        return ~served | (rng.random(served.size) > 1 / 3)

    done, aborted, said = ends(
        lambda: Canary(PLAN, "8", margin=-0.1),
        lambda rng, served, step: (coins(rng, served, 0.3, 0.3), {}),
        kept=kept,
    )
    assert done + aborted <= most(0.05)
    assert sum(each[-1] == "hold" for each in said) > 0.95 * REPETITIONS


def test_an_equal_challenger_passes_a_margin():
    """The promise would be empty if nothing were ever promoted."""

    def draw(rng, served, step):
        return coins(rng, served, 0.2, 0.2), {"error": coins(rng, served, 0.02, 0.02)}

    done, _, _ = ends(lambda: Canary(PLAN, "8", margin=-0.1, guardrails={"error": 0.1}), draw)
    assert done > 0.9 * REPETITIONS


def test_rows_of_returning_users_break_the_promise():
    """Why the class asks for one row per user: forty rows of each, counted one by one, are forty copies."""

    done = 0
    for seed in range(REPETITIONS):
        rng, canary = np.random.default_rng([7, seed]), Canary(((0.5, 100),), "8", ratio_alpha=1e-9)
        served, habit = rng.random(50) < 0.5, rng.random(50)
        users = rng.permutation(np.repeat(np.arange(50), 40))
        losses = (rng.random(users.size) < habit[users]).astype(float)
        for start in range(0, users.size, LOOK):
            rows = users[start : start + LOOK]
            canary.update_many(np.where(served[rows], "challenger", "champion"), losses[start : start + LOOK])
            if canary.answer:
                done += 1
                break
    assert done > most(0.05)
