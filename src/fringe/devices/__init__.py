"""The device and the threads that compute, and the utilization of a GPU."""
