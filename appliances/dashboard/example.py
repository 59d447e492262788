"""Where a first release starts from: small, complete, and it builds."""

EXAMPLE = """\
# What the machine is made of. Every line can be changed; problems show up beside their lines.
base: debian:12
size: {cpus: 1, memory: 512M, disk: 2G}

variables:
  title: {type: string, default: It works, description: What the first page says}

files:
  scripts/install.sh: |
    #!/bin/sh
    set -eu
    apt-get update
    apt-get install -y --no-install-recommends nginx-light
    printf '<h1>%s</h1>\\n' "$TITLE" > /var/www/html/index.html

provisioners:
  - shell: {script: scripts/install.sh, env: {TITLE: "{{ title }}"}}

platforms:
  qemu: {formats: [qcow2, ova, box-libvirt]}

# Each runs on a machine that was launched from each finished image.
checks:
  - service: {name: nginx}
  - http: {port: 80, path: /, status: 200, contains: It works}
"""
