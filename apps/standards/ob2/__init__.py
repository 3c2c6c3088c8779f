"""Open Badges 2.0 (and 2.1, whose badges are the same): classes, reading and writing."""
