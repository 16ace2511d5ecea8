"""The walk through the year: nothing is learned before it is known, nothing is judged by who has seen it."""

import dataclasses
import html
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from contlearn.gates import Outcome
from contlearn.policies import Episode
from contlearn.results import DriftState

WEEKS = 14  # long enough for the first retrainings of calendar and loop
DAY = 86_400
HOLDOUT = 14 * DAY  # the latest rows, on which a challenger is judged


@pytest.fixture(scope="module")
def story(example):
    return example("flights")


@pytest.fixture(scope="module")
def report_module(example):
    return example("_flights_report")


@pytest.fixture(scope="module")
def some_flights(flights):
    """Every tenth flight, with features made from all of them."""
    part = slice(None, None, 10)
    return dataclasses.replace(
        flights,
        **{name: getattr(flights, name)[part] for name in ("X", "due", "landed", "late", "day")},
    )


class Witness:
    """Records, through every service, what was trained on and judged on, and when."""

    def __init__(self, story):
        self.trained, self.judged, self.decided = [], [], []
        witness = self

        class Watched(story.Service):
            now = None

            def start(self, rows, now):
                self.now = now
                super().start(rows, now)

            def decide(self, rows, now):
                self.now = now
                witness.decided.append((now, self.strategy.name, rows.table))
                super().decide(rows, now)

            def fit(self, recipe, rows):
                witness.trained.append((self.now, self.strategy.name, recipe.__name__, rows))
                return super().fit(recipe, rows)

            def judge(self, rows, now):
                before, champion_trained_at = len(witness.trained), self.model.trained_at
                tried = super().judge(rows, now)
                parts = [rows for *_, rows in witness.trained[before:]]
                witness.judged.append((now, champion_trained_at, parts, rows.split(now - HOLDOUT)[1]))
                return tried

        self.service = Watched


@pytest.fixture(scope="module")
def lived(story, some_flights):
    """A winter that was lived through, and its witness."""
    witness = Witness(story)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(story, "Service", witness.service)
        year = story.live_through(some_flights, last=WEEKS)
    return year, witness


def service(year, name):
    return next(one for one in year.services if one.strategy.name == name)


def test_no_model_was_trained_on_a_label_that_had_not_come(lived, story):
    _, witness = lived
    assert {who for _, who, *_ in witness.trained} == {"static", "calendar", "loop"}
    assert {recipe for *_, recipe, _ in witness.trained} == {"plain", "jtt"}
    for now, _, _, rows in witness.trained:
        assert rows.landed.max() < now
        assert rows.landed.min() >= now - story.WINDOW
        assert set(np.unique(rows.late)) == {0.0, 1.0}


def test_changing_the_future_changes_no_forecast_and_no_decision(lived, story, some_flights):
    year, _ = lived
    cut = story.START + 12 * story.WEEK
    future = np.isfinite(some_flights.landed) & (some_flights.landed >= cut)
    X = some_flights.X.copy()
    X[some_flights.due >= cut] = 0.0
    other_flights = dataclasses.replace(
        some_flights, late=np.where(future, 1 - some_flights.late, some_flights.late), X=X
    )
    other = story.live_through(other_flights, last=12)
    for mine, theirs in zip(year.weeks[:12], other.weeks[:12], strict=True):
        np.testing.assert_array_equal(mine.table, theirs.table)
    for mine, theirs in zip(year.services, other.services, strict=True):
        assert [(e.decision, e.served) for e in mine.log[:6]] == [(e.decision, e.served) for e in theirs.log]
    assert service(year, "loop").log[3].decision.retrain  # and there was something to decide


def test_the_holdout_is_later_than_both_trainings_and_shares_no_day_with_them(lived, story):
    _, witness = lived
    assert witness.judged
    for now, champion_trained_at, trainings, holdout in witness.judged:
        assert champion_trained_at <= now - HOLDOUT <= holdout.landed.min()
        assert len(np.unique(holdout.day)) == 14
        for rows in trainings[: len(story.STRATEGIES[-1].recipes)]:
            assert rows.landed.max() < now - HOLDOUT
            assert not set(rows.day) & set(holdout.day)


def test_a_champion_that_has_seen_the_holdout_is_not_judged(lived, story, some_flights):
    year, witness = lived
    now, _, table = witness.decided[-1]
    loop = service(year, "loop")
    young = story.Service(loop.strategy, loop.number)
    young.model = dataclasses.replace(loop.model, trained_at=now - story.WEEK)
    with pytest.raises(RuntimeError, match="trained on rows of the holdout"):
        young.judge(story.Rows(table), now)


def test_the_strategies_see_the_same_rows_and_differ_in_their_record_only(lived, story):
    _, witness = lived
    by_week = {}
    for now, _, table in witness.decided:
        by_week.setdefault(now, []).append(table)
    assert all(len(tables) == len(story.STRATEGIES) for tables in by_week.values())
    for first, *others in by_week.values():
        assert all(table is first or np.array_equal(table, first) for table in others)


def test_the_calendar_trains_every_four_weeks_and_the_static_model_never(lived, story):
    year, _ = lived
    assert [e.decision.retrain for e in service(year, "calendar").log] == [False] * 3 + [True] + [
        False
    ] * 3 + [True]
    assert not any(entry.decision for entry in service(year, "static").log)
    assert service(year, "static").fits == 1


def test_the_loop_asks_for_harm_as_well_as_for_drift(story):
    policy = story.STRATEGIES[-1].when
    drift = story.KS().fit(np.arange(2000.0)).detect(np.arange(2000.0) + 5000)
    known = {
        "now": story.moment(story.START + 40 * DAY),
        "trained_at": story.moment(story.START),
        "n_labels": 10_000,
        "drift": drift,
        "loss": 0.15,
        "baseline_loss": 0.15,
        "gap": 0.01,
    }
    before = story.WeekEvidence(**(known | {"now": story.moment(story.START + 33 * DAY)}))
    known["history"] = (Episode(before, policy(before)),)
    assert drift.detected

    def decide(**changed):
        return policy(story.WeekEvidence(**(known | changed)))

    assert not decide()
    assert decide(gap=-0.04)
    assert decide(loss=0.18)
    assert not decide(gap=-0.04, n_labels=4000)
    assert not decide(gap=-0.04, trained_at=story.moment(story.START + 20 * DAY))
    assert decide(now=story.moment(story.START + 56 * DAY))
    assert decide(gap=None).missing == ("gap",)


def test_labels_that_come_after_two_days_are_counted_and_not_learned(story, some_flights):
    landed = some_flights.landed.copy()
    late_ones = np.flatnonzero(np.isfinite(landed))[100:110]
    landed[late_ones] = some_flights.due[late_ones] + 2 * DAY + 61  # the others land at whole minutes
    year = story.live_through(dataclasses.replace(some_flights, landed=landed), last=2)
    due = some_flights.due < story.START + 3 * story.WEEK
    assert year.labels["late"] == 10
    known = np.isfinite(landed) & (landed < story.START + 3 * story.WEEK)
    assert year.labels["in time"] == known.sum() - 10 == sum(map(len, year.weeks))
    assert not np.isin(landed[late_ones], np.concatenate([week.landed for week in year.weeks])).any()
    # the rest never comes, or had not come when the walk ended
    assert year.labels["lost"] == due.sum() - known.sum()


def test_a_block_of_forecasts_is_what_one_flight_at_a_time_would_get(lived, some_flights):
    year, _ = lived
    loop = service(year, "loop")
    block = loop.forecast(some_flights.X[:20])
    np.testing.assert_array_equal(block, [loop.forecast(row[None, :])[0] for row in some_flights.X[:20]])


def test_silence_where_there_is_no_terminal(story, some_flights, capfd):
    story.live_through(some_flights, last=1, progress=False)
    assert capfd.readouterr() == ("", "")


@pytest.fixture(scope="module")
def report(lived, report_module, example):
    shortcut = example("_flights_shortcut").Shortcut(0.5, 0.8, 0.8, 0.9)
    return report_module.Report.of(lived[0], shortcut)


def with_score(report, number, **changes):
    accounts = list(report.accounts)
    accounts[number] = dataclasses.replace(accounts[number], score=accounts[number].score._replace(**changes))
    return dataclasses.replace(report, accounts=tuple(accounts))


def test_the_report_counts_what_the_log_says(report, lived):
    year, witness = lived
    loop = report.loop
    assert loop.occasions == len(witness.judged) > 0
    assert loop.fits == sum(
        story_fits
        for story_fits in (
            1 if name == "plain" else 4 for _, who, name, _ in witness.trained if who == "loop"
        )
    )
    outcomes = [t.verdict.outcome for entry in service(year, "loop").log for t in entry.tried.values()]
    assert sum(loop.verdicts(outcome) for outcome in Outcome) == len(outcomes) == 2 * loop.occasions
    assert loop.score.rows == sum(len(week.served(2)) for week in year.weeks)
    assert all(f"{account.score.log_loss:.4f}" in str(report) for account in report.accounts)


def with_log(report, entries):
    return dataclasses.replace(
        report, accounts=(*report.accounts[:-1], dataclasses.replace(report.loop, log=tuple(entries)))
    )


def test_the_report_says_what_became_of_each_recipe(report):
    text = " ".join(str(report).split())
    loop, asked = report.loop, report.loop.occasions
    counts = {
        outcome: [t.verdict.outcome for e in loop.log for name, t in e.tried.items() if name == "jtt"].count(
            outcome
        )
        for outcome in Outcome
    }
    assert (
        f"promoted {counts[Outcome.PROMOTE] or 'none'} of {asked} JTT challengers: "
        f"{counts[Outcome.REJECT]} rejected, {counts[Outcome.CONTINUE]} for want of evidence."
    ) in text
    assert f"challengers judged no gate no gate {2 * asked} " in text
    assert "turned down" not in text


def test_the_report_says_what_the_models_were_fitted_for(report, lived):
    trained = [recipe for _, who, recipe, _ in lived[1].trained if who == "loop"]
    loop = report.loop
    served = sum(entry.served is not None for entry in loop.log)
    assert len(trained) == 2 + served + 2 * loop.occasions
    assert all(entry.served in (None, "plain") for entry in loop.log)
    assert loop.fitted_for() == (
        f"{1 + served} to serve, {4 * loop.occasions} for the JTT challengers, {loop.occasions} to "
        "test plain ones, and one before the first model, to measure its recipe"
    )


def test_only_weeks_with_an_alarm_count_as_alarms_without_harm(report):
    first = report.loop.log[0]
    quiet = dataclasses.replace(
        first, drift=dataclasses.replace(first.drift, state=DriftState.STABLE, parts={}), gap=0.0
    )
    more = with_log(report, [*report.loop.log, *[quiet] * 5])
    said = [re.search(r"In (\d+) of these", one.lines_about_drift()).group(1) for one in (report, more)]
    assert said[0] == said[1]


def test_the_report_says_whether_the_gate_changed_what_was_served(report):
    entry = next(entry for entry in report.loop.log if entry.tried)
    best = min(entry.tried, key=lambda name: entry.tried[name].loss)
    same = with_log(report, [dataclasses.replace(entry, served=best)])
    changed = with_log(report, [dataclasses.replace(entry, served=None)])
    assert "changed nothing that was served" in same.limits()[0]
    assert "changed what was served 1 times" in changed.limits()[0]


def test_scores_are_those_of_scikit_learn(lived, report_module):
    from sklearn.metrics import brier_score_loss, log_loss

    week = lived[0].weeks[-1].served(1)
    found = report_module.score(lived[0].weeks[-1], 1)
    clipped = np.clip(week.forecasts(1), 0.01, 0.99)
    assert math.isclose(found.log_loss, log_loss(week.late, clipped), rel_tol=1e-9)
    assert math.isclose(found.brier, brier_score_loss(week.late, week.forecasts(1)), rel_tol=1e-9)


def test_an_auc_above_the_limit_is_refused_loudly(report):
    report.refuse_leaks()
    with pytest.raises(SystemExit, match=r"loop: AUC 0\.810 is not below"):
        with_score(report, 2, auc=0.81).refuse_leaks()
    with pytest.raises(SystemExit, match="static"):
        with_score(report, 0, auc=math.nan).refuse_leaks()


def test_bad_news_come_first(report):
    better = with_score(report, 2, log_loss=0.1)
    worse = with_score(report, 2, log_loss=report.calendar.score.log_loss + 0.004)
    assert worse.headline().startswith("The loop did worse than it should: its log-loss is 0.0040 above")
    assert "its log-loss is" not in better.headline()
    assert "no better than the calendar" in worse.headline()
    assert "no better than the calendar" not in better.headline()
    assert str(worse).startswith("The loop did worse")


def test_the_page_is_whole_in_itself_and_escaped(report, example, tmp_path):
    page_module = example("_flights_page")
    evil = dataclasses.replace(report, policy="<script>alert('&')</script>")
    picture, page = page_module.write(evil, tmp_path / "new" / "folder")
    assert picture.read_bytes().startswith(b"\x89PNG")
    text = page.read_text(encoding="utf-8")
    assert html.escape("<script>alert('&')</script>") in text
    assert "<script" not in text
    assert not re.search(r"https?://|@import|url\(", text)
    assert text.count("data:image/png;base64,") == 2
    Balanced().feed(text)


class Balanced(HTMLParser):
    """Fails when a tag is closed that is not the last one open."""

    VOID = frozenset({"meta", "img", "source", "br", "link"})

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_who_serves_a_flight_is_settled_by_a_coin_when_it_leaves(story, some_flights, example):
    """On live traffic a flight has the forecast of the model whose arm it is in, and only of that one."""
    year = story.live_through(some_flights, last=10)  # it ends in the first week of the first canary
    loop = service(year, "loop")
    rollout = loop.rollout
    assert rollout is not None
    week = year.weeks[-1]
    theirs = np.isin(week.forecasts(loop.number), list(rollout.forecasts.values()))
    share = example("_flights_rollout").PLAN[rollout.canary.step][0]
    assert abs(theirs.mean() - share) < 5 * math.sqrt(share * (1 - share) / len(week))
    answer = rollout.canary.answer
    assert answer.ratio_p_value > 0.001
    assert answer.action.value in ("hold", "advance")


def test_the_ledger_knows_what_served_on_any_day_and_why(lived, story):
    year, _ = lived
    loop = service(year, "loop")
    ledger = loop.ledger
    assert ledger.verify()
    first = ledger.champion(at=story.moment(story.START + story.FIRST * story.WEEK))
    assert first.model_id.startswith("plain of ")
    assert first.reason == "the first model"
    assert ledger.champion(at=story.moment(story.START)) is None
    assert ledger.champion().model_id == loop.model.name
    kinds = [entry.kind for entry in ledger.history()]
    assert kinds.count("decision") == len(loop.log)
    assert kinds.count("training") == 1 + sum(entry.served is not None for entry in loop.log)
    assert kinds.count("approval") == sum(
        "duty manager" in str(t.verdict) for e in loop.log for t in e.tried.values()
    )
    recorded = [entry.answer for entry in ledger.history("decision")]
    assert recorded == [entry.decision for entry in loop.log]


def test_a_refusal_by_the_duty_manager_keeps_the_champion(story, lived):
    assert story.duty_manager(0.20, 0.18)["granted"] is False
    assert story.duty_manager(0.185, 0.18)["granted"] is True


@pytest.mark.calibration
def test_the_year_comes_out_as_the_documentation_says(story, flights, report_module, example):
    year = story.live_through(flights)
    report = report_module.Report.of(year, example("_flights_shortcut").Shortcut(0, 0, 0, 0))
    report.refuse_leaks()
    static, calendar, loop = report.accounts
    assert static.score.rows == calendar.score.rows == loop.score.rows == 292_562
    assert 0.485 < static.score.log_loss < 0.495
    assert 0.70 < static.score.auc < 0.72
    assert 0.462 < calendar.score.log_loss < 0.472
    assert 0.74 < calendar.score.auc < 0.755
    assert calendar.occasions == 11
    assert loop.score.log_loss < calendar.score.log_loss + 0.003
    assert loop.occasions < calendar.occasions
    assert loop.promotions < calendar.promotions
    assert loop.verdicts(Outcome.PROMOTE, "jtt") <= 1
    assert year.labels == {"in time": 327_346, "late": 0, "lost": 9_430}
