"""The curator `duplicates`: exact and near duplicates, contradicting answers, empty answers."""
