"""
git's services (fetch, push, archive), once for every front end.
"""
