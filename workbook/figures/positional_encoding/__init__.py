"""The figures of lesson 04: what order does to attention, sinusoids, shifts, rotary positions."""
