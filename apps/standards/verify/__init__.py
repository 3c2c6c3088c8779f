"""The engine that judges documents of any of the standards.

``engine.verify`` recognises what it was given, takes the steps of the standard concerned in their order, and
gives a tree of checks with a verdict. It is pure: what it may fetch, the documents this portal issued, and
the present moment are arguments.
"""
