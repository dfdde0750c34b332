"""
git over HTTP, as ``git-http-backend`` speaks it: an in-process client of ``SmartHTTPService``.

A request is decided when its headers are in: route, user, right. Only then is its body read, piece by piece as the engine asks
for it; nothing is ever spooled. A pack goes from git's pipe into the socket without entering Python, where there is no TLS.
"""
