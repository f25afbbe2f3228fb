"""The pictures of lesson 07."""
