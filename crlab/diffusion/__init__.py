"""The transport equation: its conservative implicit solver in one space dimension and momentum."""
