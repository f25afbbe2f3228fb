"""The figures of lesson 02: one look-up by hand, all look-ups at once, scaling, masks and cost."""
