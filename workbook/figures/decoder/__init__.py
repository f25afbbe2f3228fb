"""The figures of lesson 06: teacher forcing, three kinds of attention, the layer, writing."""
