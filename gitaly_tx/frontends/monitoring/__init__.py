"""
What the machines that watch the server ask it: its numbers, whether it lives, whether it takes work.
"""
