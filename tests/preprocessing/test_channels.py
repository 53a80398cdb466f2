"""Channels: names that collide, requests that contradict themselves, types, places, derivations and references."""

from __future__ import annotations

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, DataFormatError
from eegemo.preprocessing import average_reference, name_channels, standard_names, steps_done

MONTAGE = mne.channels.make_standard_montage("colin27_1005").ch_names


def recording(names: list[str], types: str | list[str] = "eeg") -> mne.io.RawArray:
    rng = np.random.default_rng(0)
    data = 1e-5 * rng.standard_normal((len(names), 200))
    return mne.io.RawArray(data, mne.create_info(names, 100.0, types), verbose="error")


# Names


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


def test_two_channels_do_not_get_one_name() -> None:
    assert standard_names(["EEG Fp1", "FP1", "CZ"]) == {"CZ": "Cz"}
    assert standard_names(["Fp1", "FP1"]) == {}


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


# The montage


def test_without_a_montage_names_types_and_places_stay() -> None:
    raw = recording(["FCZ", "EEG Fp1", "nose"])
    got = name_channels(raw, montage=None)
    assert got.ch_names == raw.ch_names
    assert got.get_channel_types() == ["eeg"] * 3
    assert got.get_montage() is None


def test_what_is_no_electrode_of_the_montage_is_not_taken_as_eeg() -> None:
    with pytest.warns(UserWarning, match="Channels ECG, A2-A1 are not in the montage.*not taken as EEG"):
        got = name_channels(recording(["Cz", "Fz", "ECG", "A2-A1"]))
    assert got.get_channel_types() == ["eeg", "eeg", "misc", "misc"]


def test_a_montage_that_fits_no_channel_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"None of the EEG channels E1, E2 is in the montage.*rename them"):
        name_channels(recording(["E1", "E2"]))
    assert name_channels(recording(["E1", "E2"]), montage=None).get_channel_types() == ["eeg", "eeg"]


# Derivations


def test_a_bipolar_derivation_is_the_first_less_the_second() -> None:
    raw = recording(["Cz", "EXG1", "EXG2", "EXG3", "EXG4"])
    got = name_channels(raw, bipolar=[("hEOG", "eog", "EXG1", "EXG2"), ("chin", "emg", "EXG3", "EXG4")])
    assert got.ch_names == ["Cz", "hEOG", "chin"]
    assert got.get_channel_types() == ["eeg", "eog", "emg"]
    data = raw.get_data()
    assert_allclose(got.get_data(), [data[0], data[1] - data[2], data[3] - data[4]])


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


# Requests that cannot be met


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


@pytest.mark.parametrize("twice", [{"rename": [("x", "Fz"), ("x", "Pz")]}, {"types": [("x", "eog"), ("x", "misc")]}])
def test_a_channel_renamed_or_typed_twice_is_refused(twice: dict[str, list[tuple[str, str]]]) -> None:
    with pytest.raises(ConfigError, match=r"twice.*x|x.*twice"):
        name_channels(recording(["Cz", "x"]), montage=None, **twice)  # type: ignore[arg-type]


@pytest.mark.parametrize("types", ["eeg", ["eeg", "eog"]])
def test_no_channel_to_keep_is_refused_in_words(types: str | list[str]) -> None:
    with pytest.raises((ConfigError, DataFormatError), match="channels"):
        name_channels(recording(["Cz", "Fz"], types), channels=[])


# The reference


def test_the_average_reference_is_over_eeg_alone() -> None:
    raw = recording(["Cz", "Fz", "Pz", "eye", "arm"], ["eeg", "eeg", "eeg", "eog", "emg"])
    data = raw.get_data()
    got = average_reference(raw)
    assert_allclose(got.get_data()[:3], data[:3] - data[:3].mean(axis=0), atol=1e-18)
    assert_array_equal(got.get_data()[3:], data[3:])
    assert_array_equal(raw.get_data(), data)
    assert steps_done(got)[-1] == {"step": "average_reference", "n_channels": 3}


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


def test_one_channel_has_no_average() -> None:
    with pytest.raises(ConfigError, match="needs two EEG channels, got 1; set reference=None"):
        average_reference(recording(["Cz", "eye"], ["eeg", "eog"]))


# Names with references, prefixes and units; old names


@pytest.mark.parametrize(
    "name", "EEG F3|EEG F3-A1|EEG.F3|POL F3|F3-CPz|F3-FCz|F3-REF|F3-LE|F3:M2|F3 (uV)|F3[uV]|F3.|f3|F3 - A1A2".split("|")
)
def test_an_electrode_is_recognised_behind_prefix_reference_and_unit(name: str) -> None:
    assert standard_names([name]) == {name: "F3"}


@pytest.mark.parametrize(
    "names",
    [["F3-C3", "C3-P3", "P3-O1", "T3-T5"], ["Fpz-Cz", "Pz-Oz"], ["Fz-Cz", "Cz-Pz"], ["F3-Cz"], ["E1-M2", "A2-A1"]],
)
def test_bipolar_derivations_are_no_electrodes(names: list[str]) -> None:
    assert standard_names(names) == {}


def test_an_electrode_that_all_pairs_share_is_their_reference() -> None:
    assert standard_names(["F3-Cz", "C3-Cz", "O1-Cz"]) == {"F3-Cz": "F3", "C3-Cz": "C3", "O1-Cz": "O1"}


def test_a_bipolar_montage_is_refused_as_such() -> None:
    with pytest.raises(ConfigError, match=r"F3-C3, C3-P3 are differences of two electrodes"):
        name_channels(recording(["F3-C3", "C3-P3"]))


def test_two_channels_that_are_one_electrode_are_refused_and_can_be_told_apart() -> None:
    raw = recording(["EEG Fp1", "FP1", "Cz"])
    with pytest.raises(ConfigError, match="Channels EEG Fp1 and FP1 are both Fp1; rename one of them"):
        name_channels(raw)
    got = name_channels(raw, types=[("FP1", "misc")])
    assert dict(zip(got.ch_names, got.get_channel_types(), strict=True)) == {"Fp1": "eeg", "FP1": "misc", "Cz": "eeg"}


@pytest.mark.parametrize("swapped", [False, True])
def test_old_and_new_names_of_the_temporal_places_stand_for_each_other(swapped: bool) -> None:
    old, new = ["T3", "T4", "T5", "T6"], ["T7", "T8", "P7", "P8"]
    there, wanted = (new, old) if swapped else (old, new)
    raw = recording(["Cz", *there])
    got = name_channels(raw, channels=wanted)
    assert got.ch_names == wanted
    assert_array_equal(got.get_data(), raw.get_data()[1:])


def test_an_electrode_is_not_given_twice_by_its_two_names() -> None:
    with pytest.raises(DataFormatError, match="Channels T3 are missing"):
        name_channels(recording(["Cz", "T7"]), channels=["T3", "T7"])


def test_a_set_of_channels_is_known_by_its_name_and_one_channel_is_no_set() -> None:
    names = "AF3 F3 F7 FC5 T3 T5 O1 AF4 F4 F8 FC6 T4 T6 O2".split()
    emotiv = "AF3 F3 F7 FC5 T7 P7 O1 AF4 F4 F8 FC6 T8 P8 O2".split()
    assert name_channels(recording([*names, "Cz"]), channels="emotiv14").ch_names == emotiv
    assert name_channels(recording(["Cz", "Fz"]), channels="eeg").ch_names == ["Cz", "Fz"]
    with pytest.raises(ConfigError, match=r"Unknown channel set 'Cz'.*A list of channel names was expected.*\['Cz'\]"):
        name_channels(recording(["Cz", "Fz"]), channels="Cz")
