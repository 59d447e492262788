"""What Slipway does in a vCenter, shared by the account, the platform and the format.

session     signing in, and staying so        errors    what a vCenter's faults mean
tasks       waiting for what takes long        inventory the objects that a template names
machines    virtual machines of ours           guest     a running one, reached over SSH
leases      disks to and from a vCenter        library   content libraries
"""
