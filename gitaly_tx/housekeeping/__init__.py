"""
Repositories kept small and fast.
"""
