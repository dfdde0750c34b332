"""
What the server says of itself and of its storages.
"""
