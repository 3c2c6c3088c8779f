"""The procedures of the standards, one module each, every step named as the standard numbers it."""
