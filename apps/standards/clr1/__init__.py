"""Comprehensive Learner Record 1.0: its classes, and how they are read, checked and written."""
