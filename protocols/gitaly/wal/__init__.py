"""
Generated from ``protocols/proto``: never edited by hand.
"""
