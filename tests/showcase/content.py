"""What the showcase's appliances say about themselves."""

TEMPLATE = """\
base: debian:12
size: {cpus: 2, memory: 1G, disk: 8G}

variables:
  site_title: {type: string, default: Our wiki, description: The name at the top of each page}
  admin_password: {secret: true, description: First administrator}

files:
  scripts/install.sh: |
    #!/bin/sh
    set -eu
    apt-get update
    apt-get install -y --no-install-recommends nginx mariadb-server php-fpm
  site/index.html: |
    <h1>Welcome</h1>

provisioners:
  - shell: {script: scripts/install.sh, env: {TITLE: "{{ site_title }}"}}
  - file: {source: site, target: /var/www/html, owner: www-data, mode: "0644"}
  - shell: {inline: "systemctl enable nginx"}

platforms:
  qemu: {formats: [qcow2, raw, vmdk, ova, box-libvirt, box-virtualbox, box-vmware_desktop]}

checks:
  - http: {port: 80, path: /, status: 200, contains: Welcome}
  - service: {name: nginx}
  - command: {run: nginx -t}
  - packages: {installed: [nginx], absent: [telnetd]}
"""

FORMATS = {
    "qcow2": (".qcow2", 412, "application/x-qemu-disk"),
    "raw": (".raw.gz", 388, "application/gzip"),
    "vmdk": (".vmdk", 401, "application/x-vmdk"),
    "ami": ("", 0, ""),
    "vsphere-template": ("", 0, ""),
    "ova": (".ova", 402, "application/ovf"),
    "box-libvirt": (".libvirt.box", 396, "application/gzip"),
    "box-virtualbox": (".virtualbox.box", 404, "application/gzip"),
    "box-vmware_desktop": (".vmware_desktop.box", 403, "application/gzip"),
}
ALL, DISKS, BOXES = tuple(FORMATS), ("qcow2", "raw"), ("box-libvirt", "box-virtualbox")

PRODUCTS = [
    (
        "acme",
        "Bookstack Wiki",
        "bookstack",
        "A wiki that your whole company will write in.",
        "wiki",
        "MIT",
        ALL,
    ),
    (
        "acme",
        "Postgres Studio",
        "postgres-studio",
        "PostgreSQL with backups, metrics and a query workbench, tuned for the machine it finds itself on.",
        "database",
        "PostgreSQL",
        ALL,
    ),
    (
        "northwind",
        "Gitea",
        "gitea",
        "Git hosting for a team, painless and small.",
        "code",
        "MIT",
        ("qcow2", "ova", *BOXES),
    ),
    (
        "northwind",
        "Runner",
        "runner",
        "A CI worker that registers itself and cleans up after every job.",
        "ci",
        "Apache-2.0",
        DISKS,
    ),
    (
        "acme",
        "Mail Relay",
        "mail-relay",
        "Outgoing mail with DKIM, queue pages and sane limits.",
        "mail",
        "EPL-2.0",
        ("qcow2", "ova", "vmdk"),
    ),
    (
        "harbour",
        "Grafana",
        "grafana",
        "Dashboards for metrics and logs, with a year of storage inside.",
        "monitoring",
        "AGPL-3.0",
        ALL,
    ),
    (
        "harbour",
        "Log Vault",
        "log-vault",
        "Takes syslog and journals from everywhere and keeps them searchable.",
        "monitoring",
        "Apache-2.0",
        ("ova", *DISKS),
    ),
    (
        "harbour",
        "Tide",
        "tide",
        "A reverse proxy that gets its own certificates.",
        "network",
        "MIT",
        ("qcow2", *BOXES),
    ),
    (
        "northwind",
        "Matrix Home",
        "matrix-home",
        "Chat rooms of your own, federated with the world.",
        "chat",
        "AGPL-3.0",
        ("ova", "qcow2"),
    ),
    (
        "acme",
        "Object Shelf",
        "object-shelf",
        "S3-compatible storage on one disk or on twelve.",
        "storage",
        "AGPL-3.0",
        ALL,
    ),
    (
        "harbour",
        "DNS Keeper",
        "dns-keeper",
        "Authoritative DNS with a web page and an API.",
        "network",
        "MPL-2.0",
        ("qcow2", "ova"),
    ),
]

NOTES = """\
- Pages open **twice as fast**: the cache is on from the first boot.
- The administrator is asked for a mail address at first sign-in.
- Updated to the packages of Debian 12.8, with the fixes for `CVE-2026-1234`.

Upgrading from 1.3 needs nothing: start the new machine with the old data disk.
"""
DESCRIPTION = """\
Everything that it needs is inside: web server, database, scheduled backups, and a page that tells how it is doing.

### Why an appliance

Nothing to install and nothing to tune. What you start is exactly what was tested, and the next version is made the same way.

| | at least | better |
|---|---|---|
| processors | 1 | 2 |
| memory | 512 MB | 1 GB |
"""
CREDENTIALS = """\
Open **http://the-machine/** and choose the administrator's password: the first visitor is asked. Over SSH, sign in as `root` with the key of your seed.
"""
PACKAGES = [
    "adduser",
    "apt",
    "base-files",
    "bash",
    "ca-certificates",
    "coreutils",
    "cron",
    "curl",
    "dbus",
    "debconf",
    "dpkg",
    "e2fsprogs",
    "gnupg",
    "grep",
    "gzip",
    "init",
    "iproute2",
    "libc6",
    "libssl3",
    "linux-image-amd64",
    "mariadb-server",
    "nginx",
    "openssh-server",
    "openssl",
    "passwd",
    "perl-base",
    "php8.2-fpm",
    "procps",
    "sed",
    "sudo",
    "systemd",
    "tar",
    "tzdata",
    "udev",
    "util-linux",
    "zlib1g",
]
STEPS = [
    "Prepare debian:12",
    "Start the machine",
    "1. shell: scripts/install.sh",
    "2. file: site",
    "3. shell: systemctl enable nginx",
    "Clean and shut down",
    "Convert to QCOW2",
    "Convert to raw",
    "Convert to VMDK",
    "Pack the OVA",
    "Pack the Vagrant boxes",
    "Test QCOW2",
    "Test OVA",
]
BEGAN = [0, 4, 25, 143, 146, 149, 163, 163, 182, 187, 208, 241, 241]  # some are side by side
WEIGHTS = [4, 21, 118, 3, 2, 14, 19, 24, 26, 5, 31, 22, 25]
LENGTH = BEGAN[-1] + WEIGHTS[-1]
CHECKS = [
    ("boots", "answered after {boot:.1f} s"),
    ("http: GET :80/ answers 200", "200 OK, 18 432 bytes, contains “Welcome”"),
    ("service: nginx is active", "active (running)"),
    ("command: nginx -t", "exit code 0: syntax is ok"),
    ("packages: nginx installed, telnetd absent", "nginx 1.22.1-9+deb12u1; telnetd is absent"),
]
LOG = [
    "Get:1 http://deb.debian.org/debian bookworm InRelease [151 kB]",
    "Get:2 http://deb.debian.org/debian bookworm/main amd64 Packages [8787 kB]",
    "Fetched 8938 kB in 2s (4120 kB/s)",
    "Reading package lists...",
    "The following NEW packages will be installed:",
    "  libmariadb3 mariadb-server nginx nginx-common php8.2-fpm",
    "Setting up nginx-common (1.22.1-9+deb12u1) ...",
    "Setting up mariadb-server (1:10.11.6-0+deb12u1) ...",
    "Created symlink /etc/systemd/system/multi-user.target.wants/mariadb.service",
    "● the wiki's first page answers",
]

CONSOLE = """\
[    0.000000] Linux version 6.1.0-27-amd64
[    1.204331] systemd[1]: Detected virtualization kvm.
[  OK  ] Started nginx.service - A high performance web server.
[  OK  ] Reached target multi-user.target - Multi-User System.

Debian GNU/Linux 12 wiki ttyS0
"""
