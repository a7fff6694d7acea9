"""The rooms that exist, in the order of the talk: the whole ledger is theirs."""

ROOMS = ("grammage", "anisotropy", "diffusion", "acceleration", "sources", "emission", "turbulence")
