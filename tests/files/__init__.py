"""Files of every kind made wrong, and what is no file: each command ends with words and a code."""
