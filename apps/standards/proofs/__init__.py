"""Signatures: compact JWS, VC-JWT, Data Integrity."""
