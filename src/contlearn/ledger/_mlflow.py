"""What a ledger remembers, as aliases and tags of the model registry of MLflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contlearn import _checks
from contlearn.gates._canary_answer import CanaryAction
from contlearn.ledger._entry import Entry
from contlearn.ledger._following import Follower, changes
from contlearn.ledger._ledger import Ledger
from contlearn.results import Outcome

_TAGS = {
    "promotion": "contlearn.promoted",
    "rollback": "contlearn.rolled_back",
    "verdict": "contlearn.verdict",
    "canary": "contlearn.canary",
    "approval": "contlearn.approval",
}
_METHODS = ("set_registered_model_alias", "delete_registered_model_alias", "set_model_version_tag")


class MLflowAliases(Follower):
    """Keep the aliases ``champion`` and ``challenger`` of a registered model in step with a ledger.

    ``champion`` is the version that serves by the ledger, after promotions and rollbacks; ``challenger`` the
    one of the last training run, until it is promoted, rejected or aborted. What MLflow forgets when an alias
    moves goes into tags of the version: ``contlearn.promoted``, ``contlearn.rolled_back``,
    ``contlearn.verdict``, ``contlearn.canary`` and ``contlearn.approval``, each the last of its kind, in one
    line with its number in the ledger.

    Parameters
    ----------
    client
        An ``mlflow.MlflowClient``, or anything with its `set_registered_model_alias`,
        `delete_registered_model_alias` and `set_model_version_tag`.
    name
        Name of the registered model.
    version
        What finds the version of a model id, such as a dictionary's `get`; None for a model that MLflow does
        not know, which is then passed over. Without it, model ids are versions.
    after
        Number of the last entry that is not to be told; 0: tell all.

    Notes
    -----
    All calls say what shall be, not what shall change: telling an entry twice does no harm, so a restart may
    begin with the first. When MLflow raises, `last_id` stays, and the next `update` says everything again;
    what was said before it raised stays said. Tags come before aliases: a version is never ``champion``
    without its reason.

    Cost: at most one call for each new entry, and two for the aliases; all promotions, rollbacks and training
    runs of the ledger are read again whenever there is something new.

    Not to be shared by threads without a lock.

    Examples
    --------
    >>> from contlearn.ledger import Ledger, MLflowAliases
    >>> class Client:  # an mlflow.MlflowClient in your code
    ...     def set_registered_model_alias(self, name, alias, version):
    ...         print(name, alias, version)
    ...     def delete_registered_model_alias(self, name, alias):
    ...         print(name, "no", alias)
    ...     def set_model_version_tag(self, name, version, key, value):
    ...         print(name, version, key, value)
    >>> ledger = Ledger()
    >>> ledger.promote("7", at=1, reason="the first model")
    >>> MLflowAliases(Client(), "delays").update(ledger)
    delays 7 contlearn.promoted 1 promotion of 7 at 1.0: the first model
    delays champion 7
    delays no challenger
    1
    """

    def __init__(
        self,
        client: Any,
        name: str,
        version: Callable[[str], str | int | None] | None = None,
        after: int = 0,
    ) -> None:
        for method in _METHODS:
            if not callable(getattr(client, method, None)):
                _checks.fail("client", f"have the method {method}", client, "such as mlflow.MlflowClient()")
        if not isinstance(name, str) or not name.strip():
            _checks.fail("name", "be the name of a registered model", name)
        if version is not None and not callable(version):
            _checks.fail("version", "be a function of a model id, or None", version)
        super().__init__(after)
        self.client = client
        self.name = name
        self.version = version

    def update(self, ledger: Ledger) -> int:
        """Tell what stands in the ledger after `last_id`, and return how many entries that were.

        Whatever MLflow raises comes through, and everything is told again next time.
        """
        entries = self._new(ledger)
        if not entries:
            return 0
        last = entries[-1].id
        served = list(changes(ledger, last))
        before = {change.entry.id: change.before for change in served}
        for entry in entries:
            self._tag(entry, before.get(entry.id))
        if served:
            self._alias("champion", served[-1].model_id)
        self._alias("challenger", _challenger(ledger, last))
        self._last_id = last
        return len(entries)

    def _tag(self, entry: Entry, before: str | None) -> None:
        """Write what an entry says about a version into a tag of it; a rollback is about whom it ends."""
        model_id = before if entry.kind == "rollback" else entry.model_id
        version = None if model_id is None or entry.kind not in _TAGS else self._version(model_id)
        if version is not None:
            self.client.set_model_version_tag(self.name, version, _TAGS[entry.kind], str(entry))

    def _alias(self, alias: str, model_id: str | None) -> None:
        version = None if model_id is None else self._version(model_id)
        if version is not None:
            self.client.set_registered_model_alias(self.name, alias, version)
        else:
            self.client.delete_registered_model_alias(self.name, alias)

    def _version(self, model_id: str) -> str | None:
        found = model_id if self.version is None else self.version(model_id)
        return None if found is None else str(found)


def _challenger(ledger: Ledger, last: int) -> str | None:
    """Return the model of the last training run, unless it has been promoted, rejected or aborted since."""
    runs = [entry for entry in ledger.history("training") if entry.id <= last and entry.model_id is not None]
    if not runs:
        return None
    model_id, since = runs[-1].model_id, runs[-1].id
    later = [each for each in ledger.history(model_id=model_id, after=since) if each.id <= last]
    settled = any(_settles(entry) for entry in later)
    return None if settled else model_id


def _settles(entry: Entry) -> bool:
    if entry.kind == "verdict":
        return entry.answer.outcome is Outcome.REJECT
    if entry.kind == "canary":
        return entry.answer.action is CanaryAction.ABORT
    return entry.kind == "promotion"
