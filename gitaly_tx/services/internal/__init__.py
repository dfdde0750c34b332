"""
InternalGitaly.
"""
