"""The curator `quality`: lengths, language, boilerplate, repetition, answers that break off."""
