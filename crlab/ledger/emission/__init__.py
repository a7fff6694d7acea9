"""The ledger of `crlab.emission`."""
