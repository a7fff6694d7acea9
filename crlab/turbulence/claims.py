"""The ledger's entries of this part."""

from crlab.claims import Claim

__all__ = ["CLAIMS"]

CLAIMS: list[Claim] = []
