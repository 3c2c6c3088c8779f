"""Talking with other systems, both directions, one folder a protocol."""
