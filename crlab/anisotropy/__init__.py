"""Arrival directions: dipoles and sky maps, the random walk and the anisotropy that it leaves."""
