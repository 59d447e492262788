"""What the account `aws`, the platform `ec2` and the format `ami` share: sessions, errors, instances, images."""
