"""Sentences to learn from: the Phrasebook's own grammar, and Tatoeba where it has been fetched.

`from workbook.corpus import phrasebook` needs nothing but the standard library.
"""
