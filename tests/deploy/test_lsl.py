"""Streams of the Lab Streaming Layer: their units, and a player on this machine that stops and comes back."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from numpy.testing import assert_allclose

from eegemo import ConfigError, fit_causal
from eegemo.deploy import Connected, LiveClassifier, classify_events, lsl_events
from eegemo.deploy.lsl import microvolts_per_unit
from live_streams import NAMES, STEPS, PowerModel, as_raw, streamed

#: A player in a process of its own, whose end is as hard as that of a device that is switched off.
PLAYER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from mne_lsl.player import PlayerLSL
from live_streams import as_raw, streamed
raw = as_raw(streamed(20))
raw.set_channel_types({"VEOG": "eog"})
with PlayerLSL(raw, chunk_size=16, name=sys.argv[2], source_id=sys.argv[2]):
    time.sleep(120)
"""


def test_units_are_words_or_powers_of_ten() -> None:
    types = ["eeg", "eeg", "eog", "eeg", "eeg", "misc", "misc", "misc"]
    scale = microvolts_per_unit(types, ["microvolts", "V", "-3", "0", None, "mV", "0", "celsius"])
    assert_allclose(scale, [1, 1e6, 1e3, 1e6, 1, 1e3, 1, 1])
    assert_allclose(microvolts_per_unit(types, None), 1)


def test_without_mne_lsl_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mne_lsl.lsl", None)
    monkeypatch.setitem(sys.modules, "mne_lsl", None)
    with pytest.raises(ConfigError, match=r"pip install 'eegemo\[lsl\]'"):
        next(iter(lsl_events("any")))


def play(name: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", PLAYER, str(Path(__file__).parents[1]), name])


@pytest.mark.timeout(150)
def test_a_stream_on_this_machine_is_classified_and_may_come_back() -> None:
    pytest.importorskip("mne_lsl")
    name = f"eegemo-{os.getpid()}-{time.time_ns()}"
    fitted = fit_causal(as_raw(streamed(30)), STEPS)
    begun: list[LiveClassifier] = []

    def begin(connected: Connected) -> LiveClassifier:
        assert connected.ch_names == NAMES
        assert connected.ch_types == ("eeg",) * 8 + ("eog",)
        model, types = PowerModel(), connected.ch_types
        live = LiveClassifier(
            model, NAMES, connected.sfreq, ch_types=types, preprocessing=fitted, step=0.25, tolerance=0.05
        )
        begun.append(live)
        return live

    player, said, before, after = play(name), list[str](), 0, 0
    ends = time.monotonic() + 120
    try:
        for given in classify_events(lsl_events(name, wait=60), begin):
            assert time.monotonic() < ends, said
            if isinstance(given, str):
                said.append(given)
            elif any("came back" in one for one in said):
                after += 1
            else:
                before += 1
                if before == 6:
                    player.kill()
                    player.wait()
                    player = play(name)
            if after == 4:
                break
    finally:
        player.kill()
        player.wait()
    assert "Connected: 9 channels, 256 Hz." in said
    assert any("is lost" in one or "has sent nothing" in one for one in said)
    assert said[-1] == "The stream came back; filters and windows begin anew."
    assert not any("units" in one for one in said)
    (live,) = begun
    assert live.counts.restarts == 1
    assert live.counts.not_finite == 0
    assert live.counts.predictions >= before + after  # the last chunk may have completed more
