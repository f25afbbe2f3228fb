"""The figures of lesson 01: one word after the other, how far back it reaches, and the way out."""
