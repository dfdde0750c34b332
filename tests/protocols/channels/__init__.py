"""
Backchannels and sidechannels.
"""
