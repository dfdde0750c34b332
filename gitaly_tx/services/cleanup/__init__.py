"""
CleanupService.
"""
