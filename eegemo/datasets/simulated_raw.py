"""Simulated people as they would leave the recorder: DEAP's raw BDF files, with artefacts, beside their clean twins.

The brain of each is that of :func:`eegemo.simulate`, sample for sample during the trials; so whatever the preprocessing
stage makes of these recordings can be compared with the truth. The artefacts are others: the preprocessed release
holds what is left of its own. What is added, and from where:

* **Outside 4-45 Hz**: a 1/f background below and above, which the stage has to filter.
* **Eyes**: dipoles in both eyes, in the head model of the brain. Blinks and gaze in both directions have maps of their
  own, on all 32 electrodes and on the four of the EOG (Berg & Scherg 1991, doi:10.1016/0013-4694(91)90154-V). About 15
  blinks a minute, of 100-400 µV in the vertical EOG; gaze moves about once a second, 16 µV a degree (Malmivuo &
  Plonsey 1995, *Bioelectromagnetism*, ch. 28).
* **The EOG electrodes see the brain**, as real ones do: a regression takes some brain away with the eyes.
* **Muscle bursts** of 20-150 Hz near the temples, neck and forehead; **electrode pops**, jumps that settle within a
  fraction of a second; **mains** of 50 Hz and its harmonics, stronger at some electrodes; **drifts** and offsets of
  millivolts, as of amplifiers without a high-pass; a **potential common to all electrodes**, since the recorder's
  reference is no electrode of the montage.

Sizes and rates without a source are chosen here, to be plausible.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from eegemo._atomic import replacing
from eegemo._paths import as_path
from eegemo.datasets import _deap_format as deap
from eegemo.datasets._simulated_recording import SFREQ, SimulatedRecording
from eegemo.datasets._simulated_subject import SimulatedSubject
from eegemo.datasets.published import SIMULATED_MARK
from eegemo.datasets.simulated import (
    DEFAULT_EFFECT,
    DEFAULT_SEED,
    check_settings,
    refuse_to_mix,
    subject_numbers,
)
from eegemo.errors import ConfigError, suggest_keywords, unknown_name

_MICROVOLTS_PER_BIT = 1 / 32  # 31.25 nV, BioSemi's
_FULL_SCALE = 2**23


@suggest_keywords
def write_simulated_raw(
    folder: str | os.PathLike[str],
    subjects: int | Sequence[int] = 4,
    *,
    n_trials: int = deap.N_TRIALS,
    effect: float = DEFAULT_EFFECT,
    random_state: int = DEFAULT_SEED,
    flat: Sequence[str] = (),
    noisy: Sequence[str] = (),
    lost_onsets: Sequence[int] = (),
    on_written: Callable[[Path], object] | None = None,
) -> list[Path]:
    """Write simulated people as DEAP's raw release: about 250 MB each, and as much again for the clean twin.

    Every quirk of the release is there by the number of the person: the electrodes' order and the unit of the skin's
    resistance are those of Twente to 22 and of Geneva from 23; the trigger channel is ``Status`` to 23, has no name to
    28, and comes with a second channel without a name from 29; from 24 its codes carry high bits.

    Parameters
    ----------
    folder : path-like
        Gets ``data_original/s01.bdf ...``, ``data_original_clean/s01.bdf ...`` (the same brain and sensor noise
        without any artefact) and ``participant_ratings.csv``.
    subjects, effect, random_state
        As in :func:`eegemo.simulate`.
    n_trials : int
        The first so many of the 40 presented: shorter files.
    flat, noisy : sequence of str
        EEG channels that record nothing, or white noise of 300 µV besides.
    lost_onsets : sequence of int
        Presentations, from 1, whose trigger is missing.
    on_written : callable | None
        Called with the path of each recording when it and its twin are complete.

    Returns
    -------
    paths : list of Path
        The recordings, without their twins, and the ratings.

    Raises
    ------
    ConfigError
        If a setting cannot be used, or the folder holds recordings that were not simulated, or other simulated people.
    """
    from edfio import Bdf, BdfSignal, Recording

    numbers = subject_numbers(subjects)
    check_settings(effect, random_state)
    if max(numbers) > 32:
        raise ConfigError(f"DEAP's raw release has the subjects 1 to 32, got {max(numbers)}.")
    if not 1 <= n_trials <= deap.N_TRIALS or not set(lost_onsets) <= set(range(1, n_trials + 1)):
        raise ConfigError(
            f"n_trials must lie between 1 and {deap.N_TRIALS}, and lost_onsets among them, got {n_trials} and "
            f"{list(lost_onsets)}."
        )
    for name in (*flat, *noisy):
        if name not in deap.EEG:
            raise unknown_name("EEG channel", name, deap.EEG)
    study = as_path(folder, "folder")
    target, twin = study / "data_original", study / "data_original_clean"
    files = {f"s{subject:02d}.bdf" for subject in numbers}
    for place in (target, twin):
        refuse_to_mix(study, place, files)
        with replacing(place / SIMULATED_MARK) as partial:
            partial.write_text("The files in this folder were simulated by eegemo: nobody was recorded.\n")

    def write(path: Path, recording: SimulatedRecording, samples: dict[str, np.ndarray]) -> None:
        signals = [
            BdfSignal.from_digital(
                np.clip(np.round(values / _MICROVOLTS_PER_BIT), -_FULL_SCALE, _FULL_SCALE - 1).astype(np.int32),
                SFREQ,
                label=label,
                physical_dimension="uV",
                physical_range=(-_FULL_SCALE * _MICROVOLTS_PER_BIT, (_FULL_SCALE - 1) * _MICROVOLTS_PER_BIT),
            )
            for label, values in samples.items()
        ]
        labels = [""] * 2 if recording.subject >= 29 else [""] if recording.subject >= 24 else ["Status"]
        for label in labels:
            codes = BdfSignal.from_digital(recording.codes(), SFREQ, label=label, physical_dimension="Boolean")
            signals.append(codes)
        with replacing(path) as partial:
            header = Recording(startdate=datetime.date(2010, 1, 1), equipment_code="simulated")
            Bdf(signals, recording=header, data_record_duration=1).write(partial)

    paths, sheets = [], []
    for subject in numbers:
        simulated = SimulatedSubject(subject, effect, random_state)
        recording = SimulatedRecording(simulated, n_trials, lost_onsets)
        clean = recording.clean()
        write(twin / f"s{subject:02d}.bdf", recording, recording.layout(clean))
        recording.add_artefacts(clean, flat, noisy)
        write(target / f"s{subject:02d}.bdf", recording, recording.layout(clean))
        sheets.append(simulated.rating_sheet().head(n_trials))
        paths.append(target / f"s{subject:02d}.bdf")
        if on_written:
            on_written(paths[-1])
    path = Path(folder) / "participant_ratings.csv"
    with replacing(path) as partial:
        pd.concat(sheets).to_csv(partial, index=False, lineterminator="\n")
    return [*paths, path]
