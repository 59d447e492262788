"""A believable catalog, for looking at pages: `python -m tests.showcase` fills the configured database.

Its rows are written directly: no machine is built. Nothing of it is used by the product.
"""
