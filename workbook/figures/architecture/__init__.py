"""The map of the Transformer that opens every lesson."""
