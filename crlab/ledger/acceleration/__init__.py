"""The ledger of `crlab.acceleration`."""
