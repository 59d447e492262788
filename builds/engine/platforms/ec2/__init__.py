"""Amazon EC2: machines and images there."""
