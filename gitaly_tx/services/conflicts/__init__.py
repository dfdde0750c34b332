"""
ConflictsService.
"""
