from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from eegemo import ConfigError, DataFormatError, Trials, quadrants
from eegemo._atomic import replacing
from eegemo.errors import unknown_name


def make_trials(
    lengths: tuple[int, ...] = (6, 4, 5),
    *,
    baseline: int = 1,
    ch_names: tuple[str, ...] = ("F3", "F4"),
    gap: int = 0,
    sfreq: float = 10.0,
    **columns: list[Any],
) -> Trials:
    """Trials of one subject whose samples count 0, 1, 2, ...; a gap moves them along the strip."""
    starts = gap + np.cumsum((0, *lengths[:-1]))
    number = np.arange(1, len(lengths) + 1)
    table = pd.DataFrame(
        {
            "subject": 1,
            "trial": number,
            "stimulus": number,
            "start": starts,
            "n_times": lengths,
            "n_baseline": baseline,
            "valence": number * 2.0,
            **columns,
        }
    )
    samples = np.arange(-gap, sum(lengths), dtype=np.float32)
    strip = np.stack([samples + 100 * channel for channel in range(len(ch_names))], axis=1)
    return Trials(strip, table, ch_names, sfreq, dataset="counting", simulated=True)


def test_trial_data_is_channel_first_and_without_its_baseline() -> None:
    trials = make_trials()
    assert_array_equal(trials.trial_data(1), [[7, 8, 9], [107, 108, 109]])
    assert_array_equal(trials.trial_data(1, baseline=True), [[6, 7, 8, 9], [106, 107, 108, 109]])


def test_signals_cannot_be_written() -> None:
    trials = make_trials()
    with pytest.raises(ValueError, match="read-only"):
        trials.signals[0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        trials.trial_data(0)[0, 0] = 1


@pytest.mark.parametrize("name", ["signals", "table", "ch_names", "sfreq", "dataset", "simulated", "provenance"])
def test_an_attribute_cannot_be_replaced(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(make_trials(), name, None)


def test_editing_the_table_that_was_handed_out_does_not_change_the_trials() -> None:
    trials = make_trials()
    table = trials.table
    table.loc[0, "valence"] = 9.0
    assert trials.table["valence"].tolist() == [2, 4, 6]


def test_editing_the_table_that_was_handed_in_does_not_change_the_trials() -> None:
    given = make_trials().table.copy()
    trials = Trials(make_trials().signals, given, ("F3", "F4"), 10.0, dataset="counting", simulated=True)
    given.loc[0, "valence"] = 9.0
    assert trials.table["valence"].tolist() == [2, 4, 6]


@pytest.mark.parametrize("rows", [[0, 2], [True, False, True], np.array([0, 2]), pd.Series([True, False, True])])
def test_select_keeps_rows_over_the_same_strip(rows: Any) -> None:
    trials = make_trials()
    kept = trials.select(rows)
    assert kept.table["trial"].tolist() == [1, 3]
    assert kept.table.index.tolist() == [0, 1]
    assert np.shares_memory(kept.signals, trials.signals)
    assert len(trials) == 3


def test_select_can_change_the_order() -> None:
    assert make_trials().select([2, 0]).table["trial"].tolist() == [3, 1]


@pytest.mark.parametrize("rows", [[], [False, False, False]])
def test_selecting_nothing_gives_no_trials(rows: list[Any]) -> None:
    assert len(make_trials().select(rows)) == 0


def test_a_mask_of_another_length_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"mask over 3 trials was expected, got \(2,\)"):
        make_trials().select([True, False])


def test_a_trial_selected_twice_is_refused() -> None:
    with pytest.raises(DataFormatError, match=r"Subject 1 has two trials numbered 1\."):
        make_trials().select([0, 0])


def test_pick_takes_channels_by_name_in_the_order_given() -> None:
    picked = make_trials(ch_names=("F3", "F4", "O1")).pick(["O1", "F3"])
    assert picked.ch_names == ("O1", "F3")
    assert_array_equal(picked.signals[:2], [[200, 0], [201, 1]])


def test_pick_keeps_each_channel_with_its_type() -> None:
    given = make_trials(ch_names=("F3", "GSR", "hEOG"))
    trials = Trials(given.signals, given.table, given.ch_names, 10.0, "d", True, ch_types=("eeg", "gsr", "eog"))
    assert trials.pick(["hEOG", "F3"]).ch_types == ("eog", "eeg")


def test_picking_all_channels_in_their_order_copies_nothing() -> None:
    trials = make_trials()
    assert trials.pick(["F3", "F4"]).signals is trials.signals


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["F3", "F33"], r"Unknown channel 'F33'\. Did you mean 'F3'\? Known: F3, F4\."),
        (["F3", "F3"], "A channel is named twice: F3, F3"),
        ([], "A list of channel names was expected"),
        ("grad", r"Unknown channel or type 'grad'.* Known: F3, F4, eeg"),
        ("F33", r"Unknown channel or type 'F33'\. Did you mean 'F3'\?"),
        (0, "Channel names, or types such as 'eeg', were expected, got 0"),
    ],
)
def test_channels_that_cannot_be_picked_are_refused(wanted: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make_trials().pick(wanted)


def test_dropna_drops_the_trials_without_a_rating() -> None:
    trials = make_trials(arousal=[1.0, np.nan, 3.0], liking=[np.nan, 2.0, 3.0])
    assert trials.dropna("arousal").table["trial"].tolist() == [1, 3]
    assert trials.dropna(["arousal", "liking"]).table["trial"].tolist() == [3]


def test_dropna_of_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"Unknown column 'valance'\. Did you mean 'valence'\?"):
        make_trials().dropna("valance")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"signals": np.zeros((15, 2))}, r"must be float32 .* got float64 \(15, 2\)"),
        ({"signals": np.zeros(15, np.float32)}, r"must be float32 .* got float32 \(15,\)"),
        ({"signals": np.zeros((15, 3), np.float32)}, "3 channels, but there are 2 names and 2 types"),
        ({"ch_types": ("eeg",)}, "2 channels, but there are 2 names and 1 types"),
        ({"ch_names": ("F3", "F3")}, "Channel names must be unique"),
        ({"signals": np.zeros((14, 2), np.float32)}, "row 2 spans samples 10 to 15 .* a strip of 14 samples"),
        ({"sfreq": 0}, "sfreq must be positive, got 0"),
        ({"sfreq": -128.0}, "sfreq must be positive"),
        ({"sfreq": float("nan")}, "sfreq must be positive"),
        ({"sfreq": float("inf")}, "sfreq"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change: dict[str, Any], message: str) -> None:
    good = make_trials()
    parts = {"signals": good.signals, "table": good.table, "ch_names": good.ch_names, "sfreq": 10.0, **change}
    with pytest.raises(DataFormatError, match=message):
        Trials(**parts, dataset="counting", simulated=True)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"start": [-1, 6, 10]}, "row 0 spans samples -1 to 5"),
        ({"n_baseline": [0, 5, 0]}, "row 1 .* baseline of 5"),
        ({"n_baseline": [-1, 0, 0]}, "row 0 .* baseline of -1"),
        ({"trial": [1, 2, 2]}, r"Subject 1 has two trials numbered 2\."),
        ({"subject": [1, np.nan, 2]}, "subject"),
        ({"trial": [1, np.nan, 2]}, "trial"),
        ({"start": [0.5, 6.0, 10.0]}, "start"),
    ],
)
def test_a_table_that_cannot_be_is_refused(columns: dict[str, list[float]], message: str) -> None:
    good = make_trials()
    with pytest.raises(DataFormatError, match=message):
        Trials(good.signals, good.table.assign(**columns), good.ch_names, 10.0, dataset="counting", simulated=True)


@pytest.mark.parametrize("column", ["subject", "trial", "stimulus", "start", "n_times", "n_baseline"])
def test_a_table_without_a_column_is_refused(column: str) -> None:
    good = make_trials()
    with pytest.raises(DataFormatError, match=rf"lacks \['{column}'\]"):
        Trials(good.signals, good.table.drop(columns=column), good.ch_names, 10.0, dataset="d", simulated=True)


def test_the_fingerprint_does_not_know_where_in_the_strip_the_trials_lie() -> None:
    assert make_trials(gap=3).fingerprint == make_trials().fingerprint
    first_two = make_trials(lengths=(6, 4))
    assert make_trials().select([0, 1]).fingerprint == first_two.fingerprint


def test_the_fingerprint_changes_with_what_is_in_the_trials() -> None:
    good = make_trials()
    samples = good.signals.copy()
    samples[14, 1] += 1e-3
    rated = good.table.assign(valence=[2.0, 4.0, 6.01])
    others = [
        Trials(samples, good.table, good.ch_names, 10.0, dataset="counting", simulated=True),
        Trials(good.signals, rated, good.ch_names, 10.0, dataset="counting", simulated=True),
        make_trials(ch_names=("F3", "F8")),
        make_trials(sfreq=20.0),
        make_trials(baseline=2),
        good.select([0, 1]),
        good.select([1, 0, 2]),
    ]
    assert len({good.fingerprint, *(trials.fingerprint for trials in others)}) == 1 + len(others)


def test_the_fingerprint_ignores_samples_outside_the_trials() -> None:
    trials = make_trials(gap=3)
    samples = trials.signals.copy()
    samples[0] = 99
    other = Trials(samples, trials.table, trials.ch_names, 10.0, dataset="counting", simulated=True)
    assert other.fingerprint == trials.fingerprint


def test_the_fingerprint_takes_a_name_for_what_it_says() -> None:
    trials = make_trials(ch_names=("F3", "F4", "O1"))
    assert trials.pick(np.array(["O1", "F3"])).fingerprint == trials.pick(["O1", "F3"]).fingerprint  # type: ignore[arg-type]


def test_epochs_are_in_volts_with_time_zero_at_the_stimulus(small_trials: Trials) -> None:
    epochs = small_trials.to_epochs()
    data = epochs.get_data(copy=True)
    assert data.shape == (24, 2, 144)
    assert_allclose(data[5], small_trials.signals[5 * 144 : 6 * 144].T * 1e-6, rtol=1e-6)
    assert_allclose(epochs.times[[0, 16]], [-0.5, 0.0], atol=1e-12)
    assert epochs.metadata["valence"].tolist() == small_trials.table["valence"].tolist()
    assert epochs.metadata["subject"].tolist() == [1] * 8 + [2] * 8 + [3] * 8
    assert epochs.get_montage() is not None


def test_only_potentials_are_turned_into_volts() -> None:
    given = make_trials(lengths=(4,), ch_names=("F3", "GSR", "hEOG"))
    trials = Trials(given.signals, given.table, given.ch_names, 10.0, "d", True, ch_types=("eeg", "gsr", "eog"))
    assert_allclose(trials.to_epochs().get_data(copy=True)[0, :, 3], [3e-6, 103, 203e-6], rtol=1e-6)


def test_a_channel_outside_the_montage_has_no_place_and_the_others_have_theirs() -> None:
    info = make_trials(lengths=(4,), ch_names=("E128", "f3", "F3x", "F3X")).to_epochs().info
    expected = mne.create_info(["F3"], 10.0, "eeg").set_montage("colin27_1005")
    places = np.array([channel["loc"][:3] for channel in info["chs"]])
    assert_allclose(places[1], expected["chs"][0]["loc"][:3])
    assert np.isnan(places[[0, 2, 3]]).all()


def test_channels_none_of_which_is_in_the_montage_leave_the_epochs_without_one() -> None:
    assert make_trials(lengths=(4,), ch_names=("E1", "E128")).to_epochs().get_montage() is None


def test_epochs_of_trials_of_several_lengths_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"trials of one length, got 3 different ones.*trials\.select"):
        make_trials().to_epochs()


def test_trials_come_back_from_epochs(small_trials: Trials) -> None:
    back = Trials.from_epochs(small_trials.to_epochs(), dataset="noise", simulated=True)
    assert_allclose(back.signals, small_trials.signals, rtol=1e-6)
    pd.testing.assert_frame_equal(
        back.table[small_trials.table.columns], small_trials.table, check_dtype=False, check_index_type=False
    )
    assert (back.ch_names, back.sfreq, back.ch_types) == (("F3", "F4"), 32.0, ("eeg", "eeg"))


def test_units_survive_the_way_through_epochs() -> None:
    trials = make_trials(lengths=(4, 4, 4, 4), unit=["a", None, "a", "b"])
    back = Trials.from_epochs(trials.to_epochs())
    assert back.units.tolist() == trials.units.tolist() == [0, 1, 0, 2]
    assert back.table["unit"].isna().tolist() == [False, True, False, False]


def test_a_unit_that_is_no_name_is_refused() -> None:
    with pytest.raises(DataFormatError, match=r"'unit' must hold names or numbers, got \[1\] in row 2"):
        make_trials(unit=["a", None, [1]])


def volts(n: int = 3, *, tmin: float, metadata: pd.DataFrame | None) -> mne.EpochsArray:
    data = np.full((n, 1, 20), 2e-6)
    return mne.EpochsArray(data, mne.create_info(["Cz"], 10.0, "eeg"), tmin=tmin, metadata=metadata, verbose="error")


@pytest.mark.parametrize(("tmin", "n_baseline"), [(-0.5, 5), (-0.1, 1), (0.0, 0), (0.3, 0)])
def test_what_lies_before_time_zero_is_the_baseline(tmin: float, n_baseline: int) -> None:
    trials = Trials.from_epochs(volts(tmin=tmin, metadata=pd.DataFrame({"subject": [1, 1, 2], "trial": [1, 2, 1]})))
    assert trials.table["n_baseline"].tolist() == [n_baseline] * 3
    assert_allclose(trials.signals, 2.0, rtol=1e-6)


def test_trials_are_numbered_within_each_subject_where_the_epochs_do_not_say() -> None:
    with pytest.warns(UserWarning, match="no column 'trial'"):
        trials = Trials.from_epochs(volts(tmin=0, metadata=pd.DataFrame({"subject": ["b", "a", "b"]})))
    assert trials.table["trial"].tolist() == [1, 1, 2]
    assert trials.table["stimulus"].isna().all()


@pytest.mark.parametrize("metadata", [None, pd.DataFrame({"valence": [1.0, 2.0, 3.0]})])
def test_epochs_that_do_not_say_whose_they_are_are_refused(metadata: pd.DataFrame | None) -> None:
    with pytest.raises(DataFormatError, match="no 'subject' in their metadata"):
        Trials.from_epochs(volts(tmin=0, metadata=metadata))


def test_epochs_that_mne_rejects_are_left_out_with_their_row_of_metadata() -> None:
    signal = np.zeros((1, 300))
    signal[0, 120:130] = 1.0
    raw = mne.io.RawArray(signal, mne.create_info(["Cz"], 100.0, "eeg"), verbose="error")
    events = np.array([[0, 0, 1], [100, 0, 1], [200, 0, 1]])
    metadata = pd.DataFrame({"subject": 1, "trial": [1, 2, 3], "stimulus": [7, 8, 9]})
    epochs = mne.Epochs(
        raw, events, tmin=0, tmax=0.99, baseline=None, metadata=metadata, reject={"eeg": 0.5}, verbose="error"
    )
    trials = Trials.from_epochs(epochs)
    assert trials.table["stimulus"].tolist() == [7, 9]
    assert trials.signals.shape == (200, 1)
    assert not trials.signals.any()


def test_a_simulated_person_becomes_epochs(two_subjects: Trials) -> None:
    epochs = two_subjects.select([0, 1]).to_epochs()
    assert epochs.get_data(copy=False).shape == (2, 4, 8064)
    assert_allclose(epochs.times[384], 0, atol=1e-12)


def test_the_text_of_the_object_says_what_it_holds() -> None:
    assert repr(make_trials()) == "<Trials | counting, simulated: 3 trials, 1 subjects, 2 channels, 10 Hz>"


def test_labels_follow_their_trials_through_select_and_pick(small_trials: Trials) -> None:
    chosen = small_trials.select([3, 0]).pick(["F4"])
    assert quadrants()(chosen).tolist() == [3, 0]


@pytest.mark.parametrize("error", [DataFormatError, ConfigError])
def test_both_errors_are_value_errors(error: type[Exception]) -> None:
    assert issubclass(error, ValueError)


def test_an_unknown_name_lists_the_known_ones_and_the_nearest() -> None:
    error = unknown_name("protocol", "subjects", ("trial", "subject", "video"))
    assert str(error) == "Unknown protocol 'subjects'. Did you mean 'subject'? Known: trial, subject, video."
    assert str(unknown_name("protocol", 7, ("trial",))) == "Unknown protocol 7. Known: trial."


def test_a_file_appears_only_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    with replacing(path) as partial:
        partial.write_text("half")
        assert partial.parent == path.parent
        assert partial.suffix == ".csv"
        assert not path.exists()
    assert path.read_text() == "half"
    assert [p.name for p in path.parent.iterdir()] == ["table.csv"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, error: type[BaseException]) -> None:
    path = tmp_path / "table.csv"
    path.write_text("old")
    with pytest.raises(error), replacing(path) as partial:
        partial.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["table.csv"]


def test_a_replaced_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with replacing(tmp_path / "atomic") as partial:
        partial.write_text("")
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("plain", "atomic")]
    assert modes[0] == modes[1]


# What people of MNE and pandas type


def test_trials_are_indexed_by_row() -> None:
    trials = make_trials()
    assert trials[0:2].table.equals(trials.select([0, 1]).table)
    assert trials[-1].table["trial"].tolist() == trials.table["trial"].tolist()[-1:]
    assert trials[[2, 0]].table["trial"].tolist() == trials.table["trial"].iloc[[2, 0]].tolist()
    assert trials[trials.table["trial"] > 1].table["trial"].min() == 2
    assert [len(trial) for trial in trials] == [1] * len(trials)
    with pytest.raises(IndexError):
        trials[len(trials)]
    with pytest.raises(ConfigError, match=r"a column is trials.table\['valence'\]"):
        trials["valence"]


def test_trials_are_selected_by_a_query_of_their_table(small_trials: Trials) -> None:
    chosen = small_trials.select("subject == 2 and valence > 5")
    assert chosen.table["subject"].tolist() == [2] * 4
    assert (chosen.table["valence"] > 5).all()
    assert np.shares_memory(chosen.signals, small_trials.signals)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("subjet == 1", r"'subjet == 1' cannot be carried out .*subjet.*columns subject, trial, stimulus"),
        ("valence +", "cannot be carried out"),
        ("valence + 1", "must be true or false of each trial"),
        ("3 > 2", "must be true or false of each trial"),
    ],
)
def test_a_query_that_says_nothing_of_each_trial_is_refused(small_trials: Trials, query: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        small_trials.select(query)


def test_channels_are_picked_by_type_too() -> None:
    table = pd.DataFrame(
        {"subject": [1], "trial": [1], "stimulus": [1], "start": [0], "n_times": [4], "n_baseline": [0]}
    )
    strip = np.arange(12, dtype=np.float32).reshape(4, 3)
    trials = Trials(strip, table, ("F3", "vEOG", "F4"), 4.0, "made", simulated=True, ch_types=("eeg", "eog", "eeg"))
    assert trials.pick("eeg").ch_names == ("F3", "F4")
    assert trials.pick("eeg").signals.tolist() == strip[:, [0, 2]].tolist()
    assert trials.pick(["eeg", "eog"]) is trials
    assert trials.pick("vEOG").ch_types == ("eog",)


def test_a_copy_has_a_strip_of_its_own(small_trials: Trials) -> None:
    copied = small_trials.copy()
    assert not np.shares_memory(copied.signals, small_trials.signals)
    assert copied.fingerprint == small_trials.fingerprint


def test_the_info_is_mnes(small_trials: Trials) -> None:
    info = small_trials.info
    assert (info["sfreq"], info["ch_names"]) == (32.0, ["F3", "F4"])
    assert info["chs"][0]["loc"][:3].any(), "a place"
    info["bads"] = ["F3"]
    assert small_trials.info["bads"] == []


def test_a_notebook_shows_trials_and_windows_as_tables(small_trials: Trials) -> None:
    named = Trials(
        small_trials.signals, small_trials.table, ("<b>", "F4"), 32.0, dataset="noise & more", simulated=True
    )
    page = named._repr_html_()
    assert "noise &amp; more, simulated" in page
    assert "&lt;b&gt;, F4" in page
    assert "24 of 3 subjects, 8 stimuli" in page
    assert ">4 s<" in page
    windows = named.windows(n_times=16, step=8)._repr_html_()
    assert "16 samples (0.5 s at 32 Hz)" in windows
    assert "(360, 2, 16)" in windows


def test_a_query_may_name_a_variable(small_trials: Trials) -> None:
    wanted = 2
    assert set(small_trials.select("subject == @wanted").table["subject"]) == {wanted}


@pytest.mark.parametrize("rows", [3, None, [0.5, 1.9]], ids=str)
def test_rows_that_are_no_rows_are_refused(small_trials: Trials, rows: Any) -> None:
    with pytest.raises(ConfigError, match=r"query, a mask or row numbers|must be whole"):
        small_trials.select(rows)
