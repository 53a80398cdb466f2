"""Opening recordings, BIDS' list of channels, and one recording with its trials."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import scipy.io
from numpy.testing import assert_allclose, assert_array_equal

from eegemo.errors import ConfigError, DataFormatError
from eegemo.preprocessing.reading import SUFFIXES, companions, read_recording
from eegemo.preprocessing.recording import Recording
from eegemo.preprocessing.stage import Preprocessing
from recording_files import eeglab_struct, write_brainvision

pytestmark = pytest.mark.filterwarnings("error::UserWarning")

NAMES = ["Fp1", "Fp2", "C3", "C4", "O1", "Eye"]
SFREQ = 128.0
N_TIMES = 128 * 10
NO_STEPS = Preprocessing(sfreq=None, high_pass=None, bad_channels=None, eog=None, band=None, reference=None)


@pytest.fixture(scope="module")
def data() -> np.ndarray:
    """Six channels x 10 s of noise, in volts; no EDF step is above 0.01 µV."""
    return np.random.default_rng(0).normal(0, 20e-6, (len(NAMES), N_TIMES))


def a_raw(data: np.ndarray, kinds: str | list[str] = "eeg") -> mne.io.RawArray:
    return mne.io.RawArray(data.copy(), mne.create_info(NAMES, SFREQ, kinds), verbose="error")


def write_vhdr(path: Path, data: np.ndarray, samples: str) -> Path:
    write_brainvision(path, data, NAMES, SFREQ, samples)
    return path


def write_set(path: Path, data: np.ndarray, samples: str | None = None) -> Path:
    """EEGLAB's struct, its samples inside or in a ``.fdt`` beside it."""
    eeg = eeglab_struct(data, NAMES, SFREQ)
    if samples:
        (path.parent / samples).write_bytes((data * 1e6).T.astype("<f4").tobytes())
        eeg["data"] = samples
    scipy.io.savemat(path, {"EEG": eeg})
    return path


def write_gdf(path: Path, data: np.ndarray) -> Path:
    """GDF 1.25 (Schlögl 2006, arXiv:cs/0608052) of one-second records of float32 microvolts."""
    n_channels, n_seconds, rate = len(NAMES), data.shape[1] // int(SFREQ), int(SFREQ)
    head = b"GDF 1.25" + b"X X".ljust(80) + b"test".ljust(80) + b"2020010100000000"
    head += np.int64(256 + 256 * n_channels).tobytes() + bytes(24 + 20) + np.int64(n_seconds).tobytes()
    head += np.array([1, 1], "<u4").tobytes() + np.uint32(n_channels).tobytes()
    head += b"".join(name.encode().ljust(16) for name in NAMES) + bytes(80 * n_channels)
    head += b"uV".ljust(8) * n_channels
    for limit, kind in ((-1000, "<f8"), (1000, "<f8"), (-1000, "<i8"), (1000, "<i8")):
        head += np.full(n_channels, limit, kind).tobytes()
    head += bytes(80 * n_channels)
    head += np.full(n_channels, rate, "<i4").tobytes() + np.full(n_channels, 16, "<i4").tobytes()  # 16 is float32
    head += bytes(32 * n_channels)
    records = (data * 1e6).reshape(n_channels, n_seconds, rate).transpose(1, 0, 2)
    path.write_bytes(head + records.astype("<f4").tobytes() + bytes(8))
    return path


def write(path: Path, data: np.ndarray) -> Path:
    """The recording in the format that the suffix names; ``.fdt`` is a SET whose samples lie beside it."""
    if path.suffix in (".edf", ".bdf"):
        mne.export.export_raw(path, a_raw(data), overwrite=True, verbose="error")
    elif path.suffix == ".fif":
        a_raw(data).save(path, overwrite=True, verbose="error")
    elif path.suffix == ".vhdr":
        write_vhdr(path, data, path.with_suffix(".eeg").name)
    elif path.suffix == ".set":
        write_set(path, data)
    elif path.suffix == ".fdt":
        return write_set(path.with_suffix(".set"), data, path.name)
    else:
        write_gdf(path, data)
    return path


@pytest.fixture
def edf(tmp_path: Path, data: np.ndarray) -> Path:
    return write(tmp_path / "sub-01_task-music_eeg.edf", data)


def list_channels(recording: Path, rows: dict[str, tuple[str, str]]) -> Path:
    """BIDS' list of channels beside the recording: type and status by name."""
    path = recording.with_name("sub-01_task-music_channels.tsv")
    lines = [f"{name}\t{kind}\tuV\t{status}" for name, (kind, status) in rows.items()]
    path.write_text("\n".join(["name\ttype\tunits\tstatus", *lines]) + "\n")
    return path


# Opening


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".fdt"])
def test_every_format_is_read_in_volts(suffix: str, tmp_path: Path, data: np.ndarray) -> None:
    raw = read_recording(write(tmp_path / f"recording{suffix}", data))
    assert raw.ch_names == NAMES
    assert raw.info["sfreq"] == SFREQ
    # EDF has 16 bits: half a step of 160 µV / 65535; the others have 24 bits and more.
    assert_allclose(raw.get_data(), data, rtol=0, atol=2e-9 if suffix == ".edf" else 2e-11)


@pytest.mark.parametrize("name", ["RECORDING.EDF", "sub.01.session.2.edf", "Aufnahme für Ä.edf"])
def test_unusual_names_are_read(name: str, edf: Path) -> None:
    assert read_recording(shutil.copy(edf, edf.with_name(name))).n_times == N_TIMES


def test_samples_are_not_loaded(edf: Path) -> None:
    assert not read_recording(edf).preload


def test_options_reach_the_reader_of_the_format(edf: Path) -> None:
    assert read_recording(str(edf), exclude=["Eye"]).ch_names == NAMES[:-1]


def test_a_missing_recording_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataFormatError, match=r"no recording '.*nowhere.edf'; check its name and its folder"):
        read_recording(tmp_path / "nowhere.edf")


def test_a_folder_is_no_recording(tmp_path: Path) -> None:
    (tmp_path / "folder.edf").mkdir()
    with pytest.raises(DataFormatError, match=r"no recording '.*folder.edf'"):
        read_recording(tmp_path / "folder.edf")


@pytest.mark.parametrize("name", ["recording.txt", "recording", "recording.edf.gz", "recording.eeg"])
def test_an_unknown_format_is_refused_with_the_known_ones(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("0")
    with pytest.raises(
        DataFormatError, match=rf"{name}: recordings end in \.bdf, \.edf, .*; convert this one with MNE"
    ):
        read_recording(tmp_path / name)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file_is_refused(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"a{suffix}").touch()
    with pytest.raises(DataFormatError, match=rf"a{suffix}: the file is empty; fetch it again"):
        read_recording(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_text_under_the_name_of_a_recording_is_refused(suffix: str, tmp_path: Path) -> None:
    (tmp_path / f"a{suffix}").write_text("time,Fp1\n0.0,1.5\n" * 50)
    with pytest.raises(
        DataFormatError, match=rf"(?s)a{suffix}: cannot be read as {suffix[1:].upper()} .*may be damaged"
    ):
        read_recording(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
@pytest.mark.parametrize("share", [0.9, 0.5, 0.01])
def test_edf_and_bdf_cut_short_are_refused(suffix: str, share: float, tmp_path: Path, data: np.ndarray) -> None:
    path = write(tmp_path / f"a{suffix}", data)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataFormatError, match=rf"a{suffix}: .*(cut short|damaged).*fetch it again"):
        read_recording(path)


def test_a_set_cut_short_is_refused(tmp_path: Path, data: np.ndarray) -> None:
    path = write(tmp_path / "a.set", data)
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataFormatError, match=r"a.set: cannot be read as SET .*damaged"):
        read_recording(path)


def test_epochs_are_no_continuous_recording(tmp_path: Path, data: np.ndarray) -> None:
    epochs = mne.EpochsArray(data[None], a_raw(data).info, verbose="error")
    epochs.save(tmp_path / "a-epo.fif", verbose="error")
    with pytest.raises(DataFormatError, match=r"a-epo.fif: cannot be read as FIF \(No raw data.*Trials\.from_epochs"):
        read_recording(tmp_path / "a-epo.fif")


@pytest.mark.parametrize(("suffix", "samples"), [(".vhdr", "a.eeg"), (".fdt", "a.fdt")])
def test_missing_samples_beside_a_header_are_named(suffix: str, samples: str, tmp_path: Path, data: np.ndarray) -> None:
    path = write(tmp_path / f"a{suffix}", data)
    (tmp_path / samples).unlink()
    with pytest.raises(DataFormatError, match=rf"{path.name}: .*{samples}"):
        read_recording(path)


@pytest.mark.parametrize("suffix", [".fif", ".fdt"])
@pytest.mark.filterwarnings("default::UserWarning")
def test_samples_that_end_too_early_name_the_recording(suffix: str, tmp_path: Path, data: np.ndarray) -> None:
    """MNE opens both, and fails when their samples are loaded: at the latest then the file must be named."""
    path = write(tmp_path / f"a_raw{suffix}", data)
    samples = tmp_path / f"a_raw{suffix}"
    samples.write_bytes(samples.read_bytes()[: samples.stat().st_size * 7 // 10])
    with pytest.raises(DataFormatError, match=rf"{path.name}: .*(cut short|damaged|cannot be read)"):
        a_recording(read_recording(path), [1.0], name=path.name).prepare()


@pytest.mark.parametrize("suffix", [".edf", ".bdf"])
def test_a_recording_that_was_never_closed_is_read_with_a_warning(
    suffix: str, tmp_path: Path, data: np.ndarray
) -> None:
    """The header's number of records stays -1 (Kemp et al. 1992) when a recorder crashes."""
    path = write(tmp_path / f"a{suffix}", data)
    content = bytearray(path.read_bytes())
    content[236:244] = b"-1".ljust(8)
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="not stopped before exiting"):
        raw = read_recording(path)
    assert_allclose(raw.get_data(), data, rtol=0, atol=2e-9)


# The files that a recording consists of


def test_companions_are_the_files_that_a_change_of_would_change_the_samples(tmp_path: Path, data: np.ndarray) -> None:
    header = write(tmp_path / "sub-01_task-music_eeg.vhdr", data)
    listed = list_channels(header, {"Eye": ("EOG", "good")})
    eeg, markers = header.with_suffix(".eeg"), header.with_suffix(".vmrk")
    assert set(companions(header)) == {eeg, markers, listed}
    assert companions(write(tmp_path / "alone.edf", data)) == []
    assert companions(write(tmp_path / "alone.set", data)) == []
    assert companions(write(tmp_path / "beside.fdt", data)) == [tmp_path / "beside.fdt"]


@pytest.mark.parametrize("suffix", [".vhdr", ".set"])
def test_samples_under_another_name_are_companions(suffix: str, tmp_path: Path, data: np.ndarray) -> None:
    """Both headers name the file of their samples; nothing makes it that of the header."""
    path = tmp_path / f"renamed{suffix}"
    samples = "as_recorded.eeg" if suffix == ".vhdr" else "as_recorded.fdt"
    (write_vhdr if suffix == ".vhdr" else write_set)(path, data, samples)
    assert_allclose(read_recording(path).get_data(), data, rtol=0, atol=2e-11)
    assert tmp_path / samples in companions(path)


def test_all_parts_of_a_split_fif_are_companions(tmp_path: Path, data: np.ndarray) -> None:
    """Files above 2 GB are split, and only the first part is named in a table."""
    long = np.tile(data, 80)
    a_raw(long).save(tmp_path / "long_raw.fif", split_size="2MB", buffer_size_sec=1.0, verbose="error")
    parts = sorted(tmp_path.glob("long_raw-*.fif"))
    assert parts  # otherwise nothing was split
    assert read_recording(tmp_path / "long_raw.fif").n_times == long.shape[1]
    assert set(parts) <= set(companions(tmp_path / "long_raw.fif"))


# BIDS' list of channels


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("EEG", "eeg"),
        ("EOG", "eog"),
        ("VEOG", "eog"),
        ("HEOG", "eog"),
        ("ECG", "ecg"),
        ("EMG", "emg"),
        ("TRIG", "stim"),
        ("MISC", "misc"),
        ("REF", "misc"),
        ("OTHER", "misc"),
        ("RESP", "resp"),
        ("GSR", "gsr"),
        ("TEMP", "temperature"),
    ],
)
def test_types_of_channels_are_taken_from_bids(kind: str, expected: str, edf: Path) -> None:
    list_channels(edf, {"Eye": (kind, "good")})
    raw = read_recording(edf)
    assert raw.get_channel_types() == ["eeg"] * 5 + [expected]
    assert raw.info["bads"] == []


@pytest.mark.parametrize("kind", ["AUDIO", "EYEGAZE", "PPG", "PUPIL", "SYSCLOCK", "n/a"])
def test_types_that_bids_allows_and_no_step_uses_are_not_taken_as_eeg(kind: str, edf: Path) -> None:
    """The rest of BIDS' types for EEG (specification 1.10, electroencephalography, channels description)."""
    list_channels(edf, {"Eye": (kind, "n/a")})
    kinds = read_recording(edf).get_channel_types()
    assert kinds[:5] == ["eeg"] * 5
    assert kinds[5] not in ("eeg", "eog", "emg", "stim")


@pytest.mark.parametrize("kind", ["veog", "Eog"])
def test_the_case_of_a_type_does_not_matter(kind: str, edf: Path) -> None:
    list_channels(edf, {"Eye": (kind, "good")})
    assert read_recording(edf).get_channel_types()[-1] == "eog"


def test_changing_a_type_leaves_the_samples(edf: Path, data: np.ndarray) -> None:
    list_channels(edf, {"Eye": ("MISC", "good"), "O1": ("VEOG", "good")})
    assert_allclose(read_recording(edf).get_data(), data, rtol=0, atol=2e-9)


def test_bad_channels_are_taken_from_bids(edf: Path) -> None:
    rows = {"Fp1": ("EEG", "good"), "C3": ("EEG", "bad"), "O1": ("EEG", "BAD"), "Fp2": ("EEG", "n/a")}
    list_channels(edf, {**rows, "gone": ("EEG", "bad")})
    assert read_recording(edf).info["bads"] == ["C3", "O1"]


def test_a_list_of_channels_of_another_recording_is_not_used(edf: Path) -> None:
    other = list_channels(edf, {"Eye": ("EOG", "bad")})
    other.rename(edf.with_name("sub-01_task-rest_channels.tsv"))
    raw = read_recording(edf)
    assert raw.get_channel_types() == ["eeg"] * 6
    assert raw.info["bads"] == []


def test_a_list_without_status_leaves_the_files_own_bad_channels(tmp_path: Path, data: np.ndarray) -> None:
    raw = a_raw(data)
    raw.info["bads"] = ["C4"]
    path = tmp_path / "sub-01_task-music_eeg.fif"
    raw.save(path, verbose="error")
    path.with_name("sub-01_task-music_channels.tsv").write_text("name\ttype\nEye\tEOG\n")
    read = read_recording(path)
    assert read.info["bads"] == ["C4"]
    assert read.get_channel_types()[-1] == "eog"


def test_a_list_of_channels_without_its_columns_is_refused(edf: Path) -> None:
    listed = edf.with_name("sub-01_task-music_channels.tsv")
    listed.write_text("channel\tkind\nEye\tEOG\n")
    with pytest.raises(DataFormatError, match=rf"{listed.name}: columns name and type are expected, got channel, kind"):
        read_recording(edf)


def test_an_unknown_type_is_refused_with_the_lists_name(edf: Path) -> None:
    listed = list_channels(edf, {"Eye": ("BRAIN", "good")})
    with pytest.raises(DataFormatError, match=rf"{listed.name}: a type is not known .*brain"):
        read_recording(edf)


@pytest.mark.parametrize(
    "content", [b"", b"name\ttype\nFp1\tEEG\textra\tcolumns\n\tx\n\t\t\t\t\t\n", b"\xff\xfe\x00name"]
)
def test_a_damaged_list_of_channels_is_named(content: bytes, edf: Path) -> None:
    listed = edf.with_name("sub-01_task-music_channels.tsv")
    listed.write_bytes(content)
    with pytest.raises(DataFormatError, match=listed.name):
        read_recording(edf)


# One recording with its trials


def a_recording(
    raw: mne.io.BaseRaw,
    onsets: list[float],
    *,
    seconds: float = 1.0,
    name: str = "a.edf",
    preprocessing: Preprocessing = NO_STEPS,
    messages: tuple[str, ...] = (),
) -> Recording:
    number = np.arange(11, 11 + len(onsets))
    table = pd.DataFrame({"subject": "P1", "trial": number, "stimulus": number, "valence": number / 2})
    lasts = np.full(len(onsets), seconds)
    return Recording(name, raw, np.array(onsets), lasts, table, preprocessing, messages)


def test_a_session_gives_what_a_store_keeps(data: np.ndarray) -> None:
    raw = a_raw(data, ["eeg"] * 5 + ["eog"])
    signals, table, record = a_recording(raw, [4.0, 1.0], seconds=2.0).prepare()
    n = 2 * 128
    assert signals.dtype == np.float32
    expected = np.concatenate([data[:5, 4 * 128 : 6 * 128], data[:5, 128 : 3 * 128]], axis=1).T
    assert_allclose(signals, expected * 1e6, rtol=1e-6)
    made = ["start", "n_times", "n_baseline", "recording", "first_sample"]
    assert list(table) == ["subject", "trial", "stimulus", *made, "valence"]
    assert table["recording"].tolist() == ["a.edf", "a.edf"]
    assert table["first_sample"].tolist() == [4 * 128, 128]
    assert table["trial"].tolist() == [11, 12]
    assert table["start"].tolist() == [0, n]
    assert table["n_times"].tolist() == [n, n]
    assert table["valence"].tolist() == [5.5, 6.0]
    assert record == json.loads(json.dumps(record))
    assert (record["subject"], record["file"], record["trials"], record["messages"]) == ("P1", "a.edf", 2, [])
    assert [step["step"] for step in record["steps"]] == ["downsample", "name_channels", "preprocess"]


def test_channels_of_a_session_are_picked_in_their_order(data: np.ndarray) -> None:
    signals, _, _ = a_recording(a_raw(data), [1.0]).prepare(["O1", "Fp2"])
    assert_allclose(signals, data[[4, 1], 128:256].T * 1e6, rtol=1e-6)


def test_onsets_count_from_the_first_sample_of_a_cropped_recording(tmp_path: Path, data: np.ndarray) -> None:
    a_raw(data).crop(3.0).save(tmp_path / "cropped_raw.fif", verbose="error")
    raw = read_recording(tmp_path / "cropped_raw.fif")
    assert raw.first_samp == 3 * 128
    signals, _, _ = a_recording(raw, [1.0]).prepare(NAMES[:5])
    assert_allclose(signals, data[:5, 4 * 128 : 5 * 128].T * 1e6, rtol=1e-4, atol=1e-4)


def test_a_session_says_which_trials_are_left_out_and_why(data: np.ndarray) -> None:
    loud = data.copy()
    loud[1, 5 * 128 + 64] += 1e-3
    limited = replace(NO_STEPS, baseline=0.5, reject=400.0)
    session = a_recording(a_raw(loud), [2.0, 9.5, 5.0, 0.25, 7.0], preprocessing=limited, messages=("Known before.",))
    signals, table, record = session.prepare()
    assert table["trial"].tolist() == [11, 15]
    assert table["n_baseline"].tolist() == [64, 64]
    assert table["start"].tolist() == [0, 192]
    assert len(signals) == 2 * 192
    assert record["trials"] == 2
    assert record["messages"][0] == "Known before."
    assert "Left out, since they reach beyond the recording: trials 12, 14." in record["messages"]
    assert "Left out, since an amplitude exceeds 400.0 µV: trials 13." in record["messages"]


@pytest.mark.parametrize("dated", [True, False])
@pytest.mark.parametrize("cropped", [0.0, 3.0])
@pytest.mark.parametrize("sfreq", [None, 64.0])
def test_trials_that_the_recording_calls_bad_are_left_out_and_named(
    dated: bool, cropped: float, sfreq: float | None, data: np.ndarray
) -> None:
    start = datetime(2020, 1, 1, tzinfo=UTC) if dated else None
    raw = a_raw(data).set_meas_date(start)
    raw.set_annotations(mne.Annotations([6.0, 8.5], [1.0, 0.5], ["BAD_moved", "smiled"], orig_time=start))
    raw.crop(cropped)
    onsets = np.array([4.75, 5.5, 6.25, 7.25, 8.25]) - cropped  # of one second each: the second and third overlap
    _, table, record = a_recording(raw, onsets.tolist(), preprocessing=replace(NO_STEPS, sfreq=sfreq)).prepare()
    assert table["trial"].tolist() == [11, 14, 15]
    assert any("bad: trials 12, 13." in message for message in record["messages"])


def test_a_session_collects_the_warnings_of_the_steps_instead_of_giving_them(data: np.ndarray) -> None:
    flat = data.copy()
    flat[3] = 0
    steps = replace(NO_STEPS, bad_channels="interpolate", channels=("Fp1", "Fp2", "C3", "C4", "O1"))
    _, _, record = a_recording(a_raw(flat, ["eeg"] * 5 + ["misc"]), [1.0], preprocessing=steps).prepare()
    assert len(record["messages"]) == 1
    assert "Bad channels were interpolated: C4: flat" in record["messages"][0]


def test_a_session_without_a_trial_left_is_empty(data: np.ndarray) -> None:
    signals, table, record = a_recording(a_raw(data), [50.0, 60.0]).prepare(["Fp1", "O1"])
    assert signals.shape == (0, 2)
    assert len(table) == record["trials"] == 0
    assert table["start"].dtype == np.int64


def test_the_recording_of_a_session_is_left_as_it_is(data: np.ndarray) -> None:
    raw = a_raw(data)
    clean, _, _ = a_recording(raw, [1.0], preprocessing=replace(NO_STEPS, high_pass=1.0, rename=(("O1", "O2"),))).run()
    assert clean is not raw
    assert raw.ch_names == NAMES
    assert_array_equal(raw.get_data(), data)
    assert not raw.info["description"]


def test_a_session_runs_again_alike(data: np.ndarray) -> None:
    session = a_recording(a_raw(data), [1.0, 3.0], preprocessing=replace(NO_STEPS, high_pass=1.0))
    first, _, one = session.prepare()
    second, _, two = session.prepare()
    assert_array_equal(first, second)
    assert one == two


@pytest.mark.parametrize(
    ("steps", "error", "words"),
    [
        (replace(NO_STEPS, sfreq=500.0), ConfigError, "500 were asked for.*set sfreq to 128 or less"),
        (replace(NO_STEPS, high_pass=1.0, eog="regression"), ConfigError, "no EOG.*Either say which channels are EOG"),
        (replace(NO_STEPS, channels=("Fp1", "Pz")), DataFormatError, "Channels Pz are missing.*has Fp1, Fp2"),
        (replace(NO_STEPS, rename=(("Fp9", "Fz"),)), ConfigError, "Unknown channel 'Fp9'. Did you mean 'Fp"),
        (replace(NO_STEPS, montage="GSN-HydroCel-32"), ConfigError, "None of the EEG channels .* montage"),
    ],
    ids=["rate", "eog", "channels", "rename", "montage"],
)
def test_an_error_names_the_recording(
    steps: Preprocessing, error: type[Exception], words: str, data: np.ndarray
) -> None:
    with pytest.raises(error, match=rf"P7\.bdf: .*{words}"):
        a_recording(a_raw(data), [1.0], name="P7.bdf", preprocessing=steps).run()


@pytest.mark.parametrize("seconds", [0.003, 0.0001])
def test_a_trial_shorter_than_a_sample_is_named_or_refused(seconds: float, data: np.ndarray) -> None:
    """Half a sample of 128 Hz is 3.9 ms; some writers of BIDS events let a mark last one sample of 1000 Hz."""
    session = a_recording(a_raw(data), [1.0], seconds=seconds)
    try:
        _, table, record = session.prepare()
    except (ConfigError, DataFormatError) as error:
        assert "sample" in str(error)
    else:
        assert len(table) == 0
        assert "11" in " ".join(record["messages"])
