"""
yamux.
"""
