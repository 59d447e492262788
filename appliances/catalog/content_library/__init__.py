"""The OVAs as a content library that a vCenter subscribes to, in the format that VMware calls VCSP.

There is one library for each team and one of the whole catalog. A release with an OVA is an item; a vCenter wants the
descriptor and the disks of an item as files of their own, so these are served out of the stored OVA.
"""
