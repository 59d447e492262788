# What the machine is.
class { 'site':
  heading  => $facts['slipway']['site_title'],
  greeting => 'Welcome.',
}
