"""Lists that say which credentials no longer count."""
