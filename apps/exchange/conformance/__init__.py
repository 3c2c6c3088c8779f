"""The frame of every conformance suite: the table, the server under test, and what all authorization servers owe."""
