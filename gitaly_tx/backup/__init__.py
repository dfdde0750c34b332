"""
Repositories taken out and put back.
"""
