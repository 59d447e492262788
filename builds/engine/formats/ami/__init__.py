"""AMI: a machine image on Amazon EC2; imported from a disk, or made there by the platform ec2."""
