"""Lesson 05: what is averaged over, the road past the sublayers, gradients by depth, tags."""
