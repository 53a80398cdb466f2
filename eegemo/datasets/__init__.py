"""One module a dataset, each with one public loader that returns Trials."""

#: The loaders by the name of their dataset; a new one is tested by standing here.
LOADERS = {
    "deap": "eegemo.datasets.deap:load_deap",
    "eegmat": "eegemo.datasets.eegmat:load_eegmat",
    "simulated": "eegemo.datasets.simulated:simulate",
}
