"""Tables of exchange: what other systems may do here, and what we hold of them."""
