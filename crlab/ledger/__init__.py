"""What the book holds itself to: the talk's claims, answers to the exercises, and what independent methods give.

One folder for each room; no room imports any of it.
"""
