"""Tables, figures and pages from results; nothing is computed here that the results do not hold."""
