"""
RemoteService.
"""
