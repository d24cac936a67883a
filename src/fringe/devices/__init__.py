"""Which device computes, on how many threads, and how busy it is."""
