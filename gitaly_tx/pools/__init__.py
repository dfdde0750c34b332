"""
Object pools: repositories that others borrow objects from.
"""
