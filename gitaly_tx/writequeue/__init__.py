"""
One writer at a time for each partition, in the order they came.
"""
