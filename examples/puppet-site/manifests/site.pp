# What the machine is.
class { 'site':
  title    => $facts['slipway']['site_title'],
  greeting => 'Welcome.',
}
