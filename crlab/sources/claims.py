"""What the talk says of discrete sources: their number, their time scales, their spectra."""

from crlab.claims import Claim

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = []
