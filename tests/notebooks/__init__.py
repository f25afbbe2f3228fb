"""The notebooks themselves: run, compared with what is stored, searched for leaks."""
