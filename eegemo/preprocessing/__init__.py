"""MNE preprocessing of continuous recordings: one public function a step, and one that runs them all in order."""

from eegemo.preprocessing.bads import find_bad_channels as find_bad_channels
from eegemo.preprocessing.bads import interpolate_bad_channels as interpolate_bad_channels
from eegemo.preprocessing.channels import average_reference as average_reference
from eegemo.preprocessing.channels import name_channels as name_channels
from eegemo.preprocessing.channels import standard_names as standard_names
from eegemo.preprocessing.cutting import Cut as Cut
from eegemo.preprocessing.cutting import cut_trials as cut_trials
from eegemo.preprocessing.eog import eog_correlation as eog_correlation
from eegemo.preprocessing.eog import remove_eog as remove_eog
from eegemo.preprocessing.filters import band_pass as band_pass
from eegemo.preprocessing.filters import downsample as downsample
from eegemo.preprocessing.filters import high_pass as high_pass
from eegemo.preprocessing.stage import Preprocessing as Preprocessing
from eegemo.preprocessing.stage import preprocess as preprocess
from eegemo.preprocessing.steps import steps_done as steps_done
