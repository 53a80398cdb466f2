"""The experiments that show that the networks learn: what they try, and what they make of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import learning_check
import numpy as np
import pandas as pd
import pytest
import real_emotion
import training_recipe

from eegemo import ConfigError, MajorityClassifier, Trials, evaluate, high_low, make_splitter
from eegemo.networks import NETWORKS


def test_each_fault_changes_what_it_says_and_nothing_else(small_trials: Trials) -> None:
    trials = small_trials.pick(["F4", "F3"])._replaced(
        signals=np.random.default_rng(0).standard_normal((24 * 144, 3)).astype(np.float32),
        ch_names=("F3", "F4", "Cz"),
        ch_types=("eeg",) * 3,
    )
    changed = {
        name: fault(trials.signals.copy(), trials) - trials.signals for name, fault in learning_check.FAULTS.items()
    }

    assert not changed["one channel flat"][:, :2].any()
    noise = changed["one channel of noise, 50 times louder"]
    assert not noise[:, :2].any()
    assert noise[:, 2].std() == pytest.approx(50, rel=0.1)
    pop = changed["a pop of 5 mV in 1 % of trials"]
    assert pop.max() == pytest.approx(5000, rel=1e-3)
    assert np.count_nonzero(pop.any(axis=0)) == 1
    assert len({row // 144 for row in np.flatnonzero(pop.any(axis=1))}) == 1  # of 24 trials
    np.testing.assert_allclose(changed["an offset of 4200 uV"], 4200, rtol=1e-4)
    volts = learning_check.FAULTS["microvolts given as volts"](trials.signals.copy(), trials)
    np.testing.assert_allclose(volts * 1e6, trials.signals, rtol=1e-5)


def test_every_normalisation_fault_and_size_is_tried_on_every_network() -> None:
    config = learning_check.LearningCheck(models=tuple(NETWORKS), seeds=(3, 4), sizes=(1, 2))
    counts = Counter(job.part for job in learning_check.jobs_of(config) if job.model != learning_check.TREES)

    of_each = {part: n / len(NETWORKS) for part, n in counts.items()}
    assert of_each == {"faults": 5, "normalisations": 2 * 7, "real people": 2 * 2, "sizes": 2}


def fits(**accuracies: float) -> pd.DataFrame:
    rows = [
        {"part": "real people", "dataset": "DASPS", "what": "seed 0", "model": model, "seed": 0, "accuracy": accuracy}
        for model, accuracy in {"extra-trees": 0.9, "cnn-gru": 0.95, "tcn": 0.85}.items()
    ]
    rows += [
        {"part": "faults", "dataset": "DASPS", "what": what, "model": "cnn-gru", "seed": 0, "accuracy": accuracy}
        for what, accuracy in accuracies.items()
    ]
    return pd.DataFrame(rows).assign(collapse="", seconds=1.0, **{"majority class": 0.5, "warned of volts": False})


def test_the_answer_counts_collapses_and_names_the_worst_fault() -> None:
    table = fits(flat=0.94, pops=0.75)
    table.loc[2, "collapse"] = "it answers one class"

    text = learning_check.answer(table)

    assert "the trees reach 0.900, the networks 0.850 or more" in text
    assert "Of 4 trainings of networks 1 collapsed" in text
    assert "The worst fault costs 0.200" in text
    shown = learning_check.side_by_side(table, "real people")
    row = shown.to_dict(orient="records")[0]
    assert [row[name] for name in ("extra-trees", "cnn-gru", "tcn")] == ["0.900", "0.950", "0.850 (collapsed)"]


def test_trainings_that_are_finished_are_not_trained_again(
    real_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    trees = learning_check.Job("real people", "DASPS", "seed 0", learning_check.TREES, 0, step=1.0)
    later = learning_check.Job("faults", "DASPS", "flat", "logistic-regression", 0, fault="one channel flat", step=1.0)
    monkeypatch.setattr(learning_check, "jobs_of", lambda config: [trees, later])
    monkeypatch.setattr(learning_check, "answer", lambda table: "")
    config = learning_check.LearningCheck(data=real_data, n_jobs=1, out=tmp_path / "learning_check")
    with monkeypatch.context() as interrupted:
        interrupted.setitem(learning_check.FAULTS, "one channel flat", stop)
        with pytest.raises(KeyboardInterrupt):
            learning_check.run(config)
    assert not (config.out / "README.md").exists()

    first = learning_check.run(config)
    monkeypatch.setattr(learning_check, "make_model", stop)
    pd.testing.assert_frame_equal(learning_check.run(config), first)


def test_plain_minimum_and_maximum_are_what_an_artefact_sets(small_trials: Trials) -> None:
    from eegemo.networks import ChannelNormalization

    windows = small_trials.windows(n_times=16)
    samples = windows.gather()
    layer = ChannelNormalization("minmax", "training")
    layer.build((None, 16, 2))

    training_recipe.adapt(layer, windows, plain=True)

    scaled = np.asarray(layer(samples))
    np.testing.assert_allclose(scaled.min(axis=(0, 1)), -1, atol=1e-5)
    np.testing.assert_allclose(scaled.max(axis=(0, 1)), 1, atol=1e-5)


def test_the_changes_stand_in_one_row_each_and_a_collapse_is_marked() -> None:
    rows = [
        {"dataset": dataset, "network": "tcn", "change": change.name, "seed": seed, "accuracy": 0.5 + seed / 10}
        for dataset in ("DASPS", "eegmat")
        for change in training_recipe.CHANGES
        for seed in (0, 1)
    ]
    table = pd.DataFrame(rows).assign(collapse="")
    table.loc[0, "collapse"] = "it answers one class"

    shown = training_recipe.summary(table)

    assert shown["change"].tolist() == [change.name for change in training_recipe.CHANGES]
    assert shown.loc[0, "DASPS, tcn"] == "0.500 (collapsed) / 0.600"
    assert shown.loc[0, "eegmat, tcn"] == "0.500 / 0.600"


def test_the_answer_on_emotion_says_what_is_not_told_from_chance(small_trials: Trials) -> None:
    splitter = make_splitter("subject", n_splits=3, validation_size=0)
    result = evaluate(MajorityClassifier(), small_trials.windows(), high_low("valence"), splitter, model="majority")

    text = real_emotion.answer([result], "valence")

    assert "Under subject the best of 1 models, majority, is not told from chance: kappa 0.00 [0.00, 0.00]." in text


@pytest.mark.parametrize("experiment", [learning_check.LearningCheck, training_recipe.TrainingRecipe])
def test_without_recordings_of_people_it_says_where_they_are_looked_for(
    experiment: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("EEGEMO_REAL_DATA", raising=False)
    module = learning_check if experiment is learning_check.LearningCheck else training_recipe
    with pytest.raises(ConfigError, match="EEGEMO_REAL_DATA, to the folder with dasps/, eegmat12/"):
        module.run(experiment(out=tmp_path / "o"))


def test_an_unknown_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Unknown task 'joy'; known: valence, arousal, quadrants"):
        real_emotion.run(real_emotion.RealEmotion(tasks=("joy",), out=tmp_path / "o"))


def test_real_emotion_writes_a_page_for_each_task_with_its_answer(real_data: Path, tmp_path: Path) -> None:
    config = real_emotion.RealEmotion(
        data=real_data / "dasps",
        models=("logistic-regression",),
        protocols=("window-random", "trial"),
        controls=(),
        out=tmp_path / "emotion",
    )
    results = real_emotion.run(config)

    assert list(results) == ["valence", "arousal"]
    for task, (random, honest) in results.items():
        assert (random.leakage.trial, honest.leakage.trial) == (1, 0)
        page = (tmp_path / f"emotion_{task}" / "README.md").read_text()
        assert "**Answer.** Real" in page
        assert "SIMULATED" not in page
        assert "Baghdadi" in page
