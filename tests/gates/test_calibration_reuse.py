"""Twenty challengers on one holdout, and twenty gates in a row: how often, and how far, they go wrong."""

import numpy as np
import pytest
from scipy.stats import binom

from contlearn.gates import Faster, Gain, HoldoutBudget, OldData, Trial

pytestmark = pytest.mark.calibration

ALPHA, CHALLENGERS, N = 0.05, 20, 2_000


def most(repeats, rate=ALPHA):
    """Return the largest count that a true `rate` exceeds with a chance of 1e-6 only."""
    return int(binom.isf(1e-6, repeats, rate))


def equal_models(rng, n=N):
    """Yield the champion's errors and those of equal challengers, which differ on 6 % of the rows."""
    champion = rng.random(n) < 0.2
    for _ in range(CHALLENGERS):
        differ = rng.random(n) < np.where(champion, 0.15, 0.0375)
        yield champion.astype(float), (champion ^ differ).astype(float)


@pytest.mark.parametrize("n_challengers", [None, CHALLENGERS])
def test_twenty_equal_challengers_on_one_holdout(n_challengers):
    rng, repeats, wrong, one_look, point = np.random.default_rng(11), 1_000, 0, 0, 0
    ids = np.arange(N)
    for _ in range(repeats):
        budget = HoldoutBudget(ALPHA, n_challengers=n_challengers)
        trials = [Trial(*losses, ids=ids) for losses in equal_models(rng)]
        wrong += max(budget.judge(Gain(alpha=ALPHA), trial).promote for trial in trials)  # all are asked
        one_look += any(Gain(alpha=ALPHA)(trial).promote for trial in trials)
        point += any(trial.gains.mean() > 0.0 for trial in trials)
    assert wrong <= most(repeats)
    assert wrong >= 0.015 * repeats
    assert one_look >= 0.45 * repeats  # every one at 5 %: half of the time
    assert point >= 0.99 * repeats  # the best of twenty always looks better


def test_reshuffled_halves_of_one_holdout_gain_nothing():
    rng, repeats, wrong, fresh = np.random.default_rng(12), 500, 0, 0
    for _ in range(repeats):
        budget = HoldoutBudget(ALPHA)
        for champion, challenger in equal_models(rng):
            rows = rng.choice(N, N // 2, replace=False)
            trial = Trial(champion[rows], challenger[rows], ids=rows)
            wrong += budget.judge(Gain(alpha=ALPHA), trial).promote
            fresh += HoldoutBudget(ALPHA).judge(Gain(alpha=ALPHA), trial).promote
    assert wrong <= most(repeats)
    assert fresh >= 5 * wrong


def test_new_rows_each_week_are_worth_a_whole_alpha_each():
    """Twenty holdouts that share nothing: each promotes at its own level, as often as without a budget."""
    rng, repeats, with_budget, without = np.random.default_rng(13), 200, 0, 0
    for _ in range(repeats):
        budget = HoldoutBudget(ALPHA)
        for week, (champion, challenger) in enumerate(equal_models(rng)):
            trial = Trial(champion, challenger, ids=np.arange(week * N, (week + 1) * N))
            with_budget += budget.judge(Gain(alpha=ALPHA), trial).promote
            without += Gain(alpha=0.6079271 * ALPHA)(trial).promote
    assert with_budget == without
    assert with_budget <= most(repeats * CHALLENGERS)


@pytest.mark.parametrize(("anchored", "least_loss"), [(True, 0.0), (False, 0.05)])
def test_twenty_gates_in_a_row_lose_no_more_than_the_margin(anchored, least_loss):
    """Every challenger is 0.008 worse than the champion, the margin is -0.01; each holdout is new and large.

    Against the champion alone nearly all pass, and the losses add up. A budget asks for the anchor.
    """
    rng, n, margin = np.random.default_rng(14), 60_000, -0.01
    budget, gate = HoldoutBudget(ALPHA), Gain(margin=margin, alpha=ALPHA)
    champion = best = 0.2
    for number in range(20):
        u = rng.random(n)  # one model errs wherever a better one does
        errors = {rate: (u < rate).astype(float) for rate in (champion, best, champion + 0.008)}
        ids = np.arange(number * n, (number + 1) * n)
        trial = Trial(errors[champion], errors[champion + 0.008], ids=ids)
        if anchored:
            anchor = {"anchor_losses": errors[best]}
            trial = Trial(errors[champion], errors[champion + 0.008], ids=ids, **anchor)
        verdict = budget.judge(gate, trial) if anchored else gate(trial)
        champion = champion + 0.008 if verdict else champion
        best = min(best, champion)
    lost = champion - 0.2
    assert lost >= least_loss
    assert lost <= (-margin if anchored else 0.16 + 1e-9)


def test_latencies_measured_again_and_again_gain_nothing():
    """Both models are equally fast: without an account, one of twenty measurements soon says otherwise."""
    rng, repeats, n, wrong, alone = np.random.default_rng(15), 60, 200, 0, 0
    for _ in range(repeats):
        budget = HoldoutBudget(ALPHA)
        times = [(rng.lognormal(0, 0.5, n), rng.lognormal(0, 0.5, n)) for _ in range(CHALLENGERS)]
        trials = [Trial(np.zeros(n), np.zeros(n), seconds=seconds, ids=np.arange(n)) for seconds in times]
        wrong += any(budget.judge(Faster(), trial).promote for trial in trials)
        alone += any(Faster()(trial).promote for trial in trials)
    assert wrong <= most(repeats)
    assert alone >= 0.3 * repeats


def test_a_set_of_old_rows_that_every_challenger_is_asked_about_is_one_holdout():
    """Each forgets exactly the margin, each week has new rows, and the old ones stay."""
    rng, repeats, n, wrong, alone = np.random.default_rng(16), 60, 1_500, 0, 0
    for _ in range(repeats):
        budget, champion = HoldoutBudget(ALPHA), (rng.random(n) < 0.1).astype(float)
        promoted = []
        for week in range(CHALLENGERS):
            u = rng.random(n)
            challenger = np.where(champion == 1.0, u >= 0.3, u < 0.04 / 0.9)  # 0.03 better, 0.04 worse
            old = {"winter": Trial(champion, challenger, ids=np.arange(n))}
            trial = Trial([0.0], [0.0], ids=[n + week], old_data=old)
            promoted.append((budget.judge(OldData(), trial).promote, OldData()(trial).promote))
        wrong, alone = wrong + any(one for one, _ in promoted), alone + any(other for _, other in promoted)
    assert wrong <= most(repeats)
    assert alone >= 0.3 * repeats
