"""A service that answers one request at a time and gets its labels late; at 12,000 the world changes."""

import heapq

import numpy as np
from river.linear_model import LogisticRegression
from river.preprocessing import StandardScaler

from contlearn.drift import DistributionDetector, Latched, RiskDetector
from contlearn.evaluation import zero_one
from contlearn.gates import Gain, Trial
from contlearn.windows import PendingLabels, SlidingWindow

CHANGE, REQUESTS = 12_000, 24_000
rng = np.random.default_rng(0)


def request(now):
    """Return a request and its label. From `CHANGE` on, amounts are larger, and the rule moves along."""
    moved = float(now >= CHANGE)
    x = {"amount": rng.gamma(2.0 + moved), "age": rng.uniform(-1.0, 1.0)}
    return x, (x["amount"] + x["age"] > 2.5 + moved) != (rng.random() < 0.05)


def trained(rows):
    model = StandardScaler() | LogisticRegression()
    for x, y in rows:
        model.learn_one(x, y)
    return model


past = [request(now) for now in range(-6_000, 0)]
champion = trained(past[:5_000])
reference = [x["amount"] for x, _ in past[5_000:]]

# A false alarm in 10,000 labels and one in 10,000 requests, on average; alarms stand until dealt with.
errors = Latched(RiskDetector(limit=0.12, run_length=10_000))
amount = Latched(DistributionDetector(run_length=10_000)).fit(reference)
pending = PendingLabels(size=100_000)
recent = SlidingWindow(2_000)


def predict(key, x, now):
    y_pred = champion.predict_one(x)
    pending.put(key, (x, y_pred), at=now)
    known = amount.drift_detected
    amount.update(x["amount"])
    if amount.drift_detected and not known:  # no label needed: from here on, collect rows of the new world
        recent.clear()
        print(f"request {now}: amount: {amount.result}")
    return y_pred


def learn(key, y, now):
    row = pending.pop(key, at=now)
    if row is None:
        return  # too late or unknown: counted, never guessed
    x, y_pred = row
    known = errors.drift_detected
    errors.update(y_pred != y)
    recent.append((x, y))
    if errors.drift_detected and not known:
        print(f"request {now}: errors: {errors.result}")
    if errors.drift_detected and len(recent) == recent.size:
        start_challenger(recent.rows(), now)
        errors.reset()


def start_challenger(rows, now):
    """Train on the older rows, judge on the later ones, and promote only what is shown to be better."""
    global champion  # noqa: PLW0603 - what serves
    train, holdout = rows[:1_000], rows[1_000:]
    challenger = trained(train)
    predictions = [[model.predict_one(x) for x, _ in holdout] for model in (champion, challenger)]
    verdict = Gain()(Trial.from_predictions([y for _, y in holdout], *predictions, loss=zero_one))
    print(f"request {now}: {verdict}")
    if verdict:  # a new model, a new normal: only ever by an explicit event
        champion = challenger
        amount.fit([x["amount"] for x, _ in train])


if __name__ == "__main__":
    waiting = []  # labels on their way: when each comes, and for which request
    for now in range(REQUESTS):
        x, y = request(now)
        predict(now, x, now)
        if rng.random() < 0.9:  # one label in ten never comes
            heapq.heappush(waiting, (now + rng.exponential(300.0), now, y))
        while waiting and waiting[0][0] <= now:
            _, key, label = heapq.heappop(waiting)
            learn(key, label, now)
    print(len(pending), "requests wait for their label;", pending.counts["answered"], "got it")
