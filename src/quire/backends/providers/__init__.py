"""Accounts at providers of models: one client of the vendor's SDK a process, its errors turned into ours."""
