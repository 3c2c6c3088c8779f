"""OneRoster 1.1 and 1.2 as CSV bundles: what the tables hold (`model`), and reading them strictly (`read`)."""
