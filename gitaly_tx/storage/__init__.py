"""
The door to repositories, for every front end.
"""
