"""Ansible: in the machine, or on the worker in a sandbox."""

from .ansible import Ansible

__all__ = ["Ansible"]
