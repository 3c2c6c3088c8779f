"""Linked data as far as credentials need it: contexts, canonical form, and nothing dropped in silence."""
