"""Programs that nobody here wrote: what they issue verifies here, and ours there."""
