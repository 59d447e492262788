"""Clouds and hypervisors on this host, for tests and demonstrations: real protocols, real disks, machines that boot."""
