"""One module per job: validate, compute, write."""
