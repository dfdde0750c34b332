"""
ObjectPoolService.
"""
