"""
Who must wait, and who is turned away: limits on what is done at once and how often.
"""
