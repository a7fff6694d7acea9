"""Diffuse emission: gas, production cross-sections, absorption, and the sky along lines of sight."""
