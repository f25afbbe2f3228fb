"""Ids with a meaning of their own."""

NOT_CHOSEN = -100
PAD = 0
