"""What happens before the first lesson opens: the environment, the student's copies, the server.

Everything here runs on a bare Python with nothing installed: it needs the standard library alone.
"""
