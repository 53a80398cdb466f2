"""A final model is fitted as it was evaluated, on everything, and carries the scores that were measured."""

from __future__ import annotations

import copy
import math
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.neighbors import KNeighborsClassifier

from eegemo import (
    ConfigError,
    EEGClassifier,
    ModelCard,
    Trials,
    Windows,
    evaluate,
    fit_final,
    high_low,
    make_model,
    make_splitter,
    quadrants,
    read_classifier,
)
from eegemo.deploy.carrying import card_of, channels_of, give_card
from eegemo.deploy.exporting import describe
from eegemo.deploy.final import fit_final as fit
from eegemo.deploy.recordings import class_names
from tiny import tiny, traced
from toy_classifiers import NearestMean

pytestmark = pytest.mark.filterwarnings("ignore:.*has collapsed")
BANDS = {"theta": (4.0, 8.0), "alpha": (8.0, 12.0)}
N_FOLDS = 4


@pytest.fixture(scope="module")
def seconds(small_trials: Trials) -> Windows:
    """96 windows of a second."""
    return small_trials.windows()


@pytest.fixture(scope="module")
def logistic() -> Any:
    return make_model("logistic-regression", features__bands=BANDS, classifier__C=0.5)


@pytest.fixture(scope="module")
def measured(seconds: Windows, logistic: Any) -> Any:
    return evaluate(logistic, seconds, quadrants(), make_splitter("trial", n_splits=N_FOLDS), model="mine")


@pytest.fixture(scope="module")
def with_network(seconds: Windows) -> Any:
    """A network under one split, two epochs."""
    with traced(False):
        return evaluate(
            tiny("eegnet", epochs=2, batch_size=32),
            seconds,
            quadrants(),
            make_splitter("trial", n_splits=None, test_size=0.25, validation_size=0.25),
        )


def test_a_classical_model_is_fitted_on_every_window(measured: Any, seconds: Windows, logistic: Any) -> None:
    final = fit_final(measured, seconds)
    by_hand = make_model("logistic-regression", random_state=0, features__bands=BANDS, classifier__C=0.5)
    by_hand.fit(seconds, quadrants()(seconds))
    assert_array_equal(final.predict_proba(seconds), by_hand.predict_proba(seconds))
    assert_array_equal(fit_final(measured, seconds, logistic).predict_proba(seconds), final.predict_proba(seconds))


def test_the_card_keeps_what_was_measured_and_how(measured: Any, seconds: Windows) -> None:
    card = fit_final(measured, seconds).card_
    per_person = measured.of_subjects()["macro_f1"]
    assert card.scores["macro_f1"]["mean"] == pytest.approx(sum(per_person) / 3)
    deviations = [(score - sum(per_person) / 3) ** 2 for score in per_person]
    assert card.scores["macro_f1"]["sd"] == pytest.approx(math.sqrt(sum(deviations) / 2))
    assert (card.protocol, card.leakage["trial"], card.leakage["subject"]) == ("trial", 0.0, 1.0)
    assert (card.n_folds, card.n_subjects, card.n_trials, card.n_windows) == (N_FOLDS, 3, 24, 96)
    assert card.classes == quadrants().classes
    assert card.simulated
    text = str(card)
    assert "mine, quadrants" in text
    assert "SIMULATED data" in text
    assert "Measured under trial on 4 folds of 3 subjects, 24 trials, 96 windows" in text
    assert "Without EEG, majority of the subject" in text
    assert "No test window shares its trial with training" in text
    assert ModelCard.from_json(card.as_json) == card


def test_a_network_stops_on_whole_units_that_it_is_not_trained_on(
    with_network: Any, seconds: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}

    def look(self: EEGClassifier, X: Windows, y: np.ndarray, *, validation_data: Any = None, **_: Any) -> None:
        given.update(train=X, validation=validation_data[0], y=y)

    monkeypatch.setattr(EEGClassifier, "fit", look)
    monkeypatch.setattr("eegemo.deploy.final._card_of", lambda *_: None)
    fit(with_network, seconds)
    train, validation = (set(given[part].starts) for part in ("train", "validation"))
    assert train | validation == set(seconds.starts), "every window is in one of the two"
    assert not train & validation
    assert set(given["train"].trial_index).isdisjoint(given["validation"].trial_index)
    assert validation == set(seconds.starts[with_network.folds[0].validation]), "as in the fold"


def test_a_network_can_be_trained_on_everything_for_as_long_as_the_folds_were(
    with_network: Any, seconds: Windows, tmp_path: Path
) -> None:
    with traced(False):
        final = fit_final(with_network, seconds, stop="epochs")
    assert len(final.history_["loss"]) == with_network.folds[0].best_epoch
    assert "val_loss" not in final.history_
    assert final.card_.training.startswith("fitted on 96 windows of 3 subjects, epoch ")
    final.save(tmp_path / "final.keras")
    assert read_classifier(tmp_path / "final.keras").card_ == final.card_


def test_a_saved_model_that_is_fitted_again_loses_its_card(with_network: Any, seconds: Windows) -> None:
    with traced(False):
        final = fit_final(with_network, seconds, stop="epochs")
        final.fit(seconds[::4], quadrants()(seconds[::4]))
    assert final.card_ is None


TREES = RandomForestClassifier(n_estimators=3, random_state=0)
VOTE = VotingClassifier([("nearest", KNeighborsClassifier(1)), ("trees", TREES)], voting="soft")


@pytest.mark.parametrize("classifier", [None, TREES, VOTE])
def test_a_pipeline_has_its_card_until_it_is_fitted_again(
    classifier: Any, measured: Any, seconds: Windows, logistic: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = fit_final(measured, seconds).card_
    final = clone(logistic) if classifier is None else clone(logistic).set_params(classifier=classifier)
    y = quadrants()(seconds)
    give_card(final.fit(seconds, y), card)
    joblib.dump(final, tmp_path / "final.joblib")
    with monkeypatch.context() as patch:  # as after it was upgraded
        patch.setattr("sklearn.base.__version__", "99.0")
        assert card_of(copy.deepcopy(final)) == card
    for kept in (final, copy.deepcopy(final), joblib.load(tmp_path / "final.joblib")):
        assert card_of(kept) == card
        assert kept.predict_proba(seconds).shape == (96, 4)
        assert card_of(kept) == card
        kept.fit(seconds, np.array(["a", "b", "c", "d"])[y])
        with pytest.warns(UserWarning, match="fitted anew since its card was made"):
            assert card_of(kept) is None
        assert kept.card_ is None
        assert class_names(kept) == ["a", "b", "c", "d"]
    with pytest.warns(UserWarning, match="fitted anew"):  # its last step alone
        final = joblib.load(tmp_path / "final.joblib")
        final[-1].fit(final[:-1].transform(seconds), np.roll(y, 7))
        assert describe(final).card is None


def test_of_two_things_held_out_at_once_neither_is_known_to_what_stops_it(seconds: Windows) -> None:
    from eegemo.deploy.final import _parts

    splitter = make_splitter("subject-stimulus", n_splits=None, test_size=0.3, validation_size=0.3)
    results = evaluate(NearestMean(), seconds, quadrants(), splitter)
    train, validation, epochs = _parts(results, seconds, tiny("eegnet"), "validation")
    table = seconds.table
    for column in ("subject", "stimulus"):
        assert set(table[column].iloc[train]).isdisjoint(table[column].iloc[validation])
    assert epochs is None


def test_labels_of_one_s_own_and_thresholds_of_each_person(seconds: Windows) -> None:
    answers = np.where(seconds.table["trial"] % 2, "odd", "even")
    results = evaluate(NearestMean(), seconds, answers, make_splitter("trial", n_splits=N_FOLDS))
    assert fit_final(results, seconds, NearestMean()).card_.classes == ("even", "odd")
    rule = high_low("valence", "median")
    results = evaluate(NearestMean(), seconds, rule, make_splitter("trial", n_splits=N_FOLDS))
    final = fit_final(results, seconds, NearestMean())
    by_hand = NearestMean().fit(seconds, rule.fitted(seconds, np.arange(len(seconds))))
    assert_array_equal(final.means_, by_hand.means_)


def test_other_windows_classifiers_and_results_are_refused(
    measured: Any, seconds: Windows, small_trials: Trials
) -> None:
    with pytest.raises(
        ConfigError, match="not the windows that were evaluated: other windows in number, other samples"
    ):
        fit_final(measured, small_trials.windows(duration=0.5))
    louder = Trials(2 * small_trials.signals, small_trials.table, ("F3", "F4"), 32.0, "noise", True)
    with pytest.raises(ConfigError, match=r"not the windows that were evaluated: other recordings\. Give those"):
        fit_final(measured, louder.windows())
    with pytest.raises(ConfigError, match="differs in classifier__C"):
        fit_final(measured, seconds, make_model("logistic-regression", features__bands=BANDS))
    with pytest.raises(ConfigError, match="differs in"):
        fit_final(measured, seconds, NearestMean())
    with pytest.raises(ConfigError, match="'validation' or 'epochs', got 'never'"):
        fit_final(measured, seconds, stop="never")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="Results with folds were expected"):
        fit_final([measured], seconds)  # type: ignore[arg-type]
    four = make_splitter("trial", n_splits=N_FOLDS)
    control = evaluate(NearestMean(), seconds, quadrants(), four, control="permuted-labels")
    with pytest.raises(ConfigError, match="of the control 'permuted-labels'"):
        fit_final(control, seconds, NearestMean())
    own = evaluate(NearestMean(), seconds, quadrants(), four)
    with pytest.raises(ConfigError, match=r"cannot be made again from its results: .* fit_final\(results, windows, cl"):
        fit_final(own, seconds)
    apart = make_splitter("trial", n_splits=N_FOLDS, within="subject")
    each = evaluate(NearestMean(), seconds, quadrants(), apart)
    with pytest.raises(ConfigError, match="Each subject had a model of their own"):
        fit_final(each, seconds, NearestMean())


@pytest.mark.parametrize("name", ["cnn-gru", "cnn-lstm", "tcn", "eegnet", "linear-svm", "random-forest", "riemann"])
def test_every_named_model_is_made_again_from_what_is_written_of_it(name: str) -> None:
    import json

    from eegemo.deploy.rebuilding import rebuilt_classifier
    from eegemo.evaluation.plan import parameters_of

    settings: dict[str, Any] = {"class_weight": {0: 2.0, 1: 1.0}, "epochs": 3} if name in ("cnn-gru", "tcn") else {}
    original = make_model(name, random_state=7, **settings)
    written = json.loads(json.dumps(parameters_of(original)))
    again = rebuilt_classifier(type(original).__name__, written, name)
    assert json.loads(json.dumps(parameters_of(again))) == written
    assert again.get_params()["class_weight"] == {0: 2.0, 1: 1.0} if settings else True


def test_channels_that_are_called_as_those_of_arrays_are_known_too(seconds: Windows, logistic: Any) -> None:
    named = seconds.trials._replaced(ch_names=("ch0", "ch1")).windows()
    y = quadrants()(seconds)
    assert channels_of(clone(logistic).fit(named, y)) == ("ch0", "ch1")
    of_array = clone(logistic).set_params(features__sfreq=seconds.sfreq)
    assert channels_of(of_array.fit(seconds.to_numpy(), y)) is None
