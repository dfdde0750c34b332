"""
DiffService.
"""
