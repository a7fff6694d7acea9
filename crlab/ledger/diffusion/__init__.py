"""The ledger of `crlab.diffusion`."""
