"""The figures of lesson 03: splitting by hand, one matrix for any number of heads, the two mask
conventions, and what single heads do, measured."""
