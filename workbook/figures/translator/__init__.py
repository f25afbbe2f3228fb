"""The pictures of lesson 09."""
