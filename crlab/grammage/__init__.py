"""The matter that cosmic rays cross: composition, slab and leaky box, nuclear chain, path lengths."""
