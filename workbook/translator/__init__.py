"""The translator of lesson 09: its text, its training, how it decodes and how good it is."""
