"""Competencies and Academic Standards Exchange (CASE) 1.0 and 1.1: the package on the wire.

``read.read_package`` judges bytes and gives frozen objects (``model``) or findings with JSON pointers,
``tree`` puts items into their order, ``write.to_wire`` gives the wire form back.
"""
