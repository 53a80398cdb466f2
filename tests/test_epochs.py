"""Trials as MNE's epochs and back: channels, trials, and what is known of them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from eegemo import ConfigError, DataFormatError, Trials, leakage_record, make_splitter, zscore_subjects
from eegemo._trial_parts import FITTED_ON_ALL, TRIALS_NOT_KNOWN
from eegemo.evaluation.leakage import shared_raw_samples

SFREQ = 100.0


def array_of(n: int = 6, **metadata: Any) -> mne.EpochsArray:
    """Epochs of a second without events of their own."""
    data = np.random.default_rng(0).normal(size=(n, 2, 100)) * 1e-5
    table = pd.DataFrame({"subject": 1, **metadata}, index=range(n))
    return mne.EpochsArray(data, mne.create_info(["F3", "F4"], SFREQ, "eeg"), metadata=table, verbose="error")


def noted_trials(**provenance: Any) -> Trials:
    """Six simulated trials of 10 + 100 samples, a part of them cut from two recordings."""
    number = np.arange(6)
    table = pd.DataFrame({"subject": number // 3 + 1, "trial": number % 3 + 1, "stimulus": number})
    table = table.assign(start=number * 110, n_times=110, n_baseline=10, mood="low")
    table["unit"] = ["a", "a", None] * 2
    table = table.assign(recording=["x.edf"] * 3 + ["y.edf"] * 3, first_sample=[500, 0, 1000, 40, 240, 440])
    signals = np.random.default_rng(1).normal(size=(660, 2)).astype(np.float32)
    provenance = {"pass_band": [4, 45], "licence": "none", **provenance}
    return Trials(signals, table, ("F3", "F4"), SFREQ, "made", simulated=True, provenance=provenance)


def others(table: pd.DataFrame) -> pd.DataFrame:
    """The same trials of two other people."""
    return table.assign(subject=table["subject"] + 2, recording=table["recording"] + " of others")


# Trials


def test_epochs_of_one_trial_are_rows_of_one_unit() -> None:
    trials = Trials.from_epochs(array_of(trial=[1, 1, 1, 2, 2, 2], mood=["low"] * 3 + ["high"] * 3))
    assert trials.units.tolist() == [0, 0, 0, 1, 1, 1]
    assert trials.table["trial"].tolist() == [1, 2, 3, 4, 5, 6]
    assert trials.table["unit"].tolist() == ["trial 1"] * 3 + ["trial 2"] * 3


@pytest.mark.parametrize("column", ["session", "run"])
def test_trials_numbered_anew_in_each_session_or_run_are_different_trials(column: str) -> None:
    metadata: dict[str, Any] = {"trial": [1, 2, 2, 1, 2, 2], column: [1, 1, 1, 2, 2, 2]}
    trials = Trials.from_epochs(array_of(**metadata))
    assert trials.units.tolist() == [0, 1, 1, 2, 3, 3]
    assert trials.table["unit"][3] == f"{column} 2, trial 1"


def test_numbers_of_trials_that_are_their_own_stay() -> None:
    trials = Trials.from_epochs(array_of(trial=[5, 3, 8, 1, 2, 9]))
    assert trials.table["trial"].tolist() == [5, 3, 8, 1, 2, 9]
    assert "unit" not in trials.table


def test_epochs_of_trials_of_one_unit_stay_together() -> None:
    trials = Trials.from_epochs(array_of(trial=[1, 1, 2, 2, 3, 3], unit=["a", "a", "a", None, None, None]))
    assert trials.units.tolist() == [0, 0, 0, 0, 1, 1]


def test_a_trial_of_two_units_is_refused() -> None:
    with pytest.raises(DataFormatError, match="Epochs of subject 1, trial 1, are of several units"):
        Trials.from_epochs(array_of(trial=[1, 1, 2, 2, 3, 3], unit=["a", "b", "a", None, None, None]))


@pytest.mark.parametrize("protocol", ["trial", "subject", "window-random"])
def test_protocols_and_the_record_know_the_trials_of_epochs(protocol: str) -> None:
    epochs = array_of(24, subject=np.repeat([1, 2, 3, 4], 6), trial=np.tile([1, 1, 2, 2, 3, 3], 4))
    windows = Trials.from_epochs(epochs).windows(0.5)
    for train, validation, test in make_splitter(protocol, n_splits=3, validation_size=0.2).triples(windows):
        share = leakage_record(windows, np.append(train, validation), test).trial
        assert share == 0 if protocol != "window-random" else share > 0.5


def test_without_numbers_it_is_not_known_which_epochs_are_one_trial() -> None:
    with pytest.warns(UserWarning, match=r"no column 'trial', so .* add one"):
        trials = Trials.from_epochs(array_of(8, subject=[1, 1, 1, 1, 2, 2, 2, 2]))
    windows = trials.windows(1.0)
    same_person = leakage_record(windows, np.array([0, 1, 4, 5]), np.array([2, 3, 6, 7]))
    assert np.isnan(same_person.trial)
    new_person = leakage_record(windows, np.array([0, 1, 2, 3]), np.array([4, 5, 6, 7]))
    assert (new_person.trial, new_person.shared_samples) == (0, 0)
    halves = trials.windows(0.5)
    assert leakage_record(halves, np.arange(0, 16, 2), np.arange(1, 16, 2)).trial == 1
    assert trials.fingerprint != Trials.from_epochs(array_of(8, subject=[1] * 4 + [2] * 4, trial=[1, 2, 3, 4] * 2))


def test_that_trials_are_not_known_is_not_forgotten_on_the_way_through_epochs() -> None:
    with pytest.warns(UserWarning, match="no column 'trial'"):
        trials = Trials.from_epochs(array_of())
    with pytest.warns(UserWarning, match="no column 'trial'"):
        back = Trials.from_epochs(trials.to_epochs())
    assert back.provenance[TRIALS_NOT_KNOWN]


# Channels


def with_trigger(**options: Any) -> mne.EpochsArray:
    info = mne.create_info(["F3", "F4", "EOG", "STI 014"], SFREQ, ["eeg", "eeg", "eog", "stim"])
    info["bads"] = options.get("bads", [])
    metadata = pd.DataFrame({"subject": 1, "trial": [1, 2]})
    return mne.EpochsArray(np.ones((2, 4, 50)), info, metadata=metadata, verbose="error")


def test_eeg_alone_is_taken_unless_other_channels_are_asked_for() -> None:
    assert Trials.from_epochs(with_trigger()).ch_names == ("F3", "F4")
    assert Trials.from_epochs(with_trigger(), picks=["eeg", "eog"]).ch_types == ("eeg", "eeg", "eog")
    assert Trials.from_epochs(with_trigger(), picks=["EOG", "F3"]).ch_names == ("EOG", "F3")
    trials = Trials.from_epochs(with_trigger(), picks="all")
    assert trials.ch_names == ("F3", "F4", "EOG", "STI 014")
    assert trials.signals[0].tolist() == [1e6, 1e6, 1e6, 1]


def test_bad_channels_are_left_out_with_a_word_unless_they_are_named() -> None:
    epochs = with_trigger(bads=["F4"])
    with pytest.warns(UserWarning, match=r"epochs.info\['bads'\] names them .*: F4; to keep them, interpolate"):
        assert Trials.from_epochs(epochs).ch_names == ("F3",)
    assert Trials.from_epochs(epochs, picks=["F3", "F4"]).ch_names == ("F3", "F4")
    with pytest.warns(UserWarning), pytest.raises(ConfigError, match="All channels that picks='eeg' means are bad"):
        Trials.from_epochs(with_trigger(bads=["F3", "F4"]))


def test_a_trigger_that_passes_for_eeg_is_left_out_with_a_word() -> None:
    epochs = with_trigger().set_channel_types({"STI 014": "eeg"}, on_unit_change="ignore")
    with pytest.warns(UserWarning, match="names of triggers: STI 014"):
        assert Trials.from_epochs(epochs).ch_names == ("F3", "F4")


@pytest.mark.parametrize(
    ("types", "picks", "message"),
    [
        (["misc", "misc"], "eeg", r"no EEG channels, but misc; set their types with epochs\.set_channel_types"),
        (["eeg", "eeg"], ["F33"], r"Unknown channel 'F33'\. Did you mean 'F3'\?"),
        (["eeg", "eeg"], "emg", "Unknown channel or type 'emg'"),
    ],
)
def test_channels_that_are_not_there_are_refused(types: list[str], picks: Any, message: str) -> None:
    info = mne.create_info(["F3", "F4"], SFREQ, types)
    epochs = mne.EpochsArray(np.zeros((1, 2, 50)), info, metadata=pd.DataFrame({"subject": [1], "trial": 1}))
    with pytest.raises(ConfigError, match=message):
        Trials.from_epochs(epochs, picks=picks)


@pytest.mark.parametrize("column", ["start", "n_times", "n_baseline", "recording", "first_sample"])
def test_columns_that_are_made_here_are_refused(column: str) -> None:
    with pytest.raises(DataFormatError, match=rf"columns that are made here: {column}; call yours otherwise"):
        Trials.from_epochs(array_of(trial=range(6), **{column: 7}))


# What is known


def saved(epochs: mne.BaseEpochs, folder: Path) -> mne.BaseEpochs:
    epochs.save(folder / "a-epo.fif", fmt="double", verbose="error")
    return mne.read_epochs(folder / "a-epo.fif", verbose="error")


WAYS: dict[str, Callable[[mne.BaseEpochs, Path], mne.BaseEpochs]] = {
    "as they are": lambda epochs, folder: epochs,
    "copied": lambda epochs, folder: epochs.copy(),
    "pickled": lambda epochs, folder: pickle.loads(pickle.dumps(epochs)),
    "saved": saved,
    "put together": lambda epochs, folder: mne.concatenate_epochs([epochs[:2], epochs[2:]], verbose="error"),
    "saved and put together": lambda epochs, folder: mne.concatenate_epochs(
        [saved(epochs, folder)[:4], epochs[4:]], verbose="error"
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_nothing_is_forgotten_on_the_way_through_epochs(way: str, tmp_path: Path) -> None:
    trials = zscore_subjects(noted_trials())
    back = Trials.from_epochs(WAYS[way](trials.to_epochs(), tmp_path))
    assert (back.dataset, back.simulated, back.pass_band) == ("made", True, (4, 45))
    assert back.provenance == trials.provenance
    assert back.units.tolist() == trials.units.tolist()
    columns = ["subject", "trial", "stimulus", "start", "n_times", "n_baseline", "recording", "first_sample"]
    pd.testing.assert_frame_equal(back.table[columns], trials.table[columns], check_dtype=False)
    assert_allclose(back.signals, trials.signals, rtol=1e-5)
    assert back.fingerprint == Trials.from_epochs(trials.to_epochs()).fingerprint


@pytest.mark.parametrize("loses", ["description", "metadata"])
def test_either_of_the_two_places_is_enough(loses: str) -> None:
    epochs = zscore_subjects(noted_trials()).to_epochs()
    if loses == "description":
        epochs.info["description"] = "a pilot study"
    else:
        epochs.metadata = epochs.metadata.drop(columns="eegemo")
    back = Trials.from_epochs(epochs)
    assert (back.simulated, back.dataset, back.pass_band) == (True, "made", (4, 45))
    assert back.provenance[FITTED_ON_ALL] == zscore_subjects(noted_trials()).provenance[FITTED_ON_ALL]
    assert back.table["first_sample"].tolist() == [500, 0, 1000, 40, 240, 440]


def test_channels_and_samples_that_are_cut_away_leave_the_rest_known() -> None:
    back = Trials.from_epochs(noted_trials().to_epochs().pick(["F4"]).crop(0.2, 0.69))
    assert back.simulated
    # 10 samples of baseline and 20 after it are gone, at 100 Hz.
    assert back.table["first_sample"].tolist() == [530, 30, 1030, 70, 270, 470]
    assert back.table["n_baseline"].tolist() == [0] * 6


def test_resampled_epochs_are_found_at_their_new_rate() -> None:
    back = Trials.from_epochs(noted_trials().to_epochs().resample(50.0))
    assert back.table["first_sample"].tolist() == [250, 0, 500, 20, 120, 220]


def test_a_filter_of_mne_narrows_the_pass_band() -> None:
    epochs = noted_trials().to_epochs().filter(8.0, None, verbose="error")
    assert Trials.from_epochs(epochs).pass_band == (8, 45)


def test_the_pass_band_of_foreign_epochs_is_that_of_their_recording() -> None:
    epochs = array_of(trial=range(6))
    assert Trials.from_epochs(epochs).pass_band == (None, None)
    filtered = Trials.from_epochs(epochs.filter(1.0, 30.0, verbose="error"))
    assert filtered.pass_band == (1, 30)
    assert filtered.provenance == {"pass_band": [1.0, 30.0]}


def test_simulated_trials_cannot_be_called_recorded() -> None:
    epochs = noted_trials().to_epochs()
    with pytest.raises(ConfigError, match="made of simulated trials"):
        Trials.from_epochs(epochs, simulated=False)
    assert Trials.from_epochs(epochs, simulated=True, dataset="mine").dataset == "mine"
    assert Trials.from_epochs(array_of(trial=range(6)), simulated=True).simulated
    assert not Trials.from_epochs(array_of(trial=range(6))).simulated


def test_what_was_done_to_some_of_the_epochs_is_said_of_all() -> None:
    plain = noted_trials()
    table, band = others(plain.table), {"pass_band": [1, 40]}
    wider = Trials(plain.signals, table, plain.ch_names, SFREQ, "other", True, provenance=band)
    epochs = [zscore_subjects(plain).to_epochs(), wider.to_epochs()]
    for order in (epochs, epochs[::-1]):
        back = Trials.from_epochs(mne.concatenate_epochs(order, verbose="error"))
        assert back.provenance[FITTED_ON_ALL] == zscore_subjects(plain).provenance[FITTED_ON_ALL]
        assert back.pass_band == (1, 45)
        assert set(back.dataset.split(" + ")) == {"made", "other"}


def test_simulated_and_recorded_epochs_are_not_mixed() -> None:
    simulated = noted_trials()
    recorded = Trials(simulated.signals, others(simulated.table), simulated.ch_names, SFREQ, "real", False)
    for order in ([simulated, recorded], [recorded, simulated]):
        epochs = mne.concatenate_epochs([trials.to_epochs() for trials in order], verbose="error")
        with pytest.raises(ConfigError, match="Some of the epochs were simulated and some not"):
            Trials.from_epochs(epochs)
        assert Trials.from_epochs(epochs["subject > 2"]).simulated is False
        assert Trials.from_epochs(epochs["subject <= 2"]).simulated is True


def test_epochs_of_trials_and_others_are_not_mixed() -> None:
    own = noted_trials().to_epochs().crop(0, 0.99)
    with pytest.raises(DataFormatError, match=r"6 of 12 epochs were not made by Trials\.to_epochs"):
        Trials.from_epochs(mne.concatenate_epochs([own, array_of(trial=range(6))], verbose="error"))


@pytest.mark.parametrize("dropped", [["first_sample"], ["recording"], ["recording", "first_sample"]])
@pytest.mark.filterwarnings("ignore:.*raw samples in common")
def test_places_that_were_taken_out_of_the_metadata_are_not_known_where_trials_overlapped(dropped: list[str]) -> None:
    raw = mne.io.RawArray(np.random.default_rng(0).normal(size=(2, 1280)), mne.create_info(["F3", "F4"], 128.0, "eeg"))
    shares = []
    for overlap in (2, 0):
        cut = mne.make_fixed_length_epochs(raw, duration=4, overlap=overlap, preload=True, verbose="error")
        cut.metadata = pd.DataFrame({"subject": 1, "trial": range(len(cut))})
        epochs = Trials.from_epochs(cut).to_epochs()
        epochs.metadata = epochs.metadata.drop(columns=dropped)
        windows = Trials.from_epochs(epochs).windows(4.0)
        shares.append(shared_raw_samples(windows, np.array([0]), np.array([1])))
    assert np.isnan(shares[0])
    assert shares[1] == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"picks": None}, "picks must be names or types"),
        ({"picks": 3}, "picks must be names or types"),
        ({"simulated": "no"}, "simulated must be True or False"),
    ],
)
def test_what_from_epochs_cannot_use_is_refused_in_words(given: dict[str, Any], message: str) -> None:
    epochs = mne.EpochsArray(np.zeros((2, 1, 64)), mne.create_info(["Cz"], 64.0, "eeg"), verbose="error")
    epochs.metadata = pd.DataFrame({"subject": 1, "trial": [1, 2]})
    with pytest.raises(ConfigError, match=message):
        Trials.from_epochs(epochs, **given)
    epochs.metadata["eegemo"] = "mine"
    with pytest.raises(DataFormatError, match="did not write"):
        Trials.from_epochs(epochs)
    with pytest.raises(ConfigError, match="epochs were expected, got int"):
        Trials.from_epochs(3)


def test_no_epochs_are_no_trials(small_trials: Trials) -> None:
    with pytest.raises(DataFormatError, match="There are no epochs"):
        Trials.from_epochs(small_trials.to_epochs()[:0])
