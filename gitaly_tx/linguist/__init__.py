"""
What files are: languages, generated files, licences.
"""
