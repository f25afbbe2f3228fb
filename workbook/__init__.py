"""Write every piece of the Transformer yourself: what the lessons import.

Importing this package imports nothing else; each module brings what it needs.
"""

__version__ = "0.1.0"
