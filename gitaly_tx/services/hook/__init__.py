"""
HookService: what git hooks ask the server.
"""
