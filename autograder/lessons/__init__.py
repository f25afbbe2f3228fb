"""The notebooks: their cells, their release without the solutions, and what comes back of them."""
