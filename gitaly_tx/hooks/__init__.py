"""
What happens around a ref update: policies, custom hooks, events.
"""
