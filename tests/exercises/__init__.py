"""The checks, checked: every known wrong answer is caught and named, every known right one
passes."""
