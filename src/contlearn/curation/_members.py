"""Clones of the user's estimator: how they take weights, are seeded, and answer together."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter


def fitted(
    estimator: Any,
    X: Any,
    y: NDArray[Any],
    weights: NDArray[np.float64] | None,
    rng: np.random.Generator,
    *,
    reseed: bool = False,
) -> Any:
    """Return a fitted clone; open random states are seeded by `rng`, with `reseed` all of them."""
    member = seeded(clone(estimator), rng, reseed)
    if weights is None:
        return member.fit(X, y)
    # the weights are ours, already combined with the user's: routing them once more would ask the user to
    # request, step by step, what was not passed by the user
    with config_context(enable_metadata_routing=False):
        return member.fit(X, y, **{str(weight_parameter(estimator)): weights})


def seeded(estimator: Any, rng: np.random.Generator, reseed: bool) -> Any:
    """Set the open random states of `estimator`, or with `reseed` all of them, and return it."""
    for name, value in sorted(estimator.get_params().items(), key=lambda item: item[0]):
        if name.rpartition("__")[2] == "random_state" and (reseed or value is None):
            estimator.set_params(**{name: int(rng.integers(2**31 - 1))})
    return estimator


def weight_parameter(estimator: Any) -> str | None:
    """Return the name under which `fit` takes weights that reach the model, or None where it takes none."""
    if isinstance(estimator, Pipeline):
        name, last = estimator.steps[-1]
        inner = weight_parameter(last)
        return None if inner is None else f"{name}__{inner}"
    parts = _parts(estimator)
    if has_fit_parameter(estimator, "sample_weight"):
        # a wrapper hands the weights on under their plain name: a pipeline inside would not take them
        return "sample_weight" if all(has_fit_parameter(part, "sample_weight") for part in parts) else None
    if len(parts) == 1 and _takes_any(estimator):
        return weight_parameter(parts[0])
    return None


def model_of(estimator: Any) -> Any:
    """Return what learns at the end of pipelines and inside searches."""
    if isinstance(estimator, Pipeline):
        return model_of(estimator.steps[-1][1])
    if not has_fit_parameter(estimator, "sample_weight") and len(_parts(estimator)) == 1:
        return model_of(_parts(estimator)[0])
    return estimator


def bag_size(estimator: Any) -> int:
    """Return how many clones to average: fewer of what averages or boosts by itself."""
    names = [kind.__name__ for kind in type(model_of(estimator)).__mro__]
    if any("Forest" in name or name.startswith(("ExtraTrees", "Bagging")) for name in names):
        return 3
    if any("Boost" in name or name.startswith(("XGB", "LGBM")) for name in names):
        return 5
    return 10


def average(members: Sequence[Any], X: Any, classes: NDArray[Any], method: str) -> NDArray[np.float64]:
    """Return the mean of what the members answer, one column per class; for "predict", shares of votes."""
    total: Any = 0.0
    for member in members:
        answer = getattr(member, method)(X)
        if method == "predict":
            answer = np.asarray(answer)[:, None] == classes[None, :]
        elif method == "predict_proba" and len(member.classes_) < len(classes):
            # a fold or a bootstrap may lack a class, and then its member gives it no probability
            full = np.zeros((len(answer), len(classes)))
            full[:, np.searchsorted(classes, member.classes_)] = answer
            answer = full
        total = total + np.asarray(answer, dtype=np.float64)
    return np.asarray(total / len(members))


def joint_labels(members: Sequence[Any], X: Any, classes: NDArray[Any]) -> NDArray[Any]:
    """Return the label that the members agree on: mean probability, else mean decision, else most votes."""
    take: Callable[[NDArray[np.intp]], NDArray[Any]] = classes.__getitem__
    if hasattr(members[0], "predict_proba"):
        return take(average(members, X, classes, "predict_proba").argmax(axis=1))
    if _decides_by_class(members[0]) and all(len(m.classes_) == len(classes) for m in members):
        decision = average(members, X, classes, "decision_function")
        return take((decision > 0).astype(np.intp) if decision.ndim == 1 else decision.argmax(axis=1))
    return take(average(members, X, classes, "predict").argmax(axis=1))


def _decides_by_class(member: Any) -> bool:
    # a one-against-one machine has a decision per pair of classes, which three classes do not even tell apart
    pairs = getattr(model_of(member), "decision_function_shape", "ovr") == "ovo"
    return hasattr(member, "decision_function") and not pairs


def _parts(estimator: Any) -> list[Any]:
    """Return the estimators that `estimator` wraps."""
    inner = getattr(estimator, "estimator", None)
    if hasattr(inner, "fit"):
        return [inner]
    named = getattr(estimator, "estimators", None)
    if isinstance(named, (list, tuple)):
        return [part for _, part in named if hasattr(part, "fit")]
    return []


def _takes_any(estimator: Any) -> bool:
    kinds = [p.kind for p in inspect.signature(estimator.fit).parameters.values()]
    return inspect.Parameter.VAR_KEYWORD in kinds
