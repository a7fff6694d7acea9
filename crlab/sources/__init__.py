"""Discrete sources of the Galaxy: where and when they are, what they inject, and the spectra that follow."""
