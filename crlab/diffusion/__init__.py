"""The transport equation: its implicit solver in one dimension and momentum, and Green's function of the halo."""
