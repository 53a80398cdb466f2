"""Channels: names that collide, requests that contradict themselves, derivations, and what a step must not touch."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from eegemo import ConfigError, DataFormatError
from eegemo.preprocessing import average_reference, name_channels, standard_names, steps_done

MONTAGE = mne.channels.make_standard_montage("colin27_1005").ch_names


def recording(names: list[str], types: str | list[str] = "eeg") -> mne.io.RawArray:
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((len(names), 200))
    return mne.io.RawArray(data, mne.create_info(names, 100.0, types), verbose="error")


spellings = st.sampled_from(["{}", "EEG {}", "eeg-{}", "{}.", "{}..", "{}-REF", "EEG {}-LE", " {}"])
cases = st.sampled_from([str, str.upper, str.lower])
electrodes = st.sampled_from(["Fp1", "FCz", "POz", "T7", "T3", "Iz", "AFF1h", "O1", "A1", "ECG", "A2-A1", "C3", "c33"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(electrodes, spellings, cases), min_size=1, max_size=12))
def test_standard_names_never_collide_and_hold_when_applied_twice(
    drawn: list[tuple[str, str, type[str]]],
) -> None:
    names = list(dict.fromkeys(spelling.format(case(name)) for name, spelling, case in drawn))
    found = standard_names(names)
    after = [found.get(name, name) for name in names]
    assert len(set(after)) == len(names)
    assert set(found.values()) <= set(MONTAGE)
    assert not set(standard_names(after)) & set(found.values())


def test_old_and_new_names_of_one_place_are_both_left_as_they_are() -> None:
    assert standard_names(["T3", "T7", "T3-REF", "EEG P7-LE"]) == {"EEG P7-LE": "P7"}


def test_electrodes_that_are_no_eeg_keep_their_names() -> None:
    got = name_channels(recording(["CZ", "FP1.", "O1."], ["eeg", "eog", "emg"]))
    assert got.ch_names == ["Cz", "FP1.", "O1."]


def test_two_names_can_be_swapped() -> None:
    raw = recording(["Cz", "Fz"])
    got = name_channels(raw, rename=[("Cz", "Fz"), ("Fz", "Cz")])
    assert got.ch_names == ["Fz", "Cz"]
    assert_array_equal(got.get_data(), raw.get_data())


def test_without_a_montage_names_types_and_places_stay() -> None:
    raw = recording(["FCZ", "EEG Fp1", "nose"])
    got = name_channels(raw, montage=None)
    assert got.ch_names == raw.ch_names
    assert got.get_channel_types() == ["eeg"] * 3
    assert got.get_montage() is None


def test_bad_channels_stay_bad_under_their_new_names_and_can_be_kept() -> None:
    raw = recording(["Fc5.", "C3..", "Cz..", "eye"], ["eeg", "eeg", "eeg", "eog"])
    raw.info["bads"] = ["Fc5.", "eye"]
    assert set(name_channels(raw).info["bads"]) == {"FC5", "eye"}
    got = name_channels(raw, channels=["Cz", "FC5"])
    assert got.ch_names == ["Cz", "FC5", "eye"]
    assert set(got.info["bads"]) == {"FC5", "eye"}


def test_copy_false_works_on_the_recording_itself() -> None:
    raw = recording(["FCZ", "FP1", "EXG1", "EXG2"])
    settings_ = {"bipolar": [("eye", "eog", "EXG1", "EXG2")], "channels": ["Fp1"]}
    expected = name_channels(raw, **settings_)  # type: ignore[arg-type]
    assert raw.ch_names == ["FCZ", "FP1", "EXG1", "EXG2"]
    got = name_channels(raw, copy=False, **settings_)  # type: ignore[arg-type]
    assert got is raw
    assert raw.ch_names == expected.ch_names == ["Fp1", "eye"]
    assert_array_equal(raw.get_data(), expected.get_data())


def test_a_derivation_may_take_the_name_of_either_electrode() -> None:
    raw = recording(["Cz", "UP", "DOWN"])
    data = raw.get_data()
    for name in ("UP", "DOWN"):
        got = name_channels(raw, bipolar=[(name, "eog", "UP", "DOWN")])
        assert got.ch_names == ["Cz", name]
        assert_array_equal(got.get_data()[1], data[1] - data[2])


def test_a_derivation_of_an_unknown_type_is_refused_in_words() -> None:
    with pytest.raises(ConfigError, match=r"type.*eyes"):
        name_channels(recording(["Cz", "UP", "DOWN"]), bipolar=[("eye", "eyes", "UP", "DOWN")])


def test_a_derivation_of_an_electrode_from_itself_is_refused() -> None:
    with pytest.raises(ConfigError, match="UP"):
        name_channels(recording(["Cz", "UP", "DOWN"]), bipolar=[("eye", "eog", "UP", "UP")])


@pytest.mark.parametrize("twice", [{"rename": [("x", "Fz"), ("x", "Pz")]}, {"types": [("x", "eog"), ("x", "misc")]}])
def test_a_channel_renamed_or_typed_twice_is_refused(twice: dict[str, list[tuple[str, str]]]) -> None:
    with pytest.raises(ConfigError, match=r"twice.*x|x.*twice"):
        name_channels(recording(["Cz", "x"]), montage=None, **twice)  # type: ignore[arg-type]


@pytest.mark.parametrize("types", ["eeg", ["eeg", "eog"]])
def test_no_channel_to_keep_is_refused_in_words(types: str | list[str]) -> None:
    with pytest.raises((ConfigError, DataFormatError), match="channels"):
        name_channels(recording(["Cz", "Fz"], types), channels=[])


def test_the_reference_includes_bad_channels_and_nothing_but_eeg() -> None:
    raw = recording(["Cz", "Fz", "Pz", "eye", "code"], ["eeg", "eeg", "eeg", "eog", "stim"])
    raw.info["bads"] = ["Pz"]
    data = raw.get_data()
    got = average_reference(raw).get_data()
    np.testing.assert_allclose(got[:3], data[:3] - data[:3].sum(axis=0) / 3, rtol=0, atol=1e-18)
    assert_array_equal(got[3:], data[3:])


def test_a_pending_average_projector_gives_way_to_the_average_itself() -> None:
    raw = recording(["Cz", "Fz", "Pz"])
    data = raw.get_data()
    raw.set_eeg_reference(projection=True, verbose="error")
    got = average_reference(raw)
    np.testing.assert_allclose(got.get_data(), data - data.mean(axis=0), rtol=0, atol=1e-18)
    assert got.info["projs"] == []
    assert len(raw.info["projs"]) == 1


def test_averaging_twice_changes_nothing_the_second_time() -> None:
    once = average_reference(recording(["Cz", "Fz", "Pz"]))
    values = once.get_data()
    twice = average_reference(once, copy=False)
    assert twice is once
    np.testing.assert_allclose(twice.get_data(), values, rtol=0, atol=1e-18)
    assert [step["step"] for step in steps_done(twice)] == ["average_reference"] * 2
