"""
Bytes worth keeping.
"""
