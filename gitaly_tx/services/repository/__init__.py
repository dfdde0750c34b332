"""
RepositoryService.
"""
