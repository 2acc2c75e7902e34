"""A data set and a source of negative data for wakesleep."""
