"""Credentials inside other files: pictures (PNG, SVG) and our PDF."""
