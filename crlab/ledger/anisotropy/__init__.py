"""The ledger of `crlab.anisotropy`."""
