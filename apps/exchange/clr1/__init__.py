"""CLR 1.0: this portal as provider and as consumer."""
