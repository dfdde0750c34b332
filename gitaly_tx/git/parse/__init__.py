"""
What git writes, taken apart: one file for each format. Pure functions and machines; nothing here runs or reads anything.
"""
