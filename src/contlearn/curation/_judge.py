"""Which rows a model gets right when it has not seen them: the identifying tree, the probe, the final bag."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.tree import DecisionTreeClassifier

from contlearn.curation._cells import draw_equal
from contlearn.curation._members import fitted, joint_labels, weight_parameter
from contlearn.curation._numbers import Numbers, in_bins
from contlearn.curation._training_data import Split, TrainingData

WRONG, RIGHT, UNJUDGED = 0, 1, -1
BAG_OF_JUDGES = 3

Verdicts = NDArray[np.int8]


@dataclass(frozen=True)
class ProbeVerdicts:
    """What the cheap probe gets right: as it stands, with balanced classes, on balanced cells."""

    plain: Verdicts
    class_balanced: Verdicts
    cell_balanced: Verdicts


def judge_by_tree(
    data: TrainingData, numbers: Numbers, splits: Sequence[Split], rng: np.random.Generator
) -> Verdicts:
    """Judge by a tree too shallow to see more than the easiest pattern, which is what a shortcut is."""

    def right(split: Split, stream: np.random.Generator) -> NDArray[np.bool_]:
        train, test = split
        seen, unseen = numbers.split(split, stream)
        tree = DecisionTreeClassifier(max_depth=2, min_samples_leaf=10)
        return np.asarray(_answers(tree, data, train, seen, unseen, stream) == data.codes[test])

    return _out_of_fold(len(data), splits, rng, right)


def judge_by_identifier(
    data: TrainingData, identifier: Any, splits: Sequence[Split], rng: np.random.Generator
) -> Verdicts:
    """Judge by the user's own identification model."""
    weighted = weight_parameter(identifier) is not None

    def right(split: Split, stream: np.random.Generator) -> NDArray[np.bool_]:
        train, test = split
        if _one_class(data, train):
            return np.asarray(data.y[test] == data.y[train[0]])
        weights = data.take_weights(train) if weighted else None
        model = fitted(identifier, data.take(train), data.y[train], weights, stream)
        return np.asarray(np.asarray(model.predict(data.take(test))) == data.y[test])

    return _out_of_fold(len(data), splits, rng, right)


def judge_by_probe(
    data: TrainingData,
    numbers: Numbers,
    cells: NDArray[np.intp],
    splits: Sequence[Split],
    rng: np.random.Generator,
) -> ProbeVerdicts:
    """Judge by small boosting in three trainings that share their folds."""
    verdicts = np.full((3, len(data)), UNJUDGED, dtype=np.int8)
    for split, stream in zip(splits, rng.spawn(len(splits)), strict=True):
        train, test = split
        seen, unseen = in_bins(*numbers.split(split, stream))
        for row, balance in enumerate((None, "balanced")):
            answers = _answers(_probe(balance), data, train, seen, unseen, stream)
            verdicts[row, test] = answers == data.codes[test]
        draws = _draws(data, train, cells, stream)
        bag = [fitted(_probe(), seen[at], data.codes[train[at]], None, stream) for at in draws]
        verdicts[2, test] = joint_labels(bag, unseen, np.unique(data.codes)) == data.codes[test]
    return ProbeVerdicts(*verdicts)


def judge_by_bag(
    data: TrainingData,
    estimator: Any,
    cells: NDArray[np.intp],
    splits: Sequence[Split],
    rng: np.random.Generator,
) -> Verdicts:
    """Judge by a small balanced bag of the user's estimator."""

    def right(split: Split, stream: np.random.Generator) -> NDArray[np.bool_]:
        train, test = split
        rows = [train[at] for at in _draws(data, train, cells, stream)]
        bag = [fitted(estimator, data.take(at), data.y[at], None, stream, reseed=True) for at in rows]
        return np.asarray(joint_labels(bag, data.take(test), np.unique(data.y)) == data.y[test])

    return _out_of_fold(len(data), splits, rng, right)


def _out_of_fold(
    n: int,
    splits: Sequence[Split],
    rng: np.random.Generator,
    right: Callable[[Split, np.random.Generator], NDArray[np.bool_]],
) -> Verdicts:
    verdicts = np.full(n, UNJUDGED, dtype=np.int8)
    for split, stream in zip(splits, rng.spawn(len(splits)), strict=True):
        verdicts[split[1]] = right(split, stream)
    return verdicts


def _answers(
    model: Any,
    data: TrainingData,
    train: NDArray[np.intp],
    seen: NDArray[Any],
    unseen: NDArray[Any],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    if _one_class(data, train):
        return np.full(len(unseen), data.codes[train[0]])
    member = fitted(model, seen, data.codes[train], data.take_weights(train), rng)
    return np.asarray(member.predict(unseen))


def _draws(
    data: TrainingData, train: NDArray[np.intp], cells: NDArray[np.intp], rng: np.random.Generator
) -> list[NDArray[np.intp]]:
    weights = data.take_weights(train)
    return [draw_equal(cells[train], weights, stream) for stream in rng.spawn(BAG_OF_JUDGES)]


def _one_class(data: TrainingData, train: NDArray[np.intp]) -> bool:
    return bool((data.codes[train] == data.codes[train[0]]).all())


def _probe(balance: str | None = None) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        max_leaf_nodes=4, max_iter=60, early_stopping=False, class_weight=balance
    )
