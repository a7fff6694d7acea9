"""The ledger of `crlab.grammage`."""
