"""What a study found, shown to people: live panel, tables, frames, importance, one HTML file.

Everything here reads a frozen ``StudyView`` and changes nothing. Knows no engine, no store, no training.
"""
