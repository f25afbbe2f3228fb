"""The autograder's own tests, one file a module."""
