"""One module a dataset, each with one public loader that returns Trials."""
