"""Training of a classifier: stopping, windows seen, their weights, callbacks, and nothing left to the next fit."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from eegemo import ConfigError, EEGClassifier, Trials, Windows, quadrants
from eegemo.training import compiled
from toy_windows import N_TIMES, QUICK, Seen, every_model, make, noise, numbered, own, toy, with_signals

pytestmark = pytest.mark.usefixtures("no_tracing")


class TestStopping:
    @every_model
    def test_training_stops_after_the_patience_and_goes_back_to_the_best_epoch(self, name: str) -> None:
        X, y = noise(40)
        X_val, y_val = noise(30, seed=1)
        classifier = make(name, epochs=40, batch_size=20, patience=3, learning_rate=0.05)

        classifier.fit(X, y, validation_data=(X_val, y_val))

        losses = classifier.history_["val_loss"]
        assert len(losses) < 40
        assert len(losses) == classifier.best_epoch_ + 3
        assert classifier.best_epoch_ == np.argmin(losses) + 1
        likelihood = classifier.predict_proba(X_val)[np.arange(30), y_val].astype(float)
        assert -np.log(likelihood).mean() == pytest.approx(min(losses), rel=1e-5)
        accuracy = classifier.history_["val_accuracy"][classifier.best_epoch_ - 1]
        assert classifier.score(X_val, y_val) == pytest.approx(accuracy)
        assert {len(curve) for curve in classifier.history_.values()} == {len(losses)}

    @every_model
    def test_without_validation_data_every_epoch_is_run(self, name: str) -> None:
        classifier = make(name, epochs=5, patience=1, learning_rate=0.5).fit(*noise(20))

        assert {key: len(curve) for key, curve in classifier.history_.items()} == {"loss": 5, "accuracy": 5}
        assert classifier.best_epoch_ == 5

    @every_model
    def test_validation_windows_stop_training_as_their_array_does(self, name: str, few_windows: Windows) -> None:
        y = quadrants()(few_windows)
        kept, aside = few_windows[few_windows.groups < 4], few_windows[few_windows.groups >= 4]
        y_kept, y_aside = y[few_windows.groups < 4], y[few_windows.groups >= 4]

        histories = [
            make(name).fit(kept, y_kept, validation_data=(held_out, y_aside)).history_
            for held_out in (aside, aside.to_numpy())
        ]

        assert histories[0] == histories[1]

    @every_model
    def test_a_column_of_classes_gives_the_same_training_as_a_row(self, name: str) -> None:
        X, y = noise(40)
        X_val, y_val = noise(30, seed=1)

        row = make(name).fit(X, y, validation_data=(X_val, y_val))
        with pytest.warns(UserWarning, match="column-vector y"):
            column = make(name).fit(X, y[:, None], validation_data=(X_val, y_val[:, None]))

        assert column.history_ == row.history_

    @every_model
    def test_callbacks_of_keras_hear_of_every_epoch_and_batch(self, name: str) -> None:
        epochs: list[tuple[int, dict[str, float]]] = []
        batches: list[int] = []
        listener = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: epochs.append((epoch, logs)),
            on_train_batch_end=lambda batch, logs: batches.append(batch),
        )

        classifier = make(name, epochs=3, batch_size=8).fit(*noise(20), callbacks=[listener])

        assert [epoch for epoch, _ in epochs] == [0, 1, 2]
        assert [logs["loss"] for _, logs in epochs] == classifier.history_["loss"]
        assert batches == [0, 1, 2] * 3

    @every_model
    def test_a_callback_may_end_the_training_and_change_the_learning_rate(self, name: str) -> None:
        class Stop(keras.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
                self.model.stop_training = epoch == 1

        schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 if epoch == 0 else 0.0)

        classifier = make(name, epochs=9).fit(*noise(20), callbacks=[Stop()])
        once = make(name, epochs=1, learning_rate=0.1).fit(*noise(20))
        then_none = make(name, epochs=4).fit(*noise(20), callbacks=[schedule])
        after = make(name, epochs=9).fit(*noise(20), callbacks=[Stop()])  # nothing is left of the schedule

        assert len(classifier.history_["loss"]) == classifier.best_epoch_ == 2
        for ours, theirs in zip(then_none.model_.trainable_weights, once.model_.trainable_weights, strict=True):
            np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=1e-6)  # norms are kept at each step
        assert after.history_ == classifier.history_


class TestWhatIsSeen:
    @every_model
    @pytest.mark.parametrize(("n", "batch_size"), [(10, 4), (9, 3), (5, 64), (7, 6)])
    def test_every_window_is_seen_in_every_epoch_in_another_order(
        self, name: str, n: int, batch_size: int, seen: Seen
    ) -> None:
        X, y = numbered(n)

        make(name, epochs=3, batch_size=batch_size, normalization=None).fit(
            X, y, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=seen.next_epoch)]
        )

        epochs = seen.trained[:3]
        assert [set(epoch) for epoch in epochs] == [set(range(n))] * 3
        assert seen.largest_batch <= batch_size
        assert not epochs[0] == epochs[1] == epochs[2]

    @every_model
    @pytest.mark.parametrize(("fraction", "n_groups_aside"), [(0.25, 2), (0.5, 4), (0.01, 1)])
    def test_validation_data_are_carved_out_in_whole_groups(
        self, name: str, fraction: float, n_groups_aside: int, seen: Seen
    ) -> None:
        X, y = numbered(40)
        groups = np.random.default_rng(0).permutation(np.arange(40) % 8)

        make(name, validation_fraction=fraction, normalization=None).fit(X, y, groups=groups)

        trained = set(seen.trained[0])
        assert trained | seen.predicted == set(range(40))
        assert not set(groups[list(trained)]) & set(groups[list(seen.predicted)])
        assert len(set(groups[list(seen.predicted)])) == n_groups_aside

    @every_model
    def test_windows_are_carved_by_their_trials(self, name: str, seen: Seen, small_trials: Trials) -> None:
        n_samples = len(small_trials.signals)
        signals = np.repeat(np.arange(n_samples, dtype=np.float32)[:, None], 2, axis=1)
        windows = with_signals(small_trials, signals).windows(duration=0.5, step=0.25)

        make(name, validation_fraction=0.25, normalization=None).fit(windows, quadrants()(windows))

        trials_trained, trials_aside = (
            {sample // 144 for sample in samples} for samples in (seen.trained[0], seen.predicted)
        )
        assert len(trials_aside) == 6
        assert trials_trained == set(range(24)) - trials_aside

    @every_model
    def test_nothing_is_carved_out_where_validation_data_are_given(self, name: str, seen: Seen) -> None:
        X, y = numbered(20)

        make(name, validation_fraction=0.25, normalization=None).fit(X, y, validation_data=(X[:4] + 100, y[:4]))

        assert set(seen.trained[0]) == set(range(20))
        assert seen.predicted == {100, 101, 102, 103}

    @every_model
    def test_windows_are_gathered_batch_by_batch(self, name: str, seen: Seen, small_trials: Trials) -> None:
        gathered: list[int] = []

        class Watched(Windows):
            def gather(self, index: np.ndarray | slice = slice(None)) -> np.ndarray:
                batch = super().gather(index)
                gathered.append(len(batch))
                return batch

        some = small_trials.windows(n_times=16, step=1)
        windows = Watched(some.trials, some.n_times, some.starts, some.trial_index)
        y = quadrants()(windows)

        make(name, batch_size=300).fit(windows, y, validation_data=(windows, y)).predict(windows)

        assert len(windows) == 24 * 113
        assert max(gathered) <= 1024


class TestWeights:
    @every_model
    def test_a_whole_weight_is_the_same_as_so_many_copies(self, name: str) -> None:
        X, y = toy(20, 0)
        weight = np.random.default_rng(1).integers(0, 4, 20)

        weighted = make(name).fit(X, y, sample_weight=weight)
        copied = make(name).fit(X.repeat(weight, axis=0), y.repeat(weight))

        assert weighted.history_ == copied.history_
        np.testing.assert_array_equal(weighted.predict_proba(X), copied.predict_proba(X))

    @every_model
    def test_windows_of_no_weight_are_never_seen(self, name: str, seen: Seen) -> None:
        X, y = numbered(20)
        weight = np.where(np.arange(20) < 12, 0.5, 0.0)

        make(name, epochs=5, normalization=None).fit(X, y, sample_weight=weight)

        # All below 1, so relative to the largest: a half is as good as a whole.
        assert sorted(seen.trained[0]) == sorted(list(range(12)) * 5)

    def test_a_fraction_is_the_chance_of_being_seen_in_an_epoch(self, seen: Seen) -> None:
        X, y = numbered(20)
        weight = np.where(np.arange(20) < 10, 1.25, 0.25)

        make("cnn-gru", epochs=400, normalization=None).fit(X, y, sample_weight=weight)

        often = np.bincount(seen.trained[0], minlength=20) / 400
        # The standard error is sqrt(.25 * .75 / 400) = .022, and a batch is filled up by at most one share.
        np.testing.assert_allclose(often, weight, atol=0.1)

    @every_model
    def test_a_rare_class_is_found_where_classes_weigh_the_same(self, name: str) -> None:
        X, y = noise(200)
        y = (np.arange(200) < 20).astype(int)

        plain = make(name, epochs=4, learning_rate=0.01).fit(X, y)
        balanced = make(name, epochs=4, learning_rate=0.01, class_weight="balanced").fit(X, y)

        # A network that has learned nothing but how common the classes are says .1, and .5 where they weigh the same.
        often = [model.predict_proba(noise(200, seed=1)[0])[:, 1].mean() for model in (plain, balanced)]
        assert often[0] < 0.4
        assert often[1] > often[0] + 0.1

    def test_class_weights_and_weights_of_windows_multiply(self, seen: Seen) -> None:
        X, y = numbered(8)  # classes 0 1 0 1 ...
        weight = np.array([1.0, 1, 1, 1, 2, 2, 2, 2])

        make("cnn-gru", epochs=1, normalization=None, class_weight={0: 3, 1: 1}).fit(X, y, sample_weight=weight)

        # Relative to their mean of 2, class 0 weighs 1.5 and class 1 weighs 0.5; times 2, 3 and 1 for the last four.
        assert [seen.trained[0].count(number) for number in range(4, 8)] == [3, 1, 3, 1]

    @pytest.mark.parametrize(
        ("weight", "message"),
        [([1.0] * 19, "shape"), ([-1.0] * 20, "[Nn]egative"), ([0.0] * 20, "zero"), ([np.nan] * 20, "NaN")],
    )
    def test_weights_that_cannot_be_used_are_refused(self, weight: list[float], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            make("cnn-gru").fit(*noise(20), sample_weight=np.array(weight))

    def test_tiny_weights_never_leave_an_epoch_empty(self) -> None:
        X, y = noise(24)
        weight = np.full(24, 1e-3)
        weight[0] = 1.0
        for seed in range(5):
            for settings in ({"class_weight": "balanced"}, {"validation_fraction": 0.3}):
                make("cnn-gru", epochs=1, random_state=seed, **settings).fit(X, y, sample_weight=weight)

    def test_weights_that_make_an_epoch_endless_are_refused(self) -> None:
        with pytest.raises(ConfigError, match=r"sum to 2e\+11 for 20 windows. Divide them by their mean"):
            make("cnn-gru").fit(*noise(20), sample_weight=np.full(20, 1e10))

    @pytest.mark.parametrize("weight", [{0: -1, 1: 2}, {0: 0, 1: 0}], ids=str)
    def test_a_class_weight_below_nothing_is_refused(self, weight: dict[int, float]) -> None:
        with pytest.raises(ConfigError, match="must not be negative, nor all 0"):
            make("cnn-gru", class_weight=weight).fit(*noise(20))

    def test_a_class_weight_of_no_class_is_refused(self) -> None:
        with pytest.raises(ValueError, match="class"):
            make("cnn-gru", class_weight={"happy": 2}).fit(*noise(20))


class TestAugmentation:
    def test_every_window_is_cut_anew_inside_the_training_windows_of_its_trial(
        self, seen: Seen, small_trials: Trials
    ) -> None:
        n_samples = len(small_trials.signals)
        signals = np.repeat(np.arange(n_samples, dtype=np.float32)[:, None], 2, axis=1)
        windows = with_signals(small_trials, signals).windows(n_times=16)
        kept = windows[windows.trial_index % 2 == 0]

        make("cnn-gru", epochs=20, normalization=None, augment=True).fit(kept, quadrants()(kept))

        first = np.array([start for epoch in seen.trained for start in epoch])
        assert len(np.unique(first % 144)) == 113  # from the first sample after the baseline to the last that fits
        assert set(first // 144) == set(range(0, 24, 2))
        assert ((first % 144 >= 16) & (first % 144 <= 128)).all()

    def test_the_same_seed_cuts_the_same_windows(self, few_windows: Windows) -> None:
        y = quadrants()(few_windows)

        one, other = (make("cnn-gru", augment=True).fit(few_windows, y).predict_proba(few_windows) for _ in range(2))
        plain = make("cnn-gru").fit(few_windows, y).predict_proba(few_windows)

        np.testing.assert_array_equal(one, other)
        assert not np.allclose(one, plain)

    @pytest.mark.parametrize(
        ("augment", "message"), [(True, "an array lacks; give Windows"), ("shift", "True or False")]
    )
    def test_arrays_and_other_answers_are_refused(self, augment: Any, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            make("cnn-gru", augment=augment).fit(*noise(20))


class TestNothingIsLeftBehind:
    """A fit leaves nothing to the next one, whoever got hold of the network in between."""

    def test_a_function_that_returns_a_model_again_is_refused(self) -> None:
        """What it learned on one fold's training data, another fold is tested on."""
        X, y = toy(30, 0)
        model = own(N_TIMES, 2, 3)
        classifier = EEGClassifier(lambda *_: model, **QUICK).fit(X, y)

        with pytest.raises(ConfigError, match="returned layers that it had returned before"):
            clone(classifier).fit(X, y)
        with pytest.raises(ConfigError, match="returned layers that it had returned before"):
            EEGClassifier(lambda *_: keras.Sequential([*model.layers]), **QUICK).fit(X, y)

    def test_a_frozen_part_may_be_shared(self) -> None:
        X, y = toy(30, 0)
        frozen = keras.layers.Conv1D(4, 3, trainable=False)

        def on_frozen(n_times: int, n_channels: int, n_outputs: int) -> keras.Model:
            rest = [keras.layers.GlobalMaxPooling1D(), keras.layers.Dense(n_outputs, activation="softmax")]
            return keras.Sequential([keras.Input((n_times, n_channels)), frozen, *rest])

        first, second = (EEGClassifier(on_frozen, **QUICK).fit(X, y) for _ in range(2))

        np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))

    @pytest.mark.parametrize("meddle", ["compile", "optimizer", "freeze"])
    def test_a_callback_that_changes_the_network_changes_no_later_fit(self, meddle: str) -> None:
        X, y = toy(30, 0)

        class Meddler(keras.callbacks.Callback):
            def on_train_begin(self, logs: Any = None) -> None:
                if meddle == "compile":
                    optimizer = keras.optimizers.SGD(0.5, momentum=0.9)
                    self.model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
                elif meddle == "optimizer":
                    self.model.optimizer = keras.optimizers.SGD(0.0)
                    self.model.optimizer.build(self.model.trainable_variables)
                else:
                    self.model.layers[1].trainable = False

        compiled._idle.clear()
        expected = make("cnn-lstm").fit(X, y).predict_proba(X)
        meddler = Meddler()
        meddled = make("cnn-lstm", random_state=1)
        if meddle == "freeze" and keras.backend.backend() == "jax":  # which Keras refuses there
            with pytest.raises(ValueError, match="trainable variables"):
                meddled.fit(X, y, callbacks=meddler)
            np.testing.assert_array_equal(make("cnn-lstm").fit(X, y).predict_proba(X), expected)
            return
        meddled.fit(X, y, callbacks=meddler)
        seen = np.asarray(meddler.model.predict_on_batch(X.transpose(0, 2, 1)))

        np.testing.assert_array_equal(make("cnn-lstm").fit(X, y).predict_proba(X), expected)
        assert meddler.model is meddled.model_
        np.testing.assert_array_equal(seen, np.asarray(meddler.model.predict_on_batch(X.transpose(0, 2, 1))))

    @pytest.mark.parametrize(
        "bad",
        [{"sample_weight": -np.ones(30)}, {"y": np.zeros(30)}, {"validation_data": 0.2}, {"callbacks": [3]}],
        ids=str,
    )
    def test_a_refit_that_fails_leaves_no_old_network_under_new_classes(self, bad: dict[str, Any]) -> None:
        X, y = toy(30, 0)
        classifier = make("cnn-gru").fit(X, y)

        with pytest.raises(ValueError, match=r".+"):
            classifier.fit(X, **{"y": np.where(y == "none", "sad", "happy"), **bad})

        with pytest.raises(NotFittedError):
            classifier.predict(X)

    @pytest.mark.parametrize("restore", [True, False])
    def test_a_callback_that_restores_weights_has_the_last_word(self, restore: bool) -> None:
        X, y = noise(40)
        stop = keras.callbacks.EarlyStopping("loss", min_delta=10, patience=2, restore_best_weights=restore)

        after: list[np.ndarray] = []

        class Watch(keras.callbacks.Callback):
            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                after.append(self.model.predict_on_batch(X.transpose(0, 2, 1)))

        classifier = make("cnn-gru", epochs=6).fit(X, y, callbacks=[stop, Watch()])

        same = [np.allclose(classifier.predict_proba(X), proba, atol=1e-6) for proba in after]
        assert same == (
            [True, False, False] if restore else [False, False, True]
        )  # none is better by 10 than the first

    def test_a_stop_in_a_batch_ends_the_training_there(self) -> None:
        batches: list[int] = []

        class Stop(keras.callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                batches.append(batch)
                self.model.stop_training = batch == 1

        make("cnn-gru", epochs=5, batch_size=5).fit(*noise(40), callbacks=Stop())

        assert batches == [0, 1]

    @pytest.mark.parametrize("callbacks", [None, (), keras.callbacks.ProgbarLogger()], ids=["None", "empty", "bar"])
    def test_callbacks_may_be_given_as_keras_takes_them(self, callbacks: Any) -> None:
        make("cnn-gru").fit(*noise(20), callbacks=callbacks)

    @pytest.mark.parametrize(
        ("callbacks", "message"),
        [
            ([keras.callbacks.TerminateOnNaN], r"got its class: give TerminateOnNaN\(\)"),
            ([print], "wrap a function in keras.callbacks.LambdaCallback"),
        ],
    )
    def test_what_is_no_callback_is_refused(self, callbacks: Any, message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            make("cnn-gru").fit(*noise(20), callbacks=callbacks)

    def test_a_training_that_diverges_says_so(self) -> None:
        with pytest.warns(UserWarning, match="Training diverged: the loss of EEGClassifier is not finite"):
            make("cnn-gru", learning_rate=1e30, epochs=3).fit(*noise(20))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"epochs": 5}, r"'epochs' is no parameter of .*fit; it is set before: EEGClassifier\(epochs=\.\.\.\)"),
            ({"validation_split": 0.2}, "Did you mean|Unknown parameter 'validation_split'"),
            ({"validation_data": 0.2}, r"validation_data must be \(X, y\)"),
        ],
    )
    def test_what_keras_takes_in_fit_is_answered(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            make("cnn-gru").fit(*noise(20), **options)
