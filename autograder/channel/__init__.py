"""How the judge talks with a piece, in this process or in a worker that runs the student's code.

Importing this package imports nothing else: a worker loads no exercise.
"""
