# A web server with one page.
class site (
  String $heading,
  String $greeting,
) {
  package { 'lighttpd':
    ensure          => installed,
    install_options => ['--no-install-recommends'],
  }

  file { '/var/www/html/index.html':
    content => epp('site/index.html.epp', { 'heading' => $heading, 'greeting' => $greeting }),
    require => Package['lighttpd'],
  }

  service { 'lighttpd':
    ensure  => running,
    enable  => true,
    require => Package['lighttpd'],
  }
}
