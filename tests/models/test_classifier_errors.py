"""What a classifier refuses, in words: data, settings, and use before it is fitted; and volts, of which it warns."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from eegemo import ConfigError, EEGClassifier, Trials, Windows, quadrants
from eegemo.features import RMS
from toy_windows import every_model, make, noise, toy, with_signals

pytestmark = pytest.mark.usefixtures("no_tracing")


class TestErrors:
    @every_model
    @pytest.mark.parametrize("as_windows", [False, True])
    def test_one_class_only_is_refused(self, name: str, as_windows: bool, few_windows: Windows) -> None:
        X = few_windows if as_windows else few_windows.to_numpy()

        with pytest.raises(ValueError, match="one class only, 'calm'"):
            make(name).fit(X, np.full(len(X), "calm"))

    @every_model
    @pytest.mark.parametrize(
        ("as_windows", "message"),
        [(False, r"inconsistent numbers of samples: \[48, 47\]"), (True, r"each of the 48 windows, got \(47,\)")],
    )
    def test_classes_that_do_not_fit_the_windows_are_refused(
        self, name: str, as_windows: bool, message: str, few_windows: Windows
    ) -> None:
        X = few_windows if as_windows else few_windows.to_numpy()

        with pytest.raises(ValueError, match=message):
            make(name).fit(X, np.arange(47) % 2)

    @every_model
    @pytest.mark.parametrize("value", [np.nan, np.inf])
    @pytest.mark.parametrize("as_windows", [False, True])
    def test_values_that_are_not_finite_are_refused(
        self, fitted: dict[str, EEGClassifier], name: str, as_windows: bool, value: float, few_windows: Windows
    ) -> None:
        signals = few_windows.trials.signals.copy()
        signals[320] = value  # of the third trial, past its baseline
        windows = with_signals(few_windows.trials, signals).windows(duration=0.5, step=0.5)
        X = windows if as_windows else windows.to_numpy()

        with pytest.raises(ValueError, match=r"NaN|infinity|finite"):
            make(name).fit(X, quadrants()(windows))
        with pytest.raises(ValueError, match=r"NaN|infinity|finite"):
            fitted[name].predict(X)

    @every_model
    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((3, 2, 20), r"windows of 2 channels x 20 samples, but \w+ was fitted on 2 x 16"),
            ((3, 5, 16), "X has 5 features, but .* is expecting 2 features"),
            ((3, 2, 16, 1), r"shape \(n, n_channels, n_times\), got 4 dimensions"),
            ((0, 2, 16), "0 sample"),
        ],
    )
    def test_windows_of_another_shape_than_the_fitted_ones_are_refused(
        self, fitted: dict[str, EEGClassifier], name: str, shape: tuple[int, ...], message: str
    ) -> None:
        for dtype in (np.float32, np.float64):
            with pytest.raises(ValueError, match=message):
                fitted[name].predict(np.zeros(shape, dtype))

    @pytest.mark.filterwarnings("error::RuntimeWarning")
    def test_finite_values_are_taken_whatever_their_sum(self, fitted: dict[str, EEGClassifier]) -> None:
        X = np.full((1, 2, 16), 0.9 * np.finfo(np.float32).max, np.float32)
        assert np.isfinite(fitted["cnn-gru"].predict_proba(X)).all()

    @every_model
    def test_windows_of_another_length_than_the_fitted_ones_are_refused(
        self, fitted: dict[str, EEGClassifier], name: str, small_trials: Trials
    ) -> None:
        with pytest.raises(ValueError, match=r"2 channels x 32 samples, but \w+ was fitted on 2 x 16"):
            fitted[name].predict(small_trials.windows(duration=1.0, step=1.0))

    @every_model
    def test_no_windows_are_refused(self, fitted: dict[str, EEGClassifier], name: str, few_windows: Windows) -> None:
        with pytest.raises(ValueError, match="no windows"):
            make(name).fit(few_windows[:0], np.array([]))
        with pytest.raises(ValueError, match="no windows"):
            fitted[name].predict(few_windows[:0])

    @every_model
    @pytest.mark.parametrize(
        "setting",
        [
            {"epochs": 0},
            {"epochs": 2.5},
            {"epochs": "many"},
            {"batch_size": 0},
            {"batch_size": -32},
            {"patience": 0},
            {"learning_rate": 0},
            {"learning_rate": -0.1},
            {"learning_rate": np.nan},
            {"learning_rate": np.inf},
            {"learning_rate": "fast"},
            {"validation_fraction": 0},
            {"validation_fraction": 1},
            {"validation_fraction": -0.2},
            {"validation_fraction": np.nan},
            {"validation_fraction": "0.2"},
        ],
        ids=str,
    )
    def test_a_setting_of_training_that_cannot_be_carried_out_is_refused(
        self, name: str, setting: dict[str, Any]
    ) -> None:
        ((key, value),) = setting.items()

        with pytest.raises(ConfigError, match=rf"{key}.*{value}"):
            make(name, **setting).fit(*noise(20))

    @pytest.mark.parametrize(
        ("name", "setting"),
        [
            ("cnn-gru", {"filters": 0}),
            ("cnn-gru", {"kernel_size": -1}),
            ("cnn-gru", {"pool_size": 0}),
            ("cnn-gru", {"units": 0}),
            ("cnn-lstm", {"units": -3}),
            ("cnn-lstm", {"dense_units": 0}),
            ("cnn-lstm", {"dropout": 1.5}),
            ("tcn", {"nb_filters": 0}),
            ("tcn", {"dropout": -0.1}),
            ("tcn", {"dilations": ()}),
        ],
        ids=str,
    )
    def test_a_size_that_no_network_can_have_is_refused_by_name(self, name: str, setting: dict[str, Any]) -> None:
        with pytest.raises(ConfigError, match=next(iter(setting))):
            make(name, **setting).fit(*noise(20))

    @every_model
    def test_too_few_groups_to_carve_validation_data_out_of_are_refused(self, name: str) -> None:
        X, y = noise(20)

        with pytest.raises(ConfigError, match="1 groups, too few"):
            make(name, validation_fraction=0.2).fit(X, y, groups=np.zeros(20))

    @every_model
    @pytest.mark.parametrize("n", [19, 21])
    def test_groups_that_do_not_fit_the_windows_are_refused(self, name: str, n: int) -> None:
        X, y = noise(20)

        with pytest.raises(ValueError, match="groups"):
            make(name, validation_fraction=0.2).fit(X, y, groups=np.arange(n) // 4)

    @every_model
    def test_validation_classes_that_the_training_data_lack_are_refused(self, name: str) -> None:
        X, y = toy(30, 0)

        with pytest.raises(ValueError, match=r"classes that the training data lack: \['happy'\]"):
            make(name).fit(X, y, validation_data=(X[:2], np.array(["none", "happy"])))

    @every_model
    @pytest.mark.parametrize("n", [1, 9, 11])
    @pytest.mark.parametrize("as_windows", [False, True])
    def test_validation_classes_that_do_not_fit_their_windows_are_refused(
        self, name: str, n: int, as_windows: bool, few_windows: Windows
    ) -> None:
        y = quadrants()(few_windows)
        held_out = few_windows[:10] if as_windows else few_windows[:10].to_numpy()

        with pytest.raises(ValueError, match=rf"inconsistent numbers of samples: \[10, {n}\]|10 windows, got \({n},\)"):
            make(name).fit(few_windows, y, validation_data=(held_out, y[:n]))

    @every_model
    def test_validation_windows_of_another_shape_are_refused(self, name: str) -> None:
        X, y = noise(20)

        with pytest.raises(ValueError, match=r"2 channels x 12 samples, but \w+ was fitted on 2 x 16"):
            make(name).fit(X, y, validation_data=(X[:, :, :12], y))

    @every_model
    @pytest.mark.parametrize(
        "use",
        [
            lambda classifier: classifier.predict(noise(3)[0]),
            lambda classifier: classifier.predict_proba(noise(3)[0]),
            lambda classifier: classifier.score(*noise(3)),
            lambda classifier: classifier.save("never.keras"),
        ],
        ids=["predict", "predict_proba", "score", "save"],
    )
    def test_a_classifier_that_was_not_fitted_says_so(self, name: str, use: Callable[[EEGClassifier], Any]) -> None:
        with pytest.raises(NotFittedError, match="not fitted yet"):
            use(make(name))


class TestNotWindows:
    @pytest.mark.parametrize("estimator", [EEGClassifier("cnn-gru"), RMS()], ids=["network", "feature"])
    def test_epochs_of_mne_are_refused_by_name(self, estimator: Any, small_trials: Trials) -> None:
        epochs = small_trials.to_epochs()

        with pytest.raises(TypeError, match=r"mne.EpochsArray, which holds volts.*Trials.from_epochs"):
            estimator.fit(epochs, np.zeros(len(epochs)))

    @pytest.mark.parametrize("estimator", [EEGClassifier("cnn-gru"), RMS()], ids=["network", "feature"])
    def test_trials_that_are_not_cut_are_refused(self, estimator: Any, small_trials: Trials) -> None:
        with pytest.raises(TypeError, match=r"X is Trials; cut them into windows first"):
            estimator.fit(small_trials, np.zeros(len(small_trials)))


class TestMicrovolts:
    def test_volts_are_warned_of_in_training_and_in_prediction(self) -> None:
        X, y = toy(30, 0)
        classifier = make("cnn-gru", epochs=1).fit(10 * X, y)

        with pytest.warns(UserWarning, match="vary by .* as EEG in volts does; microvolts are expected"):
            make("cnn-gru", epochs=1).fit(1e-5 * X, y)
        with pytest.warns(UserWarning, match="multiply by 1e6"):
            classifier.predict(1e-5 * X)

    def test_quiet_and_flat_channels_are_no_volts(self) -> None:
        X, y = toy(30, 0)
        X[:, 0] = 0

        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=".*volts")
            make("cnn-gru", epochs=1).fit(X, y)
            make("cnn-gru", epochs=1).fit(0 * X, y)
