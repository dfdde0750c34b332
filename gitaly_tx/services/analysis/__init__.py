"""
AnalysisService.
"""
