"""Some images of a data set or comparison, with numbers and thumbnails, for the explorer."""
