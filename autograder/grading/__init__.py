"""A class is graded: submissions judged apart from the judge, with nbgrader as the gradebook."""
