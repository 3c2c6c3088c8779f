"""Badge Connect (Open Badges 2.1): this portal as a host of badges, and as a client of other hosts."""
