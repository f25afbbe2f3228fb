"""The figures of lesson 08: predicting the next token, sampling, the cache, parameters."""
