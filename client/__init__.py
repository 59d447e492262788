"""`slipway`: the command line for pipelines and people. It speaks to the REST API, and knows nothing of the site."""
