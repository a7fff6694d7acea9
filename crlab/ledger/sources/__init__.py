"""The ledger of `crlab.sources`."""
