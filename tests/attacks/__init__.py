"""The red team: notebooks that attack the grading, and honest ones that look as if they did."""
