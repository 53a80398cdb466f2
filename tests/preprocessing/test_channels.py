"""Names, types, places and references of channels."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, DataFormatError
from eegemo.preprocessing import average_reference, name_channels, standard_names, steps_done


def recording(names: list[str], types: str | list[str] = "eeg") -> mne.io.RawArray:
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((len(names), 200))
    return mne.io.RawArray(data, mne.create_info(names, 100.0, types), verbose="error")


def test_names_of_many_habits_become_those_of_the_system() -> None:
    names = ["Fc5.", "C3..", "EEG Fp1", "EEG-FZ", "FCZ", "T3-REF", "O1_LE", " Oz ", "Cz", "Status", "EEG A2-A1"]
    assert standard_names(names) == {
        "Fc5.": "FC5",
        "C3..": "C3",
        "EEG Fp1": "Fp1",
        "EEG-FZ": "Fz",
        "FCZ": "FCz",
        "T3-REF": "T3",
        "O1_LE": "O1",
        " Oz ": "Oz",
    }


def test_two_channels_do_not_get_one_name() -> None:
    assert standard_names(["EEG Fp1", "FP1", "CZ"]) == {"CZ": "Cz"}
    assert standard_names(["Fp1", "FP1"]) == {}


def test_channels_are_renamed_typed_placed_and_ordered() -> None:
    raw = recording(["EEG Cz", "x", "VEOG", "FP1", "O1."])
    got = name_channels(raw, rename=[("x", "FZ")], types=[("VEOG", "eog")], channels=["Fz", "Fp1", "Cz"])
    assert got.ch_names == ["Fz", "Fp1", "Cz", "VEOG"]
    assert got.get_channel_types() == ["eeg", "eeg", "eeg", "eog"]
    assert_array_equal(got.get_data(), raw.get_data()[[1, 3, 0, 2]])
    montage = mne.channels.make_standard_montage("colin27_1005")
    places = recording(["Fz", "Fp1", "Cz"]).set_montage(montage)
    for channel, expected in zip(got.info["chs"][:3], places.info["chs"], strict=True):
        assert_allclose(channel["loc"][:3], expected["loc"][:3])
    assert raw.ch_names == ["EEG Cz", "x", "VEOG", "FP1", "O1."]


def test_a_bipolar_derivation_is_the_first_less_the_second() -> None:
    raw = recording(["Cz", "EXG1", "EXG2", "EXG3", "EXG4"])
    got = name_channels(raw, bipolar=[("hEOG", "eog", "EXG1", "EXG2"), ("chin", "emg", "EXG3", "EXG4")])
    assert got.ch_names == ["Cz", "hEOG", "chin"]
    assert got.get_channel_types() == ["eeg", "eog", "emg"]
    data = raw.get_data()
    assert_allclose(got.get_data(), [data[0], data[1] - data[2], data[3] - data[4]])


def test_what_is_no_electrode_of_the_montage_is_not_taken_as_eeg() -> None:
    with pytest.warns(UserWarning, match="Channels ECG, A2-A1 are not in the montage.*not taken as EEG"):
        got = name_channels(recording(["Cz", "Fz", "ECG", "A2-A1"]))
    assert got.get_channel_types() == ["eeg", "eeg", "misc", "misc"]


def test_a_montage_that_fits_no_channel_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"None of the EEG channels E1, E2 is in the montage.*rename them"):
        name_channels(recording(["E1", "E2"]))
    assert name_channels(recording(["E1", "E2"]), montage=None).get_channel_types() == ["eeg", "eeg"]


def test_what_is_not_there_is_named_with_the_nearest() -> None:
    raw = recording(["Cz", "Fz", "EXG1"])
    with pytest.raises(ConfigError, match="Did you mean 'EXG1'"):
        name_channels(raw, rename=[("EXG2", "x")])
    with pytest.raises(ConfigError, match="Unknown channel 'VEOG'"):
        name_channels(raw, types=[("VEOG", "eog")])
    with pytest.raises(ConfigError, match="Unknown channel 'EXG9'"):
        name_channels(raw, bipolar=[("e", "eog", "EXG1", "EXG9")])
    with pytest.raises(ConfigError, match=r"Unknown montage 'biosemi31'. Did you mean 'biosemi32'"):
        name_channels(raw, montage="biosemi31")
    with pytest.raises(DataFormatError, match="Channels Pz are missing; the recording has Cz, Fz, EXG1"):
        name_channels(raw, channels=["Cz", "Pz"])
    with pytest.raises(ConfigError, match="named twice"):
        name_channels(raw, channels=["Cz", "Cz"])
    with pytest.raises(ConfigError, match="types of channels cannot be set"):
        name_channels(raw, types=[("EXG1", "eyes")])
    with pytest.raises(ConfigError, match="cannot be renamed"):
        name_channels(raw, rename=[("EXG1", "Cz")])
    with pytest.raises(ConfigError, match="There is a channel 'Fz' already"):
        name_channels(raw, bipolar=[("Fz", "eog", "EXG1", "Cz")])


def test_the_average_reference_is_over_eeg_alone() -> None:
    raw = recording(["Cz", "Fz", "Pz", "eye", "arm"], ["eeg", "eeg", "eeg", "eog", "emg"])
    data = raw.get_data()
    got = average_reference(raw)
    assert_allclose(got.get_data()[:3], data[:3] - data[:3].mean(axis=0), atol=1e-18)
    assert_array_equal(got.get_data()[3:], data[3:])
    assert_array_equal(raw.get_data(), data)
    assert steps_done(got)[-1] == {"step": "average_reference", "n_channels": 3}


def test_one_channel_has_no_average() -> None:
    with pytest.raises(ConfigError, match="needs two EEG channels, got 1; set reference=None"):
        average_reference(recording(["Cz", "eye"], ["eeg", "eog"]))
