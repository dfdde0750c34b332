"""
When an entry counts as committed: at once on one server, by agreement on several.
"""
