"""
CommitService.
"""
