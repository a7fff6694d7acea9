"""The ledger of `crlab.turbulence`."""
