"""
RefService.
"""
