"""The loaders by the name of their dataset."""

#: The loaders by the name of their dataset; a new one is tested by standing here.
LOADERS = {
    "dasps": "eegemo.datasets.dasps:load_dasps",
    "deap": "eegemo.datasets.deap:load_deap",
    "deap_raw": "eegemo.datasets.deap_raw:load_deap_raw",
    "eegmat": "eegemo.datasets.eegmat:load_eegmat",
    "recordings": "eegemo.datasets.recordings:prepare_recordings",
    "simulated": "eegemo.datasets.simulated:simulate",
}
