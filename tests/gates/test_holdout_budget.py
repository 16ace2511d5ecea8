import copy
import math
import pickle
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone

from contlearn.exceptions import InvalidParameterError, PersistenceError
from contlearn.gates import (
    Approval,
    AUCGain,
    EverySlice,
    Faster,
    Gain,
    Gate,
    HoldoutBudget,
    MetricGain,
    NegativeFlips,
    OldData,
    Outcome,
    SignOff,
    Trial,
    Verdict,
)
from contlearn.persistence import dump, load

law = settings(derandomize=True, deadline=None, max_examples=60)

N = 300


def losses(seed, n=N, rate=0.3):
    return (np.random.default_rng(seed).random(n) < rate).astype(float)


CHAMPION = losses(0)
WINNER = np.where(np.arange(N) < 150, 0.0, CHAMPION)  # better on half of the rows, worse on none


def trial(challenger=1, n=N, **more):
    """Return a trial; an integer makes an equal challenger of its own."""
    found = losses(challenger) if isinstance(challenger, int) else challenger
    return Trial(CHAMPION[:n], found[:n], **more)


def level(k, alpha=0.05):
    return alpha * 6 / (math.pi * k) ** 2


def spent(budget, *trials, gate=None):
    for each in trials:
        budget.judge(Gain() if gate is None else gate, each)
    return budget


# what is spent -------------------------------------------------------------------------------------------


def test_each_challenger_is_asked_at_its_own_alpha_and_they_sum_to_alpha():
    budget, levels = HoldoutBudget(), []
    for k in range(1, 62):
        levels.append(budget.level(trial(k, ids=range(N))))
        assert f"challenger {k} on these rows" in budget.judge(Gain(), trial(k, ids=range(N))).reason
    assert levels == pytest.approx([level(k) for k in range(1, 62)])
    assert sum(levels) < 0.05
    assert 0.05 - sum(levels) < 0.01 * 0.05
    assert [look.alpha for look in budget.history] == levels


def test_equal_shares():
    budget = HoldoutBudget(0.1, n_challengers=4)
    spent(budget, *(trial(k, ids=range(N)) for k in range(1, 5)))
    assert [look.alpha for look in budget.history] == [0.025] * 4
    assert budget.left(trial(ids=range(N))) == 0.0
    assert budget.judge(Gain(), trial(9, ids=range(N))).reason.startswith("alpha 0.1 is spent: 4 challengers")


@pytest.mark.parametrize("n_challengers", [None, 3])
def test_when_alpha_is_spent_nothing_is_promoted_and_nothing_is_told(n_challengers):
    budget = HoldoutBudget(n_challengers=n_challengers)
    spent(budget, *(trial(k, ids=range(N)) for k in range(1, 62)))
    before = pickle.dumps(budget)
    verdict = budget.judge(Gain(), trial(WINNER, ids=range(N)))
    assert verdict.outcome is Outcome.CONTINUE
    assert (verdict.gain, verdict.p_value, verdict.because) == (None, None, ())
    assert "judge on rows that no challenger has seen" in verdict.reason
    assert budget.level(trial(ids=range(N))) == 0.0
    assert pickle.dumps(budget) == before


def test_the_verdict_is_that_of_the_gate_at_the_smaller_alpha():
    budget = spent(HoldoutBudget(), trial(1, ids=range(N)), trial(2, ids=range(N)))
    given_ = trial(3, ids=range(N))
    alone, verdict = Gain(alpha=level(3))(given_), budget.judge(Gain(), given_)
    assert (verdict.outcome, verdict.gain, verdict.p_value) == (alone.outcome, alone.gain, alone.p_value)
    assert verdict.reason.startswith(alone.reason)


def test_an_alpha_of_the_gate_that_is_smaller_stays():
    verdict = HoldoutBudget().judge(Gain(alpha=1e-9), trial(WINNER, ids=range(N)))
    assert "<= 1e-09" in verdict.reason


def test_every_part_of_joined_gates_is_tightened():
    regions = {"region": ["eu", "us"] * (N // 2)}
    budget = spent(HoldoutBudget(), *(trial(k, ids=range(N)) for k in range(1, 6)))
    gate = Gain() & EverySlice(Gain(margin=-0.05), by="region")
    verdict = budget.judge(gate, trial(WINNER, ids=range(N), slices=regions))
    assert verdict == (
        lambda one: Verdict(one.outcome, verdict.reason, one.gain, one.p_value, one.needed, one.because)
    )(
        (Gain(alpha=level(6)) & EverySlice(Gain(-0.05, alpha=level(6)), by="region"))(
            trial(WINNER, slices=regions)
        )
    )


# the same question ---------------------------------------------------------------------------------------


def test_the_same_trial_asked_again_costs_nothing_and_has_the_same_answer():
    budget = HoldoutBudget()
    first = budget.judge(Gain(), trial(1, ids=range(N)))
    spent(budget, *(trial(k, ids=range(N)) for k in range(2, 62)))
    before = pickle.dumps(budget)
    assert budget.judge(Gain(), trial(1, ids=range(N))) == first
    assert pickle.dumps(budget) == before


@pytest.mark.parametrize(
    "other",
    [
        lambda: (Gain(margin=0.01), trial(1, ids=range(N))),
        lambda: (Gain() & small, trial(1, ids=range(N))),
        lambda: (Gain(), trial(2, ids=range(N))),
        lambda: (Gain(), Trial(losses(7), losses(1), ids=range(N))),
        lambda: (Gain(), trial(1, ids=range(N), groups=np.arange(N) // 3)),
        lambda: (Gain(), trial(losses(1)[::-1], ids=range(N))),
    ],
)
def test_another_gate_another_loss_or_other_columns_cost(other):
    budget = spent(HoldoutBudget(), trial(1, ids=range(N)))
    budget.judge(*other())
    assert budget.spent(trial(ids=range(N))) == pytest.approx(level(1) + level(2))


def small(_):
    return Verdict(Outcome.PROMOTE, "it has 2 MB")


def at_most(megabytes):
    def fits(_):
        return Verdict(Outcome.PROMOTE if megabytes > 2 else Outcome.REJECT, "its size")

    return fits


def test_functions_made_alike_are_different_gates():
    budget, given_ = HoldoutBudget(), trial(WINNER, ids=range(N))
    assert not budget.judge(Gain() & at_most(1), given_)
    assert budget.judge(Gain() & at_most(5), given_)
    assert [look.challenger for look in budget.history] == [1, 2]


def test_objects_at_one_address_are_different_gates():
    class AtMost:
        def __init__(self, megabytes):
            self.megabytes = megabytes

        def __call__(self, _):
            return Verdict(Outcome.PROMOTE if self.megabytes > 2 else Outcome.REJECT, "its size")

    budget = HoldoutBudget()
    for megabytes in range(5):
        budget.judge(Gain() & AtMost(megabytes), trial(WINNER, ids=range(N)))
    assert len(budget.history) == 5


def signed(trial):
    return Verdict(Outcome.PROMOTE if trial.approvals else Outcome.CONTINUE, "a signature")


def test_an_approval_that_comes_later_costs_nothing():
    budget = HoldoutBudget()
    assert budget.judge(Gain() & signed, trial(WINNER, ids=range(N))).outcome is Outcome.CONTINUE
    spent(budget, *(trial(k, ids=range(N)) for k in range(1, 61)))
    later = trial(WINNER, ids=range(N), approvals=[SignOff("ada")], seconds=(1.0, 2.0))
    assert budget.judge(Gain() & signed, later)
    assert budget.n_promoted == 1
    assert budget.judge(Gain() & signed, later)
    assert budget.n_promoted == 1
    assert len(budget.history) == 61


def timed(seed, n=N):
    rng = np.random.default_rng(seed)
    return rng.lognormal(size=n), 0.3 * rng.lognormal(size=n)


def test_latencies_are_filled_in_once_and_then_measured_at_a_price():
    """Equal latencies that are measured twenty times look faster once."""
    budget, gate = HoldoutBudget(), Gain() & Faster()
    assert "no seconds" in budget.judge(gate, trial(WINNER, ids=range(N))).reason
    spent(budget, trial(2, ids=range(N)))
    filled = budget.judge(gate, trial(WINNER, ids=range(N), seconds=timed(0)))
    assert "challenger 1 on these rows" in filled.reason
    assert budget.judge(gate, trial(WINNER, ids=range(N), seconds=timed(0))) == filled
    assert [look.challenger for look in budget.history] == [1, 2]
    for place, seed in enumerate((1, 2), start=3):
        again = budget.judge(gate, trial(WINNER, ids=range(N), seconds=timed(seed)))
        assert f"challenger {place} on these rows" in again.reason
    assert "challenger 5 on" in budget.judge(gate, trial(WINNER, ids=range(N))).reason  # it was filled in


@pytest.mark.parametrize("name", ["anchor_losses", "anchor"])
def test_another_anchor_is_another_question(name):
    budget = HoldoutBudget()
    for anchor in (None, CHAMPION, CHAMPION, 1.0 - CHAMPION):
        budget.judge(Gain(margin=-0.1), trial(WINNER, ids=range(N), **{name: anchor}))
    assert [look.challenger for look in budget.history] == [1, 2]


def remembering(k, ids, old_ids=None, **more):
    """Return a trial on rows of its own, with a set of old rows."""
    old = {"winter": Trial(losses(k), losses(k + 50), ids=old_ids, **more)}
    return Trial(losses(k), losses(k + 50), ids=ids, old_data=old)


def test_other_old_data_is_another_question():
    budget = HoldoutBudget()
    for k in (1, 2, 1):
        old = {"winter": Trial(losses(k), losses(k + 50), ids=range(N, 2 * N))}
        budget.judge(OldData(), trial(WINNER, ids=range(N), old_data=old))
    assert [look.challenger for look in budget.history] == [1, 2]


def test_a_set_of_old_rows_that_is_asked_every_week_is_spent_like_any_holdout():
    budget, gate, weeks = HoldoutBudget(), Gain() & OldData(), range(1, 5)
    for week in weeks:
        asked = remembering(week, range(week * N, (week + 1) * N), range(N))
        assert f"challenger {week} on these rows" in budget.judge(gate, asked).reason
    assert budget.level(trial(ids=range(N))) == pytest.approx(level(5))
    assert budget.level(trial(ids=range(N, 2 * N))) == pytest.approx(level(2))
    unread = remembering(9, range(90 * N, 91 * N), range(N))
    assert "challenger 1 on these rows" in budget.judge(Gain(), unread).reason


def test_a_row_of_a_trial_and_of_its_old_data_is_judged_once():
    budget = spent(HoldoutBudget(), remembering(1, range(N), range(N)), gate=OldData())
    assert budget.level(trial(ids=range(N))) == pytest.approx(level(2))


def test_old_rows_without_names_may_be_any():
    budget = spent(HoldoutBudget(), remembering(1, range(N)), gate=OldData())
    assert budget.level(trial(ids=range(N, 2 * N))) == pytest.approx(level(2))


# the same rows -------------------------------------------------------------------------------------------


def old_holdout(ids=True, **more):
    """Return a budget with twenty challengers spent on three hundred rows."""
    names = {"ids": np.arange(N)} if ids else {}
    return spent(HoldoutBudget(), *(trial(k, **names, **more) for k in range(1, 21)))


RNG = np.random.default_rng(5)
REUSED = {
    "reordered": RNG.permutation(N),
    "one row dropped": np.arange(1, N),
    "half of them": RNG.choice(N, N // 2, replace=False),
    "resampled": RNG.integers(0, N, N),
    "every second": np.arange(0, N, 2),
    "one old row among new ones": np.r_[np.arange(1000, 1000 + N), 17],
    "rows appended": np.arange(2 * N),
    "each row twice": np.repeat(np.arange(N), 2),
}


@pytest.mark.parametrize("rows", REUSED.values(), ids=REUSED)
@pytest.mark.parametrize(
    "named",
    [
        lambda rows: rows,
        lambda rows: rows.astype(float),
        lambda rows: rows.astype(np.uint8 if rows.max() < 256 else np.uint16),
        lambda rows: [str(row) for row in rows],
        lambda rows: list(rows.tolist()),
        lambda rows: np.array([str(row).encode() for row in rows]),
        lambda rows: np.fromiter(rows, dtype=object, count=len(rows)),
        lambda rows: np.array([Decimal(f"{row}.0") for row in rows], dtype=object),
        lambda rows: np.array([Fraction(int(row)) for row in rows], dtype=object),
        lambda rows: [f"{row}.0" for row in rows],
        lambda rows: pd.Series(rows, dtype=object),
        lambda rows: pd.array(rows, dtype="Int64"),
    ],
    ids=[
        "integers",
        "floats",
        "unsigned",
        "text",
        "list",
        "bytes",
        "numpy in objects",
        "decimals",
        "fractions",
        "floats as text",
        "objects",
        "pandas",
    ],
)
def test_rows_seen_before_are_known_however_they_come(rows, named):
    budget = old_holdout()
    reused = Trial(losses(1, rows.size), losses(2, rows.size), ids=named(rows))
    assert budget.level(reused) == pytest.approx(level(21))


def test_only_new_rows_begin_anew():
    budget = old_holdout()
    new = Trial(losses(1), losses(2), ids=np.arange(N, 2 * N))
    assert budget.level(new) == pytest.approx(level(1))
    assert budget.left(new) == 0.05
    spent(budget, new)
    assert budget.level(new) == pytest.approx(level(2))
    assert budget.level(trial(ids=range(N))) == pytest.approx(level(21))


def test_a_holdout_that_joins_two_goes_on_from_the_one_that_is_more_spent():
    budget = old_holdout()
    spent(budget, Trial(losses(1), losses(2), ids=np.arange(N, 2 * N)))
    both = Trial(losses(1, 2 * N), losses(2, 2 * N), ids=np.arange(2 * N))
    assert budget.level(both) == pytest.approx(level(21))
    spent(budget, both)
    assert budget.level(Trial([0.0], [1.0], ids=[2 * N - 1])) == pytest.approx(level(3))
    assert budget.level(Trial([0.0], [1.0], ids=[N - 1])) == pytest.approx(level(22))


def test_a_window_that_slides_keeps_a_level():
    """Every row is in ten windows: the oldest row of a window was in nine before."""
    budget, levels = HoldoutBudget(), []
    for week in range(40):
        window = Trial(losses(week, 100), losses(week + 99, 100), ids=np.arange(week * 10, week * 10 + 100))
        levels.append(budget.level(window))
        spent(budget, window)
    assert levels[0] == pytest.approx(level(1))
    assert levels[5] == pytest.approx(level(6))
    assert levels[9:] == pytest.approx([level(10)] * 31)
    fresh = Trial(losses(1, 100), losses(2, 100), ids=np.arange(1000, 1100))
    assert budget.level(fresh) == pytest.approx(level(1))


@law
@given(st.lists(st.frozensets(st.integers(0, 12), min_size=1), max_size=12))
def test_the_alphas_of_the_trials_with_any_one_row_sum_to_at_most_alpha(holdouts):
    budget, of_row = HoldoutBudget(n_holdouts=4), {}
    for number, rows in enumerate(holdouts):
        asked = Trial(np.zeros(len(rows)), np.full(len(rows), number + 1.0), ids=list(rows))
        alpha = budget.level(asked)
        budget.judge(Gain(), asked)
        for row in rows:
            of_row[row] = of_row.get(row, 0.0) + alpha
    assert max(of_row.values(), default=0.0) <= 0.05


@pytest.mark.parametrize(
    ("known", "asked", "fresh"),
    [
        ({}, {}, False),
        ({"ids": 0}, {}, False),
        ({}, {"ids": 0}, False),
        ({"ids": 0}, {"ids": 1}, True),
        ({"y": 0}, {"y": 0}, False),
        ({"y": 0}, {"y": 1}, True),
        ({"y": 0}, {}, False),
        ({"classes": 0}, {"classes": 1}, False),
        ({"groups": 0}, {"groups": 1}, True),
        ({"groups": 0}, {"groups": 0}, False),
        ({"groups": 0}, {"y": 1}, False),
        ({"groups": 0, "y": 0}, {"groups": 0, "y": 1}, True),
        ({"ids": 0, "groups": 0}, {"groups": 1}, True),
        ({"ids": 0, "groups": 0}, {"ids": 0, "groups": 1}, False),
        ({"ids": 0, "groups": 0}, {"ids": 1, "groups": 0}, True),
        ({"ids": 0, "y": 0}, {"ids": 0, "y": 1}, False),
    ],
)
def test_rows_are_new_only_where_something_shows_it(known, asked, fresh):
    columns = {
        "ids": lambda part: {"ids": np.arange(N) + part * N},
        "groups": lambda part: {"groups": [f"day {part}-{row // 50}" for row in range(N)]},
        "y": lambda part: {"y": np.random.default_rng(part).normal(size=N)},
        "classes": lambda part: {"y": np.random.default_rng(part).integers(0, 2, N)},
    }

    def of(parts):
        return {name: column for kind, part in parts.items() for name, column in columns[kind](part).items()}

    budget = spent(HoldoutBudget(), trial(1, **of(known)))
    assert budget.level(trial(2, **of(asked))) == pytest.approx(level(1 if fresh else 2))


def test_labels_in_another_order_or_without_a_row_are_known_again():
    y = np.random.default_rng(0).normal(size=N)
    budget = spent(HoldoutBudget(), trial(1, y=y))
    for rows in REUSED.values():
        rows = rows[rows < N]
        reused = Trial(losses(3, rows.size), losses(4, rows.size), y=y[rows])
        if np.unique(rows).size * 2 > rows.size:
            assert budget.level(reused) == pytest.approx(level(2))


@pytest.mark.parametrize(
    "ids",
    [
        [datetime(2024, 1, 1 + row) for row in range(20)],
        np.arange("2024-01-01", "2024-01-21", dtype="M8[D]"),
        pd.date_range("2024-01-01", periods=20),
        pd.date_range("2024-01-01", periods=20).date.tolist(),
        np.arange("2024-01-01", "2024-01-21", dtype="M8[D]").astype(str),
        np.arange("2024-01-01", "2024-01-21", dtype="M8[D]").astype("M8[ns]").astype(str),
        pd.date_range("2024-01-01 01:00", periods=20, tz="Europe/Paris"),
        np.fromiter(
            np.arange("2024-01-01", "2024-01-21", dtype="M8[D]").astype("M8[s]"), dtype=object, count=20
        ),
    ],
    ids=["datetimes", "numpy", "pandas", "dates", "text", "exact text", "zoned", "numpy in objects"],
)
def test_days_are_known_in_every_form(ids):
    budget = spent(HoldoutBudget(), trial(1, n=20, ids=pd.date_range("2024-01-01", periods=20).to_numpy()))
    assert budget.level(trial(2, n=20, ids=ids)) == pytest.approx(level(2))


def test_large_texts_and_numbers_of_every_size_are_ids():
    ids = [0, -1, 2**63 - 1, 2**64, 2**70, -(2**70), 1.5, "a", "007", "x" * 1000, b"b", "n", ("t", 1)]
    few = Trial(losses(1, len(ids)), losses(2, len(ids)), ids=np.array(ids, dtype=object))
    budget = spent(HoldoutBudget(), few)
    for row in range(len(ids)):
        one = Trial([0.0], [1.0], ids=np.array(ids, dtype=object)[row : row + 1])
        assert budget.level(one) == pytest.approx(level(2))
    assert budget.level(Trial([0.0], [1.0], ids=["7"])) == pytest.approx(level(1))


LARGE = [2**63 - 1, 2**63, 2**64 - 1, -(2**63), 1_234_567_890_123_456_789]


@pytest.mark.parametrize("number", LARGE)
def test_integers_of_64_bits_are_known_in_every_form(number):
    kind = np.uint64 if number >= 2**63 else np.int64
    forms = ([number], [str(number)], [str(number).encode()], np.array([number], dtype=kind))
    for one in forms:
        budget = spent(HoldoutBudget(), Trial([0.0], [1.0], ids=np.array(one)))
        for other in forms:
            objects = np.array(other, dtype=object)
            assert budget.level(Trial([1.0], [0.0], ids=other)) == pytest.approx(level(2))
            assert budget.level(Trial([1.0], [0.0], ids=objects)) == pytest.approx(level(2))


class Nameless:
    """An object that is told by its address only."""


def test_an_object_without_a_text_of_its_own_is_no_id():
    budget, rows = HoldoutBudget(), [*range(N - 1), Nameless()]
    verdict = budget.judge(Gain(), trial(WINNER, ids=np.array(rows, dtype=object)))
    assert verdict.outcome is Outcome.CONTINUE
    assert "that no text tells" in verdict.reason
    assert budget.history == ()
    budget.judge(Gain(), trial(WINNER, groups=np.array(rows, dtype=object)))
    assert budget.level(trial(2)) == pytest.approx(level(2))


@pytest.mark.parametrize("missing", [None, float("nan"), pd.NaT])
def test_a_row_without_an_id_is_not_judged_and_costs_nothing(missing):
    budget = HoldoutBudget()
    verdict = budget.judge(Gain(), trial(WINNER, ids=np.array([*range(N - 1), missing], dtype=object)))
    assert verdict.outcome is Outcome.CONTINUE
    assert "give each row its id" in verdict.reason
    assert budget.history == ()


def test_a_trial_without_rows_costs_nothing():
    budget = HoldoutBudget()
    assert budget.judge(Gain(), Trial([], [])).outcome is Outcome.CONTINUE
    assert budget.history == ()


@pytest.mark.parametrize("share", [1.0, 0.5, 0.05])
def test_large_holdouts_are_known_by_their_sketch(share):
    n, rng = 50_000, np.random.default_rng(1)
    budget = spent(HoldoutBudget(), Trial(np.zeros(n), rng.random(n), ids=np.arange(n)))
    state = len(pickle.dumps(budget))
    rows = rng.choice(n, int(share * n), replace=False)
    again = Trial(np.zeros(2 * rows.size), np.ones(2 * rows.size), ids=np.r_[rows, rows + n])
    assert budget.level(again) == pytest.approx(level(2))
    assert budget.level(Trial(np.zeros(n), np.ones(n), ids=np.arange(n, 2 * n))) == pytest.approx(level(1))
    assert state < 18_000


# margins below zero --------------------------------------------------------------------------------------

CREEPING = losses(0, 2000, 0.2)


def allowed(k, **more):
    """Return a trial of a challenger that is as good as the champion, for a margin of -0.05."""
    return Trial(CREEPING, np.roll(CREEPING, k + 1), ids=np.arange(k * 2000, (k + 1) * 2000), **more)


@pytest.mark.parametrize(
    "gate",
    [
        Gain(margin=-0.1),
        Gain(margin=-0.1) & small,
        EverySlice(Gain(margin=-0.1), by="half"),
        Gain(margin=-0.1) & Gain(margin=-0.2),
        EverySlice(Gain(), by="half", margins={"a": -0.1, "b": -0.1}),
    ],
)
def test_after_a_promotion_a_margin_below_zero_needs_the_anchor(gate):
    halves = {"slices": {"half": ["a"] * 1000 + ["b"] * 1000}}
    budget = HoldoutBudget()
    first = budget.judge(gate, allowed(0, **halves))
    assert first
    second = budget.judge(gate, allowed(1, **halves))
    assert second.outcome is Outcome.CONTINUE
    assert "anchor_losses" in second.reason
    assert budget.judge(gate, allowed(0, **halves)) == first  # the promoted one asked again
    third = budget.judge(gate, allowed(2, anchor_losses=CREEPING, **halves))
    assert third
    assert budget.n_promoted == 2


def test_a_gain_of_the_whole_lets_slices_lose_a_little_without_an_anchor():
    halves = {"slices": {"half": ["a"] * 150 + ["b"] * 150}}
    gate, budget = Gain() & EverySlice(Gain(margin=-0.2), by="half"), HoldoutBudget()
    assert budget.judge(gate, trial(WINNER, ids=np.arange(N), **halves))
    assert budget.judge(gate, trial(WINNER, ids=np.arange(N, 2 * N), **halves))


def scored(k, gains=-0.03, **more):
    """Return a trial whose challenger loses 3 points more, or less, and ranks the rows better."""
    rng, n = np.random.default_rng(k), 2000
    y = np.arange(n) % 2
    champion, challenger = (y * gap + rng.normal(size=n) for gap in (1.0, 3.0))
    more = {"anchor_losses": CREEPING} | more
    other = np.where(rng.random(n) < (5.0 if gains > 0.0 else 1.0) * abs(gains), float(gains < 0.0), CREEPING)
    ids = np.arange(k * n, (k + 1) * n)
    return Trial(CREEPING, other, y=y, champion=champion, challenger=challenger, ids=ids, **more)


@pytest.mark.parametrize(
    "other",
    [AUCGain(), Faster(1.5), OldData(Gain()), NegativeFlips(0.2), MetricGain("roc_auc", n_resamples=200)],
)
def test_only_the_same_measure_of_all_rows_forbids_a_loss(other):
    """A better rank, or a shorter time, says nothing about the mean loss that may fall at every promotion."""
    old = {"winter": Trial(np.r_[np.ones(100), np.zeros(100)], np.zeros(200))}
    beside = {"seconds": (np.linspace(1, 2, 300), np.linspace(1, 2, 301)), "old_data": old}
    gate, budget = other & Gain(margin=-0.1), HoldoutBudget()
    assert budget.judge(gate, scored(0, anchor_losses=None, **beside))
    creeping = budget.judge(gate, scored(1, anchor_losses=None, **beside))
    assert creeping.outcome is Outcome.CONTINUE
    assert "pass anchor_losses" in creeping.reason
    assert budget.judge(gate, scored(2, **beside))
    assert budget.n_promoted == 2


@pytest.mark.parametrize(
    "gate",
    [
        AUCGain(margin=-0.1),
        MetricGain("roc_auc", margin=-0.1, n_resamples=200),
        EverySlice(AUCGain(margin=-0.1), by="half") & Gain(),
    ],
)
def test_a_margin_below_zero_of_a_metric_needs_the_predictions_of_the_anchor(gate):
    budget = HoldoutBudget()
    beside = {"slices": {"half": ["a"] * 1000 + ["b"] * 1000}, "anchor_losses": None}
    first, second, third = (scored(k, gains=0.03, **beside) for k in range(3))
    assert budget.judge(gate, first)
    refused = budget.judge(gate, second)
    assert refused.outcome is Outcome.CONTINUE
    assert "pass anchor, the predictions" in refused.reason
    assert budget.judge(gate & AUCGain() & MetricGain("roc_auc", n_resamples=200), third)
    assert budget.judge(gate, scored(3, gains=0.03, anchor=first.champion, **beside))
    assert budget.n_promoted == 3


def test_old_data_that_may_lose_needs_an_anchor_of_its_own():
    budget, gate = HoldoutBudget(), OldData(Gain(margin=-0.1))

    def kept(k, **more):
        rows = np.arange(k * 2000, (k + 1) * 2000)
        winter = Trial(CREEPING, np.roll(CREEPING, k + 1), ids=rows, **more)
        return Trial([0.0], [0.0], ids=[-k - 1], old_data={"winter": winter})

    assert budget.judge(gate, kept(0))
    assert "anchor_losses" in budget.judge(gate, kept(1)).reason
    assert budget.judge(gate, kept(2, anchor_losses=CREEPING))


@pytest.mark.parametrize("gate", [Faster(1.5), NegativeFlips(0.2), Faster(1.5) & NegativeFlips(0.2)])
def test_what_says_nothing_about_the_loss_promotes_alone_only_once(gate):
    budget, beside = HoldoutBudget(), {"seconds": (np.linspace(1, 2, 300), np.linspace(1, 2, 301))}
    assert budget.judge(gate, scored(0, **beside))
    refused = budget.judge(gate, scored(1, **beside))
    assert refused.outcome is Outcome.CONTINUE
    assert refused.reason.startswith("the gate says nothing about the loss")
    assert budget.judge(gate & Gain(margin=-0.1), scored(2, **beside))


# gates without an error rate -----------------------------------------------------------------------------


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize("gate", [small, Approval("ada"), EverySlice(small, by="half") & small])
def test_what_keeps_no_error_rate_is_never_promoted_and_costs_nothing(gate, blind):
    budget = HoldoutBudget(blind=blind)
    before = pickle.dumps(budget)
    signed_ = {"approvals": [SignOff("ada")], "slices": {"half": [0, 1] * (N // 2)}}
    verdict = budget.judge(gate, trial(WINNER, ids=range(N), **signed_))
    assert verdict.outcome is Outcome.CONTINUE
    assert verdict.reason.startswith("the gate keeps no error rate")
    assert verdict.reason.endswith("nothing was spent") == blind
    assert pickle.dumps(budget) == before


@dataclass(frozen=True, slots=True)
class Shares(Gate):
    """A gate of a user's, with an alpha of its own."""

    alpha: float = 0.05

    def __call__(self, trial):
        return Verdict(Outcome.PROMOTE, f"asked at {self.alpha:.6f}")


def test_a_gate_of_a_user_is_asked_at_its_alpha():
    budget = spent(HoldoutBudget(), trial(1, ids=range(N)))
    assert budget.judge(Shares(), trial(2, ids=range(N))).reason.startswith(f"asked at {level(2):.6f}")


def test_a_gate_that_fails_spends_nothing():
    def broken(_):
        raise RuntimeError("no disk")

    budget = HoldoutBudget()
    before = pickle.dumps(budget)
    with pytest.raises(RuntimeError, match="no disk"):
        budget.judge(Gain() & broken, trial(1))
    with pytest.raises(InvalidParameterError, match="a Verdict"):
        budget.judge(lambda _: True, trial(1))
    for gate, asked in ((Gain, trial(1)), (None, trial(1)), (Gain(), CHAMPION)):
        with pytest.raises(InvalidParameterError):
            budget.judge(gate, asked)
    assert pickle.dumps(budget) == before


# the machine ---------------------------------------------------------------------------------------------


def test_what_is_blind_tells_the_outcome_only():
    budget = HoldoutBudget(blind=True)
    verdict = budget.judge(Gain(), trial(WINNER, ids=range(N)))
    assert verdict.promote
    assert (verdict.gain, verdict.p_value, verdict.needed, verdict.because) == (None, None, None, ())
    assert "p =" not in verdict.reason


def test_questions_change_nothing():
    budget = old_holdout()
    before = pickle.dumps(budget)
    asked = trial(99, ids=range(N))
    assert (budget.spent(asked), budget.left(asked), budget.level(asked), budget.n_promoted, str(budget)) == (
        budget.spent(asked), budget.left(asked), budget.level(asked), budget.n_promoted, str(budget)
    )  # fmt: skip
    assert len(budget.history) == 20
    assert pickle.dumps(budget) == before
    assert len(str(budget).splitlines()) == 1


def test_the_oldest_holdout_is_forgotten_in_the_safe_direction():
    budget = HoldoutBudget(n_holdouts=3)
    for k in range(1, 6):
        spent(budget, trial(k, ids=range(N)))
    for part in range(1, 4):
        spent(budget, Trial(losses(1), losses(2), ids=np.arange(part * N, (part + 1) * N)))
    assert budget.level(trial(9, ids=range(N))) == pytest.approx(level(6))
    never_seen = Trial(losses(1), losses(2), ids=np.arange(90 * N, 91 * N))
    assert budget.level(never_seen) == pytest.approx(level(6))


def test_memory_is_bounded():
    budget, sizes = HoldoutBudget(n_challengers=3, n_holdouts=5), []
    for k in range(300):
        spent(budget, Trial(losses(k, 50), losses(k + 1, 50), ids=np.arange(k * 50, (k + 1) * 50)))
        if k in (100, 299):
            sizes.append(len(pickle.dumps(budget)))
    assert sizes[1] <= sizes[0] + 50
    assert len(budget.history) <= 15


def test_reset_and_clones_begin_anew():
    budget = HoldoutBudget(0.1, 7, 9, True)
    spent(budget, trial(1, ids=range(N)))
    fresh = [budget.clone(), clone(budget)]
    budget.reset()
    for each in (budget, *fresh):
        assert repr(each) == "HoldoutBudget(alpha=0.1, n_challengers=7, n_holdouts=9, blind=True)"
        assert vars(each) == vars(HoldoutBudget(0.1, 7, 9, True))


@pytest.mark.parametrize(
    "copied", [lambda b: load(dump(b)), copy.deepcopy, lambda b: pickle.loads(pickle.dumps(b))]
)
def test_saved_and_restored_anywhere_it_goes_on_as_if_never_stopped(copied):
    def journey(budget, steps):
        said = []
        for k in steps:
            ids = np.arange(N) + (k % 3) * (N // 2) if k % 4 else None
            said.append(budget.judge(Gain() if k % 5 else Gain(margin=-0.1), trial(k, ids=ids)))
        return said

    whole = journey(HoldoutBudget(n_holdouts=2), range(1, 30))
    for stop in range(1, 30, 4):
        budget = HoldoutBudget(n_holdouts=2)
        assert journey(budget, range(1, stop)) + journey(copied(budget), range(stop, 30)) == whole


@pytest.mark.parametrize(
    "parameters",
    [
        {"alpha": 0.0},
        {"alpha": 0.5},
        {"alpha": float("nan")},
        {"n_challengers": 0},
        {"n_challengers": 1001},
        {"n_holdouts": 0},
        {"blind": 1},
    ],
)
def test_parameters_out_of_range_are_refused(parameters):
    with pytest.raises(InvalidParameterError, match=next(iter(parameters))):
        HoldoutBudget(**parameters)


@pytest.mark.parametrize(
    "forged", [{"place": 10**30}, {"judged": 0}, {"sets": (), "sizes": ()}, {"sizes": ()}]
)
def test_counts_that_no_budget_has_are_refused_from_a_file(forged):
    budget = spent(HoldoutBudget(), trial(1, ids=range(N)))
    budget._holdouts[0] = budget._holdouts[0]._replace(**forged)
    with pytest.raises(PersistenceError):
        load(dump(budget))
