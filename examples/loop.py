"""The whole loop in forty lines: a scanner's lamp fades, which is harmless; then somebody turns it round."""

import numpy as np
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from contlearn.drift import KS
from contlearn.evaluation import mean_loss, zero_one
from contlearn.gates import Gain, Trial
from contlearn.policies import Evidence, LossIncrease, MinLabels, OnDrift
from contlearn.windows import SlidingWindow

X, y = load_digits(return_X_y=True)
X[800:] *= 0.8  # the lamp fades: every image is darker
X[1200:] = X[1200:, ::-1]  # the scanner is turned: every image is upside down

retrain_when = OnDrift() & LossIncrease(0.05) & MinLabels(300)
promote_when = Gain()  # at most 5 % of challengers that are no better are promoted
champion = LogisticRegression(C=0.01, max_iter=1000).fit(X[:500], y[:500])
baseline = zero_one(y[500:600], champion.predict(X[500:600])).mean()
watch, recent = KS(alpha=0.01).fit(X[:500]), SlidingWindow(400)

for now in range(600, 1700, 100):
    X_new, y_new = X[now : now + 100], y[now : now + 100]
    loss = mean_loss(zero_one(y_new, champion.predict(X_new)))  # predict first, learn later
    recent.extend(np.column_stack([X_new, y_new]))
    evidence = Evidence(n_labels=len(recent), drift=watch.detect(X_new), loss=loss, baseline_loss=baseline)
    decision = retrain_when(evidence)
    print(f"row {now}: {evidence.drift.state}; {decision}")
    if decision:
        train, holdout = np.split(recent.rows(), [-100])  # the latest rows: neither model has seen them
        challenger = clone(champion).fit(train[:, :-1], train[:, -1])
        labels, predictions = holdout[:, -1], [m.predict(holdout[:, :-1]) for m in (champion, challenger)]
        verdict = promote_when(Trial.from_predictions(labels, *predictions, loss=zero_one))
        print(f"    {verdict}")
        if verdict:  # a new model, a new normal
            champion, baseline = challenger, zero_one(labels, predictions[1]).mean()
            watch.fit(train[:, :-1])
