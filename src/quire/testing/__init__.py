"""Shipped fakes and makers of test data, for our tests and for those who add a backend."""
