"""Synthetic turbulence, its field lines, and the particles in it.

The room works in reduced units, in which every argument is a pure number. Lengths are in any one unit that the
spectrum fixes, in the book the two-sided correlation length L_c; the field is in units of √(B0² + δB²), so that
B0 = √(1 - η) and δB = √η; speeds in v and times as path lengths vt; the gyroradius is r_g = p/(q √(B0² + δB²)).
"""
