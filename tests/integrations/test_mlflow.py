"""MLflowAliases against the model registry of MLflow itself, in a SQLite file."""

import pytest

from contlearn.ledger import Ledger, MLflowAliases, TrainingRun
from contlearn.results import Outcome, Verdict

# MLflow warns about what it does to itself.
pytestmark = [pytest.mark.integrations, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def mlflow():
    return pytest.importorskip("mlflow")


@pytest.fixture(scope="module")
def client(mlflow, tmp_path_factory):
    place = f"sqlite:///{tmp_path_factory.mktemp('mlflow') / 'mlflow.db'}"
    return mlflow.MlflowClient(tracking_uri=place, registry_uri=place)


@pytest.fixture
def model(client, request):
    """Return the name of a registered model with versions 1, 2 and 3."""
    client.create_registered_model(request.node.name)
    for number in "123":
        client.create_model_version(request.node.name, source=f"file:///models/{number}", run_id=None)
    return request.node.name


def aliases_of(client, model):
    found = client.get_registered_model(model).aliases
    return {alias: str(version) for alias, version in found.items()}


def test_mlflow_shows_who_serves_and_why(client, model):
    ledger = Ledger()
    aliases = MLflowAliases(client, model)
    ledger.promote("1", at=1, reason="the first model")
    ledger.record(TrainingRun("2", trained_at=2, n_rows=900), at=2)
    assert aliases.update(ledger) == 2
    assert aliases_of(client, model) == {"champion": "1", "challenger": "2"}
    verdict = Verdict(Outcome.PROMOTE, "gain 0.02 is above margin 0")
    ledger.record(verdict, at=3, model_id="2")
    ledger.promote("2", at=4, reason="gain 0.02")
    aliases.update(ledger)
    assert aliases_of(client, model) == {"champion": "2"}
    assert client.get_model_version_by_alias(model, "champion").tags == {
        "contlearn.verdict": "3 verdict of 2 at 3.0: promote: gain 0.02 is above margin 0",
        "contlearn.promoted": "4 promotion of 2 at 4.0: gain 0.02",
    }
    ledger.rollback(at=5, reason="calls from customers")
    assert aliases.update(ledger) == 1
    assert aliases.update(ledger) == 0
    assert aliases_of(client, model) == {"champion": "1"}
    tags = client.get_model_version(model, "2").tags
    assert tags["contlearn.rolled_back"] == "5 rollback at 5.0: calls from customers"


def test_telling_mlflow_everything_again_changes_nothing(client, model):
    ledger = Ledger()
    ledger.promote("1", at=1)
    ledger.record(TrainingRun("3"), at=2)
    MLflowAliases(client, model).update(ledger)
    before = aliases_of(client, model), client.get_model_version(model, "1").tags
    assert MLflowAliases(client, model).update(ledger) == 2
    assert (aliases_of(client, model), client.get_model_version(model, "1").tags) == before


def test_a_version_that_is_not_there_is_told_again_when_it_is(client, model, mlflow):
    ledger = Ledger()
    aliases = MLflowAliases(client, model)
    ledger.promote("4", at=1, reason="too early")
    with pytest.raises(mlflow.exceptions.MlflowException):
        aliases.update(ledger)
    assert (aliases.last_id, aliases_of(client, model)) == (0, {})
    client.create_model_version(model, source="file:///models/4", run_id=None)
    assert aliases.update(ledger) == 1
    assert aliases_of(client, model) == {"champion": "4"}


def test_reasons_longer_than_mlflow_takes_are_cut(client, model):
    ledger = Ledger()
    ledger.promote("1", at=1, reason="long " * 4_000)
    MLflowAliases(client, model).update(ledger)
    said = client.get_model_version(model, "1").tags["contlearn.promoted"]
    assert said.startswith("1 promotion of 1 at 1.0: long long")
