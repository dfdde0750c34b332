"""
Signatures of commits that this server makes.
"""
