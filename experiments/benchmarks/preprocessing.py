"""How long an hour's recording takes, and how much memory, beside the straightforward MNE script of the same steps.

Prints, for a simulated BDF of an hour (48 channels, 512 Hz), the seconds and the peak memory of both, each run in a
process of its own, in turn, and the ratios' medians. The stage has its default settings. The script: preload,
resample(128), bipolar EOG, filter(1, None), average reference, EOGRegression, filter(4, 45), epochs. It looks for no
bad channels and fits all of the EOG; set to do the same, the stage gives the same between 6 and 40 Hz, where both pass
everything: the last line has the difference.
Costs about 2 minutes, 0.5 GB of disk and 3 GB of memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import scipy.signal

ROUNDS = 5
CHILD = """
import json, resource, sys, time, warnings
import numpy as np
import mne
from eegemo.datasets import deap_raw
from eegemo.datasets import _deap_format as deap
which, path, out = sys.argv[1:]
mne.set_log_level("error")
warnings.simplefilter("ignore")
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.perf_counter()
if which == "eegemo":
    from dataclasses import replace
    from pathlib import Path
    steps = replace(deap_raw.DEAP_PREPROCESSING, **CHANGES)
    recording = next(deap_raw.deap_recordings(Path(path).parent, subjects=[1], preprocessing=steps))
    signals, table, _ = recording.prepare()
    data = signals.reshape(len(table), -1, 32).transpose(0, 2, 1)[np.argsort(recording.onsets)]
elif which == "script":
    raw = mne.io.read_raw_bdf(path, preload=True)
    events = mne.find_events(raw, stim_channel="Status", shortest_event=1, mask=255, mask_type="and")
    raw, events = raw.resample(128, events=events)
    raw = mne.set_bipolar_reference(raw, ["EXG1", "EXG3"], ["EXG2", "EXG4"], ["hEOG", "vEOG"])
    raw.set_channel_types({"hEOG": "eog", "vEOG": "eog"})
    raw.pick([*deap.EEG, "hEOG", "vEOG"])
    raw.filter(1, None, picks=["eeg", "eog"])
    raw.set_eeg_reference("average")
    raw = mne.preprocessing.EOGRegression().fit(raw).apply(raw)
    raw.filter(4, 45)
    epochs = mne.Epochs(raw, events, 4, tmin=-3, tmax=60 - 1 / 128, baseline=None, picks="eeg", preload=True)
    data = (epochs.get_data(copy=False) * 1e6).astype(np.float32)
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
np.save(out, data)
print(json.dumps([seconds, peak / 1024, (peak - base) / 1024]))
"""


def run(which: str, path: Path, out: Path, **changes: object) -> list[float]:
    """Run one of both in a process of its own: seconds, peak in MiB, and peak above the imports."""
    child = [sys.executable, "-c", CHILD.replace("CHANGES", repr(changes)), which, str(path), str(out)]
    return list(json.loads(subprocess.run(child, check=True, capture_output=True, text=True).stdout))


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        # In another process: a child's peak memory begins with what its parent had when it was started.
        simulate = [sys.executable, "-m", "eegemo", "simulate", str(folder), "--format", "raw", "--subjects", "1"]
        subprocess.run(simulate, check=True, stdout=subprocess.DEVNULL)
        path = folder / "data_original" / "s01.bdf"
        rows = []
        for i in range(ROUNDS + 1):
            ours = run("eegemo", path, folder / "ours.npy")
            theirs = run("script", path, folder / "script.npy")
            if i:  # the first round warms the file cache
                rows.append([*ours, *theirs])
        run("eegemo", path, folder / "same.npy", bad_channels=None, eog_h_freq=None)
        medians = np.median(rows, axis=0)
        faster, smaller, above = np.median([[r[3] / r[0], r[4] / r[1], r[5] / r[2]] for r in rows], axis=0)
        print(f"the stage:  {medians[0]:.2f} s, peak {medians[1]:.0f} MiB, {medians[2]:.0f} MiB above the imports")
        print(f"the script: {medians[3]:.2f} s, peak {medians[4]:.0f} MiB, {medians[5]:.0f} MiB above the imports")
        print(f"the script takes {faster:.2f} x the time, {smaller:.2f} x the memory ({above:.2f} x above the imports)")
        ours_, theirs_ = np.load(folder / "same.npy"), np.load(folder / "script.npy")
        sos = scipy.signal.butter(6, (6, 40), "bandpass", fs=128, output="sos")
        a, b = (scipy.signal.sosfiltfilt(sos, data, axis=2)[..., 128:-128] for data in (ours_, theirs_))
        share = np.sqrt(((a - b) ** 2).mean(axis=(0, 2)) / (b**2).mean(axis=(0, 2)))
        print(f"set as the script, they differ by {share.max():.1e} of the root mean square at most, from 6 to 40 Hz")


if __name__ == "__main__":
    main()
